from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtsdb.data.noise_models.sensors import MAX_ISO, MIN_ISO, SENSORS

CALIBRATION = Path(__file__).resolve().parents[4] / "shared" / "data" / "noise"

FILES = {
    "canon-eos5d4": "CanonEOS5D4",
    "canon-eos70d": "CanonEOS70D",
    "canon-eos700d": "CanonEOS700D",
    "nikon-d850": "NikonD850",
    "sony-a7s2": "SonyA7S2",
}


@pytest.mark.parametrize("camera", SENSORS)
def test_figures_are_those_of_the_published_calibration(camera: str) -> None:
    path = CALIBRATION / f"ELD_{FILES[camera]}_params.npy"
    if not path.exists():
        pytest.skip(f"no calibration at {path}")
    published = np.load(path, allow_pickle=True).item()
    sensor, profile = SENSORS[camera], published["Profile-1"]
    assert sensor.gain(MIN_ISO) == pytest.approx(published["Kmin"], abs=1e-4)
    assert sensor.gain(MAX_ISO) == pytest.approx(published["Kmax"], rel=1e-3)
    for line, name in ((sensor.read, "g_scale"), (sensor.row, "R_scale")):
        assert line.slope == pytest.approx(profile[name]["slope"], abs=1e-4)
        assert line.bias == pytest.approx(profile[name]["bias"], abs=1e-4)


@pytest.mark.parametrize("camera", SENSORS)
def test_read_noise_is_at_least_half_an_electron(camera: str) -> None:
    """The drawing of raw values relies on it."""
    sensor = SENSORS[camera]
    for iso in (100, 800, 6400):
        assert sensor.read.at(sensor.gain(iso)) / sensor.gain(iso) > 0.5
