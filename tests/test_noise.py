from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rtsdb.data.degradations import add_awgn_8bit
from rtsdb.errors import UsageError
from rtsdb.noise import NoiseLevel, NoiseTracker, estimate_awgn, parse_sigma

CAMVID = Path(__file__).resolve().parents[2] / "shared" / "data" / "camvid" / "val"
SIGMAS = (5, 10, 15, 20, 25, 30, 40, 50, 60)


def street(height: int = 240, width: int = 320) -> NDArray[np.uint8]:
    """A bright sky over a textured, darker ground: gradients, edges and fine texture."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    sky = 235 - 60 * y / height
    rng = np.random.default_rng(7)
    texture = 18 * cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), 1.0)
    ground = 70 + 40 * np.sin(x / 9) * np.sin(y / 7) + 4 * texture
    grey = np.where(y < height * 0.4, sky, ground)
    grey[: height // 2, width // 3 : width // 2] = 30
    frame = np.stack([grey, grey * 0.95, grey * 0.9], axis=2)
    rounded: NDArray[np.uint8] = np.clip(np.rint(frame), 0, 255).astype(np.uint8)
    return rounded


def noisy(frame: NDArray[np.uint8], sigma: float, seed: int = 0) -> NDArray[np.uint8]:
    return add_awgn_8bit(frame, sigma, np.random.default_rng(seed))


def measured(frame: NDArray[np.uint8]) -> float:
    level = estimate_awgn(frame)
    assert level.a == 0
    return level.sigma_at(100)


def test_noise_level_is_the_variance_line() -> None:
    assert NoiseLevel.awgn(5) == NoiseLevel(0.0, 25.0)
    assert NoiseLevel(2.0, 1.0).sigma_at(60) == 11
    assert NoiseLevel(1.0, -4.0).sigma_at(2) == 0
    array = NoiseLevel(2.0, 1.0).array()
    assert array.dtype == np.float32
    assert array.tolist() == [2, 1]


@given(st.floats(0, 100))
def test_awgn_is_the_same_at_all_grey_levels(sigma: float) -> None:
    level = NoiseLevel.awgn(sigma)
    assert level.sigma_at(0) == level.sigma_at(255) == pytest.approx(sigma, abs=1e-6)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_estimate_on_a_textured_scene(sigma: int) -> None:
    assert measured(noisy(street(), sigma)) == pytest.approx(sigma, rel=0.1, abs=0.5)


@pytest.mark.parametrize("sigma", [0, 1, 2])
def test_little_noise_gives_a_small_estimate(sigma: int) -> None:
    assert measured(noisy(street(), sigma)) == pytest.approx(sigma, abs=0.7)


@pytest.mark.parametrize("grey", [0, 15, 128, 250, 255])
@pytest.mark.parametrize("sigma", [5, 25, 60])
def test_clipping_is_corrected_for(grey: int, sigma: int) -> None:
    flat = np.full((240, 320, 3), grey, np.uint8)
    assert measured(noisy(flat, sigma)) == pytest.approx(sigma, rel=0.15)


def test_blocks_whose_noise_was_cut_off_do_not_count() -> None:
    frame = noisy(street(), 20)
    frame[:80] = 255
    frame[200:] = 16
    assert measured(frame) == pytest.approx(20, rel=0.1)


def test_noise_of_subsampled_chroma_is_seen_in_every_channel() -> None:
    frame = noisy(np.full((240, 320, 3), 128, np.uint8), 20)
    coded = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420), cv2.COLOR_YUV2RGB_I420)
    luma = 20 * math.sqrt(0.299**2 + 0.587**2 + 0.114**2)
    assert measured(np.asarray(coded, np.uint8)) == pytest.approx(luma, rel=0.1)


@pytest.mark.parametrize("shape", [(8, 8, 3), (9, 200, 3), (64, 64, 3), (1024, 2048, 3)])
def test_any_frame_size(shape: tuple[int, int, int]) -> None:
    frame = noisy(np.full(shape, 128, np.uint8), 20)
    loose = 0.5 if shape == (8, 8, 3) else 0.1
    assert measured(frame) == pytest.approx(20, rel=loose)


@pytest.mark.parametrize("grey", [0, 77, 255])
def test_a_constant_frame_has_no_noise(grey: int) -> None:
    assert estimate_awgn(np.full((64, 64, 3), grey, np.uint8)) == NoiseLevel(0.0, 0.0)


def test_the_same_frame_gives_the_same_estimate() -> None:
    frame = noisy(street(), 25)
    assert estimate_awgn(frame) == estimate_awgn(frame.copy())
    assert estimate_awgn(frame) == estimate_awgn(np.asfortranarray(frame))


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
        estimate_awgn(frame)


@pytest.mark.skipif(not CAMVID.is_dir(), reason=f"no CamVid frames at {CAMVID}")
@pytest.mark.parametrize("sigma", SIGMAS)
def test_estimate_on_camvid(sigma: int) -> None:
    for path in sorted(CAMVID.glob("*.png"))[::20]:
        clean = cv2.imread(str(path))
        assert clean is not None
        estimate = measured(noisy(np.asarray(clean, np.uint8), sigma))
        assert estimate == pytest.approx(sigma, rel=0.15, abs=2), path.name


def test_tracker_starts_at_the_first_frame() -> None:
    frame = noisy(street(), 25)
    assert NoiseTracker().update(frame) == estimate_awgn(frame)


def test_tracker_is_quieter_than_the_estimates() -> None:
    frames = [noisy(street(), 25, seed) for seed in range(20)]
    tracker = NoiseTracker()
    tracked = [tracker.update(frame).sigma_at(0) for frame in frames]
    single = [measured(frame) for frame in frames]
    assert np.std(tracked[8:]) < 0.5 * np.std(single[8:])
    assert np.mean(tracked) == pytest.approx(25, rel=0.05)


def test_tracker_follows_a_jump_within_two_frames() -> None:
    tracker = NoiseTracker()
    for seed in range(5):
        tracker.update(noisy(street(), 10, seed))
    tracker.update(noisy(street(), 40, 5))
    after = tracker.update(noisy(street(), 40, 6)).sigma_at(0)
    assert after == pytest.approx(40, rel=0.1)


def test_tracker_ignores_one_odd_frame() -> None:
    tracker = NoiseTracker()
    for seed in range(5):
        tracker.update(noisy(street(), 20, seed))
    assert tracker.update(np.zeros((240, 320, 3), np.uint8)).sigma_at(0) == pytest.approx(
        20, rel=0.1
    )


def test_parse_sigma_reads_auto_and_numbers() -> None:
    assert parse_sigma("auto") is None
    assert parse_sigma(" AUTO ") is None
    assert parse_sigma("0") == 0
    assert parse_sigma("12.5") == 12.5
    assert parse_sigma("100") == 100


@given(st.floats(0, 100))
def test_parse_sigma_reads_back_any_level(sigma: float) -> None:
    assert parse_sigma(repr(sigma)) == sigma


@pytest.mark.parametrize("text", ["", "loud", "-1", "100.5", "nan", "inf", "5,5"])
def test_parse_sigma_names_the_flag_and_the_fix(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--sigma .*: give 'auto' or a number .* 0 to 100"):
        parse_sigma(text)
