from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rtsdb.data.degradations import NoiseSimulator, add_awgn_8bit, add_awgn_float

PHI = NormalDist().cdf


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def grey(value: int, shape: tuple[int, ...] = (400, 500, 3)) -> NDArray[np.uint8]:
    return np.full(shape, value, np.uint8)


@pytest.mark.parametrize("sigma", [0.4, 5, 25, 60])
def test_8bit_noise_has_the_distribution_of_a_clipped_rounded_normal(sigma: float) -> None:
    """Chi-squared test of all grey levels against the normal distribution's exact shares."""
    noisy = add_awgn_8bit(grey(100), sigma, rng())
    edges = [-math.inf, *(k + 0.5 - 100 for k in range(255)), math.inf]
    cumulative = np.array([PHI(edge / sigma) for edge in edges])
    expected = np.diff(cumulative) * noisy.size
    seen = np.bincount(noisy.reshape(-1), minlength=256)
    rare = expected < 20
    expected = np.append(expected[~rare], expected[rare].sum())
    seen = np.append(seen[~rare], seen[rare].sum())
    keep = expected > 5
    statistic = float((((seen - expected) ** 2) / np.maximum(expected, 1e-9))[keep].sum())
    degrees = int(keep.sum()) - 1
    # Wilson-Hilferty: the cube root of chi-squared over its degrees is nearly normal.
    spread = 2 / (9 * degrees)
    assert ((statistic / degrees) ** (1 / 3) - (1 - spread)) / math.sqrt(spread) < 3.5


def test_8bit_noise_is_not_correlated_between_pixels_channels_or_frames() -> None:
    noise = add_awgn_8bit(grey(128), 20, rng()).astype(np.float64) - 128
    other = add_awgn_8bit(grey(128), 20, rng(1)).astype(np.float64) - 128
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


def test_8bit_noise_is_clipped_not_wrapped() -> None:
    assert (add_awgn_8bit(grey(0), 30, rng()) == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert (add_awgn_8bit(grey(255), 30, rng()) == 255).mean() == pytest.approx(0.5, abs=0.02)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=3).map(tuple),
    st.floats(0, 100),
    st.integers(0, 2**32),
)
def test_any_shape_level_and_seed(shape: tuple[int, ...], sigma: float, seed: int) -> None:
    image = rng(1).integers(0, 256, shape, dtype=np.uint8)
    before = image.copy()
    first = add_awgn_8bit(image, sigma, rng(seed))
    assert first.shape == shape
    assert first.dtype == np.uint8
    assert (image == before).all()
    assert (first == add_awgn_8bit(image, sigma, rng(seed))).all()
    again = np.empty_like(image)
    assert add_awgn_8bit(image, sigma, rng(seed), out=again) is again
    assert (first == again).all()


def test_no_noise_leaves_the_image() -> None:
    image = rng().integers(0, 256, (33, 47, 3), dtype=np.uint8)
    assert (add_awgn_8bit(image, 0, rng()) == image).all()


def test_one_array_may_be_read_and_written() -> None:
    image = rng().integers(0, 256, (200, 300, 3), dtype=np.uint8)
    expected = add_awgn_8bit(image, 25, rng(3))
    assert (add_awgn_8bit(image, 25, rng(3), out=image) == expected).all()


def test_a_view_of_a_larger_image_is_read_in_order() -> None:
    image = rng().integers(0, 256, (64, 96, 3), dtype=np.uint8)
    mirrored = image[:, ::-1]
    assert (add_awgn_8bit(mirrored, 0, rng()) == mirrored).all()


@pytest.mark.parametrize(
    "out", [np.empty((4, 5), np.uint8), np.empty((4, 4)), np.empty((4, 8), np.uint8)[:, ::2]]
)
def test_an_unfit_out_is_refused(out: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="out must be"):
        add_awgn_8bit(grey(0, (4, 4)), 5, rng(), out=out)


@pytest.mark.parametrize("sigma", [-1.0, math.nan, math.inf])
def test_an_impossible_sigma_is_refused(sigma: float) -> None:
    with pytest.raises(ValueError, match="sigma must be"):
        add_awgn_8bit(grey(0, (4, 4)), sigma, rng())
    with pytest.raises(ValueError, match="sigma must be"):
        add_awgn_float(grey(0, (4, 4)), sigma, rng())
    with pytest.raises(ValueError, match="sigma must be"):
        NoiseSimulator(sigma, seed=0)


def test_float_noise_is_normal_and_not_clipped() -> None:
    noisy = add_awgn_float(grey(250), 50, rng())
    noise = noisy - 250
    assert noisy.dtype == np.float32
    assert float(noise.mean()) == pytest.approx(0, abs=0.25)
    assert float(noise.std()) == pytest.approx(50, rel=0.005)
    assert float((noisy > 255).mean()) == pytest.approx(1 - PHI(0.1), abs=0.005)
    assert float((noisy < 150).mean()) == pytest.approx(PHI(-2), abs=0.002)


def test_simulated_noise_depends_on_seed_and_index_alone() -> None:
    clean = rng().integers(0, 256, (90, 160, 3), dtype=np.uint8)

    def frame(simulator: NoiseSimulator, index: int) -> NDArray[np.uint8]:
        into = np.empty_like(clean)
        simulator.apply(clean, into, index)
        return into

    forward = NoiseSimulator(25, seed=4)
    frames = [frame(forward, index) for index in range(4)]
    backward = NoiseSimulator(25, seed=4)
    for index in (3, 1, 2, 0):
        assert (frame(backward, index) == frames[index]).all()
    for a, b in ((0, 1), (1, 2), (2, 3)):
        assert (frames[a] != frames[b]).mean() > 0.8
    assert (frame(NoiseSimulator(25, seed=5), 0) != frames[0]).mean() > 0.8


def test_simulated_noise_has_the_level_asked_for() -> None:
    clean = grey(128)
    into = np.empty_like(clean)
    NoiseSimulator(20, seed=0).apply(clean, into, 0)
    assert float(into.std()) == pytest.approx(20, rel=0.005)
    assert float(into.mean()) == pytest.approx(128, abs=0.1)


def test_simulator_refuses_another_shape() -> None:
    with pytest.raises(ValueError, match="out must be"):
        NoiseSimulator(5, seed=0).apply(grey(0, (4, 4)), grey(0, (4, 5)), 0)
