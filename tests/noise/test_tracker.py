from __future__ import annotations

import numpy as np
import pytest

from rtsdb.data.noise_models import GaussianNoise
from rtsdb.noise import NoiseLevel, NoiseTracker, estimate_noise
from tests.noise.pictures import noisy, street


def test_starts_at_the_first_frame() -> None:
    frame = noisy(street(), 25)
    assert NoiseTracker().update(frame) == estimate_noise(frame)


def test_is_quieter_than_the_estimates() -> None:
    frames = [noisy(street(), 25, seed) for seed in range(20)]
    tracker = NoiseTracker()
    tracked = [tracker.update(frame).sigma_at(128) for frame in frames]
    single = [estimate_noise(frame).sigma_at(128) for frame in frames]
    assert np.std(tracked[8:]) < 0.5 * np.std(single[8:])
    assert np.mean(tracked) == pytest.approx(25, rel=0.05)


def test_keeps_the_slope_of_noise_that_grows_with_light() -> None:
    model, tracker = GaussianNoise(NoiseLevel(4, 25)), NoiseTracker()
    for seed in range(6):
        level = tracker.update(model.apply_8bit(street(), np.random.default_rng(seed)))
    for grey in (32, 224):
        assert level.sigma_at(grey) == pytest.approx(model.level.sigma_at(grey), rel=0.1)


def test_follows_a_jump_within_two_frames() -> None:
    tracker = NoiseTracker()
    for seed in range(5):
        tracker.update(noisy(street(), 10, seed))
    tracker.update(noisy(street(), 40, 5))
    after = tracker.update(noisy(street(), 40, 6)).sigma_at(128)
    assert after == pytest.approx(40, rel=0.1)


def test_ignores_one_odd_frame() -> None:
    tracker = NoiseTracker()
    for seed in range(5):
        tracker.update(noisy(street(), 20, seed))
    after = tracker.update(np.zeros((240, 320, 3), np.uint8)).sigma_at(128)
    assert after == pytest.approx(20, rel=0.1)
