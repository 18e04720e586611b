from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rtsdb.data.noise_models import CameraNoise, draw_camera_noise
from rtsdb.data.noise_models.sensors import SENSORS, WHITE
from rtsdb.errors import UsageError

GAINS = np.array([2.15, 1.0, 1.7])
"""White balance, as the module has it."""


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def grey(value: int, height: int = 256, width: int = 384) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def to_linear(y: float) -> float:
    return y / 255 / 12.92 if y <= 0.04045 * 255 else ((y / 255 + 0.055) / 1.055) ** 2.4


def to_shown(light: NDArray[np.float64]) -> NDArray[np.float64]:
    light = np.clip(light, 0, 1)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * curve)


def simulated(model: CameraNoise, value: int, n: int) -> NDArray[np.float64]:
    """The physics step by step with Poisson numbers: n pixels in rows of their own, [n, 3]."""
    sensor, draw = SENSORS[model.camera], rng(1)
    gain = sensor.gain(model.iso)
    electrons = to_linear(value) / GAINS * WHITE / model.underexposure / gain
    raw = gain * draw.poisson(np.broadcast_to(electrons, (n, 3)))
    raw = raw + sensor.read.at(gain) * draw.standard_normal((n, 3))
    raw = raw + sensor.row.at(gain) * draw.standard_normal((n, 1))
    raw = np.clip(np.rint(raw), 0, WHITE)
    return to_shown(raw / WHITE * model.underexposure * GAINS)


@pytest.mark.parametrize("value", [0, 3, 20, 60, 128, 220, 255])
@pytest.mark.parametrize(
    "model",
    [
        CameraNoise("nikon-d850", 6400, 16),
        CameraNoise("nikon-d850", 100),
        CameraNoise("canon-eos700d", 3200, 4),
        CameraNoise("sony-a7s2", 6400, 30),
    ],
    ids=lambda model: str(model.spec),
)
def test_shown_values_are_distributed_as_the_physics_say(model: CameraNoise, value: int) -> None:
    """Kolmogorov's distance to a simulation with Poisson numbers, in every channel."""
    rows = 40_000
    found = model.apply_8bit(grey(value, rows, 1), rng()).reshape(rows, 3)
    expected = simulated(model, value, rows)
    for channel in range(3):
        shares = [
            np.cumsum(np.bincount(values.astype(int), minlength=256)) / rows
            for values in (found[:, channel], expected[:, channel])
        ]
        # 0.01 for the expansion instead of Poisson, 1.95 sqrt(2/n) for chance (p = 0.001).
        assert np.abs(shares[0] - shares[1]).max() < 0.01 + 1.95 * math.sqrt(2 / rows)


@pytest.mark.parametrize("value", [180, 230])
def test_the_light_varies_as_its_photons_do(value: int) -> None:
    """Where read noise is nothing, one over the relative variance is the number of electrons."""
    shown = CameraNoise("sony-a7s2", 100, underexposure=30).apply_8bit(grey(value), rng())[..., 1]
    light = np.array([to_linear(y) for y in range(256)])[shown]
    full_well = 166_000
    expected = to_linear(value) * full_well / 30
    assert light.mean() ** 2 / light.var() == pytest.approx(expected, rel=0.1)


def test_rows_share_their_noise_and_nothing_else_is_correlated() -> None:
    noise = CameraNoise("canon-eos700d", 6400).apply_8bit(grey(60, 500, 4000), rng())[..., 1]
    rows, columns = noise.mean(axis=1), noise.mean(axis=0)
    sensor = SENSORS["canon-eos700d"]
    below, above = to_shown(to_linear(60) + np.array([-0.02, 0.02]))
    shown_per_dn = (above - below) / 0.04 / WHITE
    expected = sensor.row.at(sensor.gain(6400)) * shown_per_dn
    chance = noise.var() / 4000
    assert rows.var() > 2 * chance
    assert math.sqrt(rows.var() - chance) == pytest.approx(expected, rel=0.1)
    assert columns.var() == pytest.approx(noise.var() / 500, rel=0.1)
    within = noise - rows[:, None]
    correlation = np.mean(within[:, 1:] * within[:, :-1]) / within.var()
    assert abs(correlation) < 4 / math.sqrt(within.size) + 1 / 4000


@pytest.mark.parametrize("value", [60, 128, 220])
def test_brightness_is_kept(value: int) -> None:
    frame = CameraNoise("nikon-d850", 3200, 4).apply_8bit(grey(value), rng())
    assert frame.mean(axis=(0, 1)) == pytest.approx(value, abs=2.5)


def test_less_light_and_a_higher_iso_give_more_noise() -> None:
    def mid(model: CameraNoise) -> float:
        return model.level.sigma_at(128)

    by_iso = [mid(CameraNoise("nikon-d850", iso)) for iso in (100, 800, 3200, 6400)]
    by_light = [mid(CameraNoise("nikon-d850", 3200, factor)) for factor in (1, 2, 8, 30)]
    assert by_iso == sorted(by_iso)
    assert by_light == sorted(by_light)
    assert by_light[-1] > 4 * by_light[0]


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_the_level_describes_what_is_drawn(seed: int) -> None:
    model = draw_camera_noise(rng(seed))
    worst = 0.0
    for value in (64, 128, 192):
        noise = model.apply_8bit(grey(value, 200, 200), rng(seed)).astype(float)
        if np.isin(noise, (0, 255)).mean() < 0.02:
            sigma = math.sqrt(noise.var(axis=(0, 1)).mean())
            worst = max(worst, abs(model.level.sigma_at(value) / sigma - 1))
    assert worst < 0.4


@given(st.integers(0, 2**32))
def test_drawn_noise_stays_in_its_range(seed: int) -> None:
    model = draw_camera_noise(rng(seed))
    assert 400 <= model.iso <= 6400
    assert 2 <= model.underexposure <= 30
    assert model.iso * model.underexposure < 1.01 * 102400
    assert model.level.a <= 0
    assert model.level.b + 255 * model.level.a >= 0


def test_draws_vary_and_repeat() -> None:
    generator = rng(3)
    models = [draw_camera_noise(generator) for _ in range(100)]
    assert {model.camera for model in models} == set(SENSORS)
    assert len({model.spec for model in models}) == 100
    assert draw_camera_noise(rng(3)) == models[0]


@pytest.mark.parametrize(
    ("camera", "iso", "factor", "named"),
    [
        ("leica", 100, 1, "nikon-d850"),
        ("nikon-d850", 99, 1, "100 to 6400"),
        ("nikon-d850", math.nan, 1, "100 to 6400"),
        ("nikon-d850", 100, 0.5, "1x to 30x"),
        ("nikon-d850", 100, 31, "1x to 30x"),
    ],
)
def test_settings_out_of_range_are_refused(
    camera: str, iso: float, factor: float, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        CameraNoise(camera, iso, factor)


def test_other_pictures_are_refused() -> None:
    model = CameraNoise("nikon-d850", 3200)
    for picture in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32)):
        with pytest.raises(ValueError, match=r"uint8 \[H, W, 3\]"):
            model.apply_8bit(picture, rng())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="8-bit"):
        model.apply_float(np.zeros((8, 8, 3)), rng())
