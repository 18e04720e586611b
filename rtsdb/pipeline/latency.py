"""Where each frame's time went: per-stage durations and their percentiles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from rtsdb.video.frame import Stamp

STAGES = (
    "capture",
    "wait for engine",
    "estimate",
    "gather",
    "infer",
    "stitch",
    "wait for render",
    "measure",
    "render",
    "encode",
)
"""The stages in the order in which a frame passes them; 'estimate' is of the noise, where a
frame waits for it (`FrameNoise`); 'measure' compares with the clean frame; 'encode' is the sink's,
and several sinks are only handed the frame."""

TOTAL = "capture to output"

_SHORTEST, _LONGEST = 1e-7, 1e6  # seconds
_STEP = math.log(1.005)
_BINS = math.ceil(math.log(_LONGEST / _SHORTEST) / _STEP)


class Trace:
    """One frame's way: seconds per stage; what is in no stage is waiting, charged by `wait`.

    >>> trace = Trace()
    >>> with trace.stage("capture"): pass
    >>> trace.wait("wait for engine"); list(trace.seconds)
    ['capture', 'wait for engine']
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self, begin: float | None = None) -> None:
        """Forget what was; a frame's way begins now, or at `begin` on the `perf_counter`."""
        self.begin = self._mark = perf_counter() if begin is None else begin
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Charge the time inside the block to a stage."""
        before = perf_counter()
        yield
        self._mark = perf_counter()
        self.charge(name, self._mark - before)

    def charge(self, name: str, seconds: float) -> None:
        """Add a duration that was measured elsewhere."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def wait(self, name: str, *, less: float = 0.0) -> None:
        """Charge the time since the last stage ended to waiting, but for `less` seconds of it."""
        now = perf_counter()
        self.charge(name, max(now - self._mark - less, 0.0))
        self._mark = now

    @property
    def total(self) -> float:
        """Seconds from the begin of the capture to the end of the last stage."""
        return self._mark - self.begin


@dataclass(frozen=True)
class Percentiles:
    """Distribution of a duration: number of frames, and milliseconds."""

    count: int
    p50: float
    p90: float
    p99: float
    max: float


class Histogram:
    """Durations in bins 0.5 % wide, so that a recording of days takes no more room than a minute.

    No outlier is left out; the maximum is exact.

    >>> histogram = Histogram()
    >>> for ms in range(1, 101): histogram.add(ms / 1000)
    >>> round(histogram.percentiles().p50), histogram.percentiles().max
    (50, 100.0)
    """

    def __init__(self) -> None:
        self._bins = np.zeros(_BINS, np.int64)
        self._max = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        index = math.floor(math.log(max(seconds, _SHORTEST) / _SHORTEST) / _STEP)
        self._bins[min(index, _BINS - 1)] += 1
        self._max = max(self._max, seconds)

    def percentiles(self) -> Percentiles:
        """The distribution so far; nan where nothing was counted."""
        p50, p90, p99 = (1000 * self._quantile(q) for q in (0.5, 0.9, 0.99))
        return Percentiles(int(self._bins.sum()), p50, p90, p99, 1000 * self._max)

    def _quantile(self, share: float) -> float:
        seen = np.cumsum(self._bins)
        if not seen[-1]:
            return math.nan
        index = int(np.searchsorted(seen, math.ceil(share * seen[-1])))
        return min(_SHORTEST * math.exp((index + 0.5) * _STEP), self._max)


class LatencyReport:
    """Histograms of every stage that frames passed, and of the whole way."""

    def __init__(self) -> None:
        self._histograms: dict[str, Histogram] = {}

    def add(self, trace: Trace) -> None:
        """Count one finished frame."""
        for name, seconds in {**trace.seconds, TOTAL: trace.total}.items():
            self._histograms.setdefault(name, Histogram()).add(seconds)

    def percentiles(self) -> dict[str, Percentiles]:
        """By stage, in the order of the way; stages that no frame passed are left out."""
        return {
            name: self._histograms[name].percentiles()
            for name in (*STAGES, TOTAL)
            if name in self._histograms
        }


class OutputLatency:
    """Time from a live frame's arrival to its end in each of several sinks (`FanOut`)."""

    def __init__(self) -> None:
        self._histograms: dict[str, Histogram] = {}

    def __call__(self, name: str, stamp: Stamp) -> None:
        """Count a frame that the sink `name` has written; from that sink's thread."""
        if stamp.arrived is not None:
            seconds = perf_counter() - stamp.arrived
            self._histograms.setdefault(name, Histogram()).add(seconds)

    def percentiles(self) -> dict[str, Percentiles]:
        """By sink; those that no live frame came to are left out."""
        return {name: histogram.percentiles() for name, histogram in self._histograms.items()}
