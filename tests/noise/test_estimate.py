from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rtsdb.data.noise_models import CameraNoise, GaussianNoise, NoiseModel
from rtsdb.noise import NoiseLevel, estimate_noise
from tests.noise.pictures import noisy, street

CAMVID = Path(__file__).resolve().parents[3] / "shared" / "data" / "camvid" / "val"
SIGMAS = (5, 10, 15, 20, 25, 30, 40, 50, 60)
GREYS = (32, 96, 160, 224)


def check(frame: NDArray[np.uint8], level: NoiseLevel, *, rel: float, abs_: float = 0.0) -> None:
    """The estimate is near the level at dark and bright grey levels alike."""
    estimate = estimate_noise(frame)
    for grey in GREYS:
        expected = level.sigma_at(grey)
        assert estimate.sigma_at(grey) == pytest.approx(expected, rel=rel, abs=abs_), grey


def camvid_frames(step: int) -> list[NDArray[np.uint8]]:
    if not CAMVID.is_dir():
        pytest.skip(f"no CamVid frames at {CAMVID}")
    pictures = [cv2.imread(str(path)) for path in sorted(CAMVID.glob("*.png"))[::step]]
    return [np.asarray(picture, np.uint8)[:, :, ::-1].copy() for picture in pictures]


@pytest.mark.parametrize("sigma", SIGMAS)
def test_white_noise_on_a_textured_scene(sigma: int) -> None:
    check(noisy(street(), sigma), NoiseLevel.awgn(sigma), rel=0.1, abs_=0.5)


@pytest.mark.parametrize("sigma", [0, 1, 2])
def test_little_noise_gives_a_small_estimate(sigma: int) -> None:
    check(noisy(street(), sigma), NoiseLevel.awgn(sigma), rel=0, abs_=0.7)


@pytest.mark.parametrize(("a", "b"), [(0.5, 1), (1, 9), (2, 25), (5, 25), (8, 4)])
def test_noise_that_grows_with_light(a: float, b: float) -> None:
    level = NoiseLevel(a, b)
    frame = GaussianNoise(level).apply_8bit(street(), np.random.default_rng(0))
    check(frame, level, rel=0.12)


def test_noise_that_is_strongest_in_the_dark_has_a_falling_line() -> None:
    model = CameraNoise("nikon-d850", iso=3200, underexposure=8)
    frame = model.apply_8bit(street(), np.random.default_rng(0))
    assert estimate_noise(frame).a < 0
    check(frame, model.level, rel=0.25)


@pytest.mark.parametrize("grey", [0, 15, 128, 250, 255])
@pytest.mark.parametrize("sigma", [5, 25, 60])
def test_clipping_is_corrected_for(grey: int, sigma: int) -> None:
    flat = np.full((240, 320, 3), grey, np.uint8)
    check(noisy(flat, sigma), NoiseLevel.awgn(sigma), rel=0.15)


def test_blocks_whose_noise_was_cut_off_do_not_count() -> None:
    frame = noisy(street(), 20)
    frame[:80] = 255
    frame[200:] = 16
    check(frame, NoiseLevel.awgn(20), rel=0.1)


def test_bars_that_a_codec_left_not_quite_constant_do_not_count() -> None:
    frame = noisy(street(), 20)
    frame[:80] = 16 + (np.random.default_rng(0).random(frame[:80].shape) < 0.02)
    check(frame, NoiseLevel.awgn(20), rel=0.1)


def test_a_burnt_out_channel_does_not_count() -> None:
    frame = noisy(street(), 20)
    frame[:, :, 0] = 255
    check(frame, NoiseLevel.awgn(20), rel=0.1)


def test_noise_of_subsampled_chroma_is_seen_in_every_channel() -> None:
    frame = noisy(np.full((240, 320, 3), 128, np.uint8), 20)
    coded = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420), cv2.COLOR_YUV2RGB_I420)
    luma = 20 * math.sqrt(0.299**2 + 0.587**2 + 0.114**2)
    check(np.asarray(coded, np.uint8), NoiseLevel.awgn(luma), rel=0.1)


@pytest.mark.parametrize("shape", [(8, 8, 3), (9, 200, 3), (64, 64, 3), (1024, 2048, 3)])
def test_any_frame_size(shape: tuple[int, int, int]) -> None:
    frame = noisy(np.full(shape, 128, np.uint8), 20)
    check(frame, NoiseLevel.awgn(20), rel=0.5 if shape == (8, 8, 3) else 0.12)


@pytest.mark.parametrize("grey", [0, 77, 255])
def test_a_constant_frame_has_no_noise(grey: int) -> None:
    assert estimate_noise(np.full((64, 64, 3), grey, np.uint8)) == NoiseLevel(0.0, 0.0)


def test_the_same_frame_gives_the_same_estimate() -> None:
    frame = noisy(street(), 25)
    assert estimate_noise(frame) == estimate_noise(frame.copy())
    assert estimate_noise(frame) == estimate_noise(np.asfortranarray(frame))


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((64, 64), np.uint8),
        np.zeros((7, 64, 3), np.uint8),
        np.zeros((64, 64, 3), np.float32),
    ],
)
def test_other_arrays_are_refused(frame: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="uint8 frame"):
        estimate_noise(frame)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_white_noise_on_camvid(sigma: int) -> None:
    for frame in camvid_frames(step=20):
        check(noisy(frame, sigma), NoiseLevel.awgn(sigma), rel=0.15, abs_=2)


@pytest.mark.parametrize(
    ("model", "rel"),
    [
        (GaussianNoise(NoiseLevel(2, 25)), 0.1),
        (GaussianNoise(NoiseLevel(8, 4)), 0.1),
        (CameraNoise("nikon-d850", iso=3200), 0.25),
        (CameraNoise("nikon-d850", iso=3200, underexposure=8), 0.25),
        (CameraNoise("sony-a7s2", iso=6400, underexposure=8), 0.25),
    ],
    ids=lambda value: value.spec if not isinstance(value, float) else "",
)
def test_other_noise_on_camvid(model: NoiseModel, rel: float) -> None:
    rng = np.random.default_rng(0)
    for frame in camvid_frames(step=30):
        check(model.apply_8bit(frame, rng), model.level, rel=rel)
