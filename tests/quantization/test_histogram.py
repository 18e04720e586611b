from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rtsdb.quantization.histogram import BINS, Histogram

VALUES = arrays(np.float32, st.integers(1, 50), elements=st.floats(-1e4, 1e4, width=32))


def filled(*parts: np.ndarray) -> Histogram:
    histogram = Histogram()
    for part in parts:
        histogram.add(part)
    return histogram


@given(VALUES)
def test_every_value_is_in_its_bin(values: np.ndarray) -> None:
    histogram = filled(values)
    assert histogram.largest == np.abs(values).max()
    assert histogram.largest < histogram.top
    edges = np.linspace(0, histogram.top, BINS + 1)
    assert np.array_equal(histogram.counts, np.histogram(np.abs(values), edges)[0])


@given(VALUES, VALUES)
def test_values_can_come_in_parts(first: np.ndarray, second: np.ndarray) -> None:
    parts, whole = filled(first, second), filled(np.concatenate([first, second]))
    assert (parts.top, parts.largest) == (whole.top, whole.largest)
    assert np.array_equal(parts.counts, whole.counts)


def test_zeros_are_counted() -> None:
    histogram = filled(np.zeros((2, 3), np.float32))
    assert (histogram.count, histogram.largest) == (6, 0)
    histogram.add(np.full(4, 1e6, np.float32))
    assert histogram.count == 10
    assert histogram.counts[0] == 6
