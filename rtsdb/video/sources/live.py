"""Sources that do not wait: always the newest picture, and never a wait without end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from time import perf_counter

from av.error import ExitError
from av.video.frame import VideoFrame

from rtsdb.errors import RtsdbError
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources.base import FrameSizeChanged, Source, SourceEvents
from rtsdb.video.sources.decoded import FrameWriter, display_size
from rtsdb.video.sources.pts import FALLBACK_RATE, LivePts

OPENING = 10.0
"""Seconds that a camera or stream may take from being opened to its first picture."""

STALL = 4.0
"""Seconds without a picture, and at least four frame intervals, that count as a loss."""

_CATCH_UP = 1.0  # seconds at most to get from the oldest picture of a new connection to the newest
_TICK = 0.1  # seconds until an interrupt is noticed
_PARTING = 1.0  # seconds that closing waits for a connection that does not answer


@dataclass(frozen=True)
class Connection:
    """An open camera or stream, used by one thread.

    frames: its pictures as they come; they raise where it breaks. time_base: unit of the frames'
    times in seconds. rate: frames per second, where it says. close: gives the device back.
    pixel_aspect: as in `SourceInfo`.
    """

    frames: Iterator[VideoFrame]
    time_base: Fraction
    rate: Fraction | None
    close: Callable[[], None]
    pixel_aspect: Fraction = Fraction(1)


Connect = Callable[[threading.Event], Connection]
"""Opens a camera or stream; its frames end once the event is set."""


@dataclass(frozen=True)
class _Arrival:
    frame: VideoFrame
    seconds: float  # of perf_counter


class LiveSource(Source):
    """One connection to a camera or stream, read in a thread of its own.

    `read` gives the newest picture: one that came while the caller was busy replaces those
    before it, which are counted in `events`. Pictures sent a second time, with the same
    presentation time, are left out. `read` returns None at the stream's end and once `stop` is
    set, and raises RtsdbError where the connection breaks or gives no picture for `patience`
    seconds. Construction waits for the first picture. A driver or library that never comes back
    from a call is left behind with its thread.
    """

    def __init__(
        self,
        name: str,
        connect: Connect,
        *,
        stop: threading.Event,
        events: SourceEvents,
        patience: float = STALL,
    ) -> None:
        self._name = name
        self._stop = stop
        self._events = events
        self._feed = _Feed(connect, events)
        self._patience = OPENING
        try:
            first = self._take()
            if first is None:
                raise RtsdbError(f"{name}: ended before its first picture")
        except BaseException:
            self.close()
            raise
        connection = self._feed.connection
        assert connection is not None
        interval = float(1 / (connection.rate or FALLBACK_RATE))
        self._feed.put_back(self._feed.newest(first, 0.9 * interval))
        self._time_base = connection.time_base
        self._clock = LivePts(connection.time_base)
        self._patience = max(patience, 4 * interval)
        width, height = display_size(first.frame)
        self.info = SourceInfo(
            name,
            width,
            height,
            connection.rate,
            live=True,
            pixel_aspect=connection.pixel_aspect,
        )
        self._writer = FrameWriter(self.info)

    def read(self, into: Image) -> Stamp | None:
        """Wait for a picture that was not delivered yet; see the class for how that may end."""
        arrival = self._take()
        if arrival is None:
            return None
        try:
            self._writer.write(arrival.frame, into)
        except FrameSizeChanged as change:
            self._feed.put_back(arrival)
            self.info = change.info
            raise
        pts = self._clock.place(arrival.frame.pts, arrival.seconds)
        return Stamp(self._writer.count - 1, pts, self._time_base, arrival.seconds)

    def interrupt(self) -> None:
        """End a `read` that waits, and all after it."""
        self._stop.set()

    def close(self) -> None:
        """Give the device back, or leave it to its thread if that takes long."""
        self._feed.close()

    @property
    def events(self) -> SourceEvents:
        """Losses and drops so far."""
        return self._events

    def _take(self) -> _Arrival | None:
        """The next picture; None when the stream has ended or the stop was asked for."""
        end = perf_counter() + self._patience
        while not self._stop.is_set():
            try:
                arrival = self._feed.take(_TICK)
            except FFMPEG_ERRORS as error:
                # Without the cause: its text holds the address, with the password.
                raise self._lost(_why(error)) from None
            except EOFError:
                return None
            if arrival is not None:
                return arrival
            if perf_counter() > end:
                raise self._lost(f"no picture for {self._patience:.0f} s")
        return None

    def _lost(self, why: str) -> RtsdbError:
        return RtsdbError(
            f"{self._name}: lost ({why}); check the device, its cable and the network"
        )


class _Feed:
    """The thread that reads one connection and keeps its newest picture."""

    def __init__(self, connect: Connect, events: SourceEvents) -> None:
        self.connection: Connection | None = None
        self._connect = connect
        self._events = events
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._newest: _Arrival | None = None
        self._over: BaseException | None = None
        self._begun = False  # pictures that came earlier were nobody's to read
        self._thread = threading.Thread(target=self._run, name="live source", daemon=True)
        self._thread.start()

    def take(self, patience: float) -> _Arrival | None:
        """The picture that came last, once; None when none comes within `patience` seconds.

        Raises what ended the connection, EOFError for its regular end.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._newest is not None or self._over is not None, patience
            )
            arrival, self._newest = self._newest, None
            if arrival is None and self._over is not None:
                raise self._over
        return arrival

    def newest(self, first: _Arrival, pause: float) -> _Arrival:
        """The last of the pictures that came while the stream was looked into, `first` or later.

        They come in one go, at less than `pause` seconds from one to the next.
        """
        end = perf_counter() + _CATCH_UP
        while perf_counter() < end:
            try:
                later = self.take(pause)
            except Exception:
                break  # `take` will raise it again
            if later is None:
                break
            first = later
        self._begun = True
        return first

    def put_back(self, arrival: _Arrival) -> None:
        """Let `arrival` be taken again, unless a newer picture has come."""
        with self._changed:
            if self._newest is None:
                self._newest = arrival
            else:
                self._events.dropped["source"] += 1

    def close(self) -> None:
        self._stop.set()
        self._thread.join(_PARTING)
        self._over = EOFError()  # an error's traceback would keep us, and we it

    def _run(self) -> None:
        try:
            self.connection = self._connect(self._stop)
            try:
                self._keep_newest(self.connection.frames)
            finally:
                self.connection.close()
        except BaseException as error:
            self._end(error)
        else:
            self._end(EOFError())

    def _end(self, over: BaseException) -> None:
        with self._changed:
            self._over = over
            self._changed.notify()

    def _keep_newest(self, frames: Iterator[VideoFrame]) -> None:
        last_pts = None
        for frame in frames:
            if self._stop.is_set():
                return
            if frame.pts is not None and frame.pts == last_pts:
                self._events.dropped["repeated"] += 1
                continue
            last_pts = frame.pts
            with self._changed:
                if self._newest is not None and self._begun:
                    self._events.dropped["source"] += 1
                self._newest = _Arrival(frame, perf_counter())
                self._changed.notify()


def _why(error: BaseException) -> str:
    return "nothing comes any more" if isinstance(error, ExitError) else reason(error)
