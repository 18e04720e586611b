"""Memory, open files and threads of this process over time, and how fast memory grows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

SPANS = 20
"""Means of as many equal spans are what a trend is drawn through: neighbouring samples depend on
each other, and would make it look surer than it is."""

_T_97_5 = 2.101  # quantile of Student's t with SPANS - 2 degrees of freedom


@dataclass(frozen=True, slots=True)
class Sample:
    """The process at a moment. seconds: of `perf_counter`. rss: bytes. files, threads: how many."""

    seconds: float
    rss: int
    files: int
    threads: int


def take_sample() -> Sample:
    """The process now; Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    files = len(os.listdir("/proc/self/fd")) - 1  # not the one that lists them
    threads = len(os.listdir("/proc/self/task"))
    return Sample(perf_counter(), pages * os.sysconf("SC_PAGE_SIZE"), files, threads)


@dataclass(frozen=True)
class Slope:
    """A straight line's rise, and the half width of its 95 % confidence interval."""

    rise: float
    margin: float


def fit_slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> Slope:
    """Least squares through the means of SPANS equal spans, in units of y per unit of x.

    Raises ValueError for fewer samples than spans.

    >>> x = np.arange(60.0)
    >>> slope = fit_slope(x, 3 * x + 1)
    >>> round(slope.rise, 6), round(slope.margin, 6)
    (3.0, 0.0)
    """
    if len(x) < SPANS:
        raise ValueError(f"{len(x)} samples; a slope takes {SPANS}")
    x, y = (np.array([part.mean() for part in np.array_split(v, SPANS)]) for v in (x, y))
    x = x - x.mean()
    rise = float(x @ y / (x @ x))
    rest = y - y.mean() - rise * x
    return Slope(rise, _T_97_5 * float(np.sqrt(rest @ rest / (SPANS - 2) / (x @ x))))
