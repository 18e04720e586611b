"""A live source that comes back after a loss."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count

from rtsdb.errors import RtsdbError
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources.base import FrameSizeChanged, Source, SourceEvents

FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0
"""Seconds to wait before the first try after a loss, and at most before any."""

log = logging.getLogger(__name__)


def delays(jitter: Callable[[float, float], float] = random.uniform) -> Iterator[float]:
    """Seconds to wait before each try: doubled from 1 to 30, a quarter more or less by chance.

    Chance keeps many cars from asking one server at the same time. jitter: gives a number
    between two.

    >>> [next(d) for d in [delays(lambda low, high: 1.0)] for _ in range(7)]
    [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    """
    for attempt in count():
        delay = min(FIRST_DELAY * 2 ** min(attempt, 10), LONGEST_DELAY) * jitter(0.75, 1.25)
        yield min(max(delay, FIRST_DELAY), LONGEST_DELAY)


class ReconnectingSource(Source):
    """Reads what `connect` opens and opens it again when it is lost.

    The frames after a loss go on in number and time: as much time lies between them and those
    before as went by. A frame that was the last before the loss and comes again is left out. A
    frame size that changed meanwhile shows as FrameSizeChanged.

    connect: opens the source; its first error is the caller's. attempts: how often to try after
    each loss, None for as often as it takes; then the loss is raised. stop: ends the waiting and
    the reading; `connect` watches it too. events: where losses are counted. wait, delays: for
    tests, as `stop.wait` and the function above.
    """

    def __init__(
        self,
        connect: Callable[[], Source],
        *,
        attempts: int | None,
        stop: threading.Event,
        events: SourceEvents,
        wait: Callable[[float], bool] | None = None,
        delays: Callable[[], Iterator[float]] = delays,
    ) -> None:
        self._connect = connect
        self._attempts = attempts
        self._stop = stop
        self._events = events
        self._wait = wait or stop.wait
        self._delays = delays
        self._outage: _Outage | None = None
        self._last: Stamp | None = None  # as delivered
        self._last_time: tuple[int, Fraction] | None = None  # as the source gave it
        self._shift = 0
        self._source: Source | None = connect()
        self.info = self._source.info

    def read(self, into: Image) -> Stamp | None:
        """Wait for the next frame, through losses too; None once `stop` is set.

        Without any attempts, the regular end of a stream is the end. Raises RtsdbError when the
        attempts are used up, FrameSizeChanged before a frame of another size.
        """
        while not self._stop.is_set():
            if self._source is None:
                self._try_again()
                continue
            if _size(self._source.info) != _size(self.info):
                before, self.info = self.info, self._source.info
                raise FrameSizeChanged(
                    f"{self.info.name}: came back with {self.info.width}x{self.info.height} "
                    f"pixels instead of {before.width}x{before.height}; start again",
                    self.info,
                )
            try:
                stamp = self._source.read(into)
            except FrameSizeChanged as change:
                self.info = change.info
                raise
            except RtsdbError as error:
                self._lose(error)
                continue
            if stamp is None:
                if self._stop.is_set() or self._attempts == 0:
                    return None
                self._lose(RtsdbError(f"{self.info.name}: the stream ended"))
            elif self._outage is not None and _time(stamp) == self._last_time:
                self._events.dropped["repeated"] += 1
            else:
                return self._deliver(stamp)
        return None

    def interrupt(self) -> None:
        """End a `read` that waits, and all after it."""
        self._stop.set()

    def close(self) -> None:
        """Give the device back; safe to call twice."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    @property
    def events(self) -> SourceEvents:
        """Losses and drops so far."""
        return self._events

    def _lose(self, error: RtsdbError) -> None:
        self.close()
        if self._outage is not None:
            self._outage.error = error
            return
        self._outage = _Outage(error, self._delays())
        if self._attempts != 0:
            log.warning("%s; reconnecting", error)

    def _try_again(self) -> None:
        """Wait, then connect once; raise the loss when it was tried often enough."""
        outage = self._outage
        assert outage is not None
        if outage.tries == self._attempts:
            tried = f"; gave up after {outage.tries} tries" if outage.tries else ""
            raise RtsdbError(f"{outage.error}{tried}")
        if self._wait(next(outage.delays)):
            return
        outage.tries += 1
        try:
            self._source = self._connect()
        except RtsdbError as error:
            outage.error = error

    def _deliver(self, stamp: Stamp) -> Stamp:
        """The source's stamp, in the number, unit and time of the frames before it."""
        last, outage, self._outage = self._last, self._outage, None
        base = last.time_base if last else stamp.time_base
        pts = round(stamp.seconds / base)
        if outage is not None:
            gap = _seconds_between(last, stamp)
            self._events.reconnects += 1
            self._events.lost_seconds += gap
            log.warning("%s: back after %.1f s", self.info.name, gap)
            if last is not None:
                self._shift = last.pts + round(gap / base) - pts
        pts += self._shift
        if last is not None:
            pts = max(pts, last.pts + 1)
        self._last = Stamp(last.index + 1 if last else 0, pts, base, stamp.arrived)
        self._last_time = _time(stamp)
        return self._last


@dataclass
class _Outage:
    """A loss that is not over: its latest cause, and the tries to end it."""

    error: RtsdbError
    delays: Iterator[float]
    tries: int = 0


def _seconds_between(last: Stamp | None, stamp: Stamp) -> float:
    """Seconds from the arrival of one to that of the other."""
    if last is None or last.arrived is None or stamp.arrived is None:
        return 0.0
    return stamp.arrived - last.arrived


def _size(info: SourceInfo) -> tuple[int, int]:
    return info.width, info.height


def _time(stamp: Stamp) -> tuple[int, Fraction]:
    return stamp.pts, stamp.time_base
