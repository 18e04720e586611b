from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rtsdb.quantization.histogram import Histogram
from rtsdb.quantization.ranges import METHODS, entropy, min_max, percentile


def histogram_of(values: np.ndarray) -> Histogram:
    histogram = Histogram()
    histogram.add(values.astype(np.float32))
    return histogram


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@given(values=arrays(np.float32, st.integers(1, 50), elements=st.floats(-1e4, 1e4, width=32)))
def test_no_range_exceeds_the_largest_value(method: object, values: np.ndarray) -> None:
    assert callable(method)
    assert 0 <= method(histogram_of(values)) <= np.abs(values).max()


def test_min_max_clips_nothing() -> None:
    assert min_max(histogram_of(np.array([0.1, -7.3]))) == np.float32(7.3)


def test_percentile_is_that_of_the_values_to_within_a_bin() -> None:
    values = np.random.default_rng(0).standard_normal(200_000)
    histogram = histogram_of(values)
    exact = np.quantile(np.abs(values), 0.9999)
    assert exact <= percentile(histogram) <= exact + histogram.top / 1024


def test_entropy_cuts_a_long_thin_tail_and_keeps_a_short_one() -> None:
    rng = np.random.default_rng(0)
    normal = rng.standard_normal(200_000)
    assert entropy(histogram_of(rng.uniform(-1, 1, 200_000))) > 0.95
    with_outlier = entropy(histogram_of(np.append(normal, 400.0)))
    assert 2 < with_outlier < 100


def test_a_rectified_tensor_is_ranged_by_what_is_not_zero() -> None:
    values = np.random.default_rng(0).standard_normal(100_000)
    rectified = np.concatenate([np.maximum(values, 0), np.zeros(900_000)])
    assert entropy(histogram_of(rectified)) > 2
