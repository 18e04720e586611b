"""How far the INT8 form of a tensor reaches, from a histogram of its magnitudes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rtsdb.quantization.histogram import BINS, Histogram

PERCENTILE = 99.99
"""Share of the values, in percent, that is not clipped by `percentile`."""

_LEVELS = 128
"""Magnitudes that INT8 tells apart."""


def min_max(histogram: Histogram) -> float:
    """The largest magnitude: nothing is clipped."""
    return histogram.largest


def percentile(histogram: Histogram) -> float:
    """The magnitude that `PERCENTILE` percent of the values do not exceed.

    >>> histogram = Histogram()
    >>> histogram.add(np.array([1.0] * 99_999 + [1000.0], np.float32))
    >>> percentile(histogram)
    1.5
    """
    share = np.cumsum(histogram.counts) / max(histogram.count, 1)
    bins = int(np.searchsorted(share, PERCENTILE / 100)) + 1
    return min(bins * histogram.top / BINS, histogram.largest)


def entropy(histogram: Histogram) -> float:
    """The range whose INT8 form has the distribution most like the clipped tensor's.

    Least Kullback-Leibler divergence, after Migacz, "8-bit Inference with TensorRT", GTC 2017.
    The first bin, where zeros of rectified tensors gather, does not count.
    """
    counts = histogram.counts.astype(np.float64)
    counts[0] = 0
    if not counts.any():
        return histogram.largest
    used = int(np.flatnonzero(counts)[-1]) + 1
    sizes = range(_LEVELS, max(used, _LEVELS) + 1, 16)
    best = min(sizes, key=lambda size: _divergence(counts, size))
    return min(best * histogram.top / BINS, histogram.largest)


METHODS: dict[str, Callable[[Histogram], float]] = {
    "min-max": min_max,
    "percentile": percentile,
    "entropy": entropy,
}
"""By name."""


def _divergence(counts: NDArray[np.float64], size: int) -> float:
    """Kullback-Leibler divergence of the first `size` bins from their INT8 form."""
    kept = counts[:size].copy()
    group = np.arange(size) * _LEVELS // size
    there = kept > 0
    sums = np.bincount(group, kept, _LEVELS)
    filled = np.bincount(group, there, _LEVELS)
    coarse = np.where(there, (sums / np.maximum(filled, 1))[group], 0)
    kept[-1] += counts[size:].sum()
    if not there[-1] and kept[-1]:
        return np.inf
    p, q = kept[there] / kept.sum(), coarse[there] / max(coarse.sum(), 1)
    return float((p * np.log(p / q)).sum())
