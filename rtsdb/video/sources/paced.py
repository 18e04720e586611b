"""A recording played at the rate at which it was taken."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from time import perf_counter

from rtsdb.video.frame import Image, Labels, Stamp
from rtsdb.video.sources.base import FrameSizeChanged, Source, SourceEvents


class PacedSource(Source):
    """Releases the frames of `source` when their presentation times come, as a camera would.

    Its frames do not wait, so that `info.live` is set. One that is read too late is released at
    once, and does not delay those after it. Closes `source`.

    clock: seconds now. wait: sleeps for so many seconds and tells whether it was interrupted;
    both for tests.
    """

    def __init__(
        self,
        source: Source,
        clock: Callable[[], float] = perf_counter,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._source = source
        self.watchdog = source.watchdog
        self._stop = threading.Event()
        self._clock = clock
        self._wait = wait or self._stop.wait
        self._start: tuple[float, Fraction] | None = None  # clock and time of the first frame
        self.info = replace(source.info, live=True)

    def read(self, into: Image) -> Stamp | None:
        """Read the next frame and wait until it is due; raises what `source` raises."""
        try:
            stamp = self._source.read(into)
        except FrameSizeChanged as change:
            self.info = replace(change.info, live=True)
            raise FrameSizeChanged(str(change), self.info) from None
        if stamp is None:
            return None
        if self._start is None:
            self._start = self._clock(), stamp.seconds
        begin, first = self._start
        early = begin + float(stamp.seconds - first) - self._clock()
        if early > 0 and self._wait(early):
            return None
        return replace(stamp, arrived=self._clock())

    def read_truth(self, into: Labels) -> bool:
        """Write the labels of the frame read last into `into` (uint8 [H, W]); False: none."""
        return self._source.read_truth(into)

    def interrupt(self) -> None:
        """End a `read` that waits."""
        self._stop.set()
        self._source.interrupt()

    def close(self) -> None:
        """Close `source`; safe to call twice."""
        self._source.close()

    @property
    def events(self) -> SourceEvents:
        """Those of `source`."""
        return self._source.events
