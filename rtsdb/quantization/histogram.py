"""Magnitudes of a tensor's values, gathered run by run."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

BINS = 2048
_FINEST = 2.0**-20


class Histogram:
    """Counts of absolute values in `BINS` equal bins from 0 to `top`, a power of two.

    counts: int64 [BINS]. largest: the largest absolute value so far, 0 before the first.

    >>> histogram = Histogram()
    >>> histogram.add(np.array([0.5, -3.0], np.float32))
    >>> histogram.top, histogram.largest, histogram.count
    (4.0, 3.0, 2)
    """

    def __init__(self) -> None:
        self.counts = np.zeros(BINS, np.int64)
        self.top = 0.0
        self.largest = 0.0

    @property
    def count(self) -> int:
        """How many values were added."""
        return int(self.counts.sum())

    def add(self, values: NDArray[np.float32]) -> None:
        """Count values of any shape; what was counted before moves to wider bins if need be."""
        sizes = np.abs(values).ravel()
        largest = float(sizes.max(initial=0))
        self.largest = max(self.largest, largest)
        if largest >= self.top:
            self._widen(2.0 ** (math.floor(math.log2(max(largest, _FINEST))) + 1))
        index = (sizes * np.float32(BINS / self.top)).astype(np.int32)
        self.counts += np.bincount(index, minlength=BINS)

    def _widen(self, top: float) -> None:
        if self.top:
            factor = min(int(top / self.top), BINS)
            joined = self.counts.reshape(-1, factor).sum(axis=1)
            self.counts = np.zeros(BINS, np.int64)
            self.counts[: len(joined)] = joined
        self.top = top
