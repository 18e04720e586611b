from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rtsdb.data.noise_models import GaussianNoise
from rtsdb.noise import NoiseLevel

PHI = NormalDist().cdf


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def grey(value: int, shape: tuple[int, ...] = (400, 500, 3)) -> NDArray[np.uint8]:
    return np.full(shape, value, np.uint8)


def awgn(image: NDArray[np.uint8], sigma: float, seed: int = 0) -> NDArray[np.uint8]:
    return GaussianNoise.awgn(sigma).apply_8bit(image, rng(seed))


def assert_clipped_rounded_normal(values: NDArray[np.uint8], mean: float, sigma: float) -> None:
    """Chi-squared test of all grey levels against the normal distribution's exact shares."""
    edges = [-math.inf, *(k + 0.5 - mean for k in range(255)), math.inf]
    cumulative = np.array([PHI(edge / sigma) for edge in edges])
    expected = np.diff(cumulative) * values.size
    seen = np.bincount(values.reshape(-1), minlength=256)
    rare = expected < 20
    expected = np.append(expected[~rare], expected[rare].sum())
    seen = np.append(seen[~rare], seen[rare].sum())
    keep = expected > 5
    statistic = float((((seen - expected) ** 2) / np.maximum(expected, 1e-9))[keep].sum())
    degrees = int(keep.sum()) - 1
    # Wilson-Hilferty: the cube root of chi-squared over its degrees is nearly normal.
    spread = 2 / (9 * degrees)
    assert ((statistic / degrees) ** (1 / 3) - (1 - spread)) / math.sqrt(spread) < 3.5


@pytest.mark.parametrize("sigma", [0.4, 5, 25, 60])
def test_white_noise_has_the_distribution_of_a_clipped_rounded_normal(sigma: float) -> None:
    assert_clipped_rounded_normal(awgn(grey(100), sigma), 100, sigma)


@pytest.mark.parametrize("value", [4, 60, 128, 250])
def test_shot_noise_is_normal_with_the_variance_of_its_grey_level(value: int) -> None:
    level = NoiseLevel(a=2, b=25)
    noisy = GaussianNoise(level).apply_8bit(grey(value), rng())
    assert_clipped_rounded_normal(noisy, value, level.sigma_at(value))


def test_noise_is_not_correlated_between_pixels_channels_or_frames() -> None:
    noise = awgn(grey(128), 20).astype(np.float64) - 128
    other = awgn(grey(128), 20, seed=1).astype(np.float64) - 128
    pairs = [
        (noise[:, 1:], noise[:, :-1]),
        (noise[1:], noise[:-1]),
        (noise[..., 0], noise[..., 1]),
        (noise, other),
        (noise**2 - 400, np.roll(noise, 1) ** 2 - 400),
    ]
    for a, b in pairs:
        correlation = np.mean(a * b) / math.sqrt(np.mean(a * a) * np.mean(b * b))
        assert abs(correlation) < 4 / math.sqrt(a.size)


def test_noise_is_clipped_not_wrapped() -> None:
    assert (awgn(grey(0), 30) == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert (awgn(grey(255), 30) == 255).mean() == pytest.approx(0.5, abs=0.02)


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=3).map(tuple),
    st.floats(0, 5),
    st.floats(0, 10_000),
    st.integers(0, 2**32),
)
def test_any_shape_level_and_seed(shape: tuple[int, ...], a: float, b: float, seed: int) -> None:
    model = GaussianNoise(NoiseLevel(a, b))
    image = rng(1).integers(0, 256, shape, dtype=np.uint8)
    before = image.copy()
    first = model.apply_8bit(image, rng(seed))
    assert first.shape == shape
    assert first.dtype == np.uint8
    assert (image == before).all()
    assert (first == model.apply_8bit(image, rng(seed))).all()
    again = np.empty_like(image)
    assert model.apply_8bit(image, rng(seed), out=again) is again
    assert (first == again).all()


def test_no_noise_leaves_the_image() -> None:
    image = rng().integers(0, 256, (33, 47, 3), dtype=np.uint8)
    assert (awgn(image, 0) == image).all()


@pytest.mark.parametrize("level", [NoiseLevel(0, 625), NoiseLevel(2, 25)])
def test_one_array_may_be_read_and_written(level: NoiseLevel) -> None:
    image = rng().integers(0, 256, (200, 300, 3), dtype=np.uint8)
    expected = GaussianNoise(level).apply_8bit(image, rng(3))
    assert (GaussianNoise(level).apply_8bit(image, rng(3), out=image) == expected).all()


def test_a_view_of_a_larger_image_is_read_in_order() -> None:
    image = rng().integers(0, 256, (64, 96, 3), dtype=np.uint8)
    mirrored = image[:, ::-1]
    assert (awgn(mirrored, 0) == mirrored).all()


@pytest.mark.parametrize(
    "out", [np.empty((4, 5), np.uint8), np.empty((4, 4)), np.empty((4, 8), np.uint8)[:, ::2]]
)
def test_an_unfit_out_is_refused(out: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="out must be"):
        GaussianNoise.awgn(5).apply_8bit(grey(0, (4, 4)), rng(), out=out)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_an_impossible_level_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="sigma must be"):
        GaussianNoise.awgn(value)
    for level in (NoiseLevel(value, 1.0), NoiseLevel(1.0, value)):
        with pytest.raises(ValueError, match="must be finite"):
            GaussianNoise(level)


def test_float_noise_is_normal_and_not_clipped() -> None:
    noisy = GaussianNoise.awgn(50).apply_float(grey(250), rng())
    noise = noisy - 250
    assert noisy.dtype == np.float32
    assert float(noise.mean()) == pytest.approx(0, abs=0.25)
    assert float(noise.std()) == pytest.approx(50, rel=0.005)
    assert float((noisy > 255).mean()) == pytest.approx(1 - PHI(0.1), abs=0.005)
    assert float((noisy < 150).mean()) == pytest.approx(PHI(-2), abs=0.002)


@pytest.mark.parametrize("value", [0, 17.5, 200])
def test_float_shot_noise_has_the_variance_of_its_grey_level(value: float) -> None:
    image = np.full((400, 500, 3), value, np.float32)
    noise = GaussianNoise(NoiseLevel(a=2, b=25)).apply_float(image, rng()) - value
    assert float(noise.mean()) == pytest.approx(0, abs=0.15)
    assert float(noise.var()) == pytest.approx(2 * value + 25, rel=0.01)
