import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtsdb.errors import RtsdbError
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources.base import FrameSizeChanged, Source, SourceEvents
from rtsdb.video.sources.reconnect import ReconnectingSource, delays

Step = Stamp | RtsdbError | None


@dataclass
class Scripted(Source):
    """Gives its steps one by one: a stamp, an error, or None for the end."""

    steps: list[Step]
    size: tuple[int, int] = (4, 2)
    closed: bool = False

    def __post_init__(self) -> None:
        self.info = SourceInfo("cam", *self.size, live=True)

    def read(self, into: Image) -> Stamp | None:
        assert into.shape == (self.size[1], self.size[0], 3)
        step = self.steps.pop(0)
        if isinstance(step, RtsdbError):
            raise step
        return step

    def close(self) -> None:
        self.closed = True


@dataclass
class Street:
    """What is found at each connection; waits take no time but are written down."""

    found: list[Source | RtsdbError]
    stop: threading.Event = field(default_factory=threading.Event)
    waited: list[float] = field(default_factory=list)
    at_wait: Callable[[], None] = lambda: None

    def connect(self) -> Source:
        found = self.found.pop(0)
        if isinstance(found, RtsdbError):
            raise found
        return found

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.at_wait()
        return self.stop.is_set()

    def open(self, attempts: int | None = None) -> ReconnectingSource:
        return ReconnectingSource(
            self.connect,
            attempts=attempts,
            stop=self.stop,
            events=SourceEvents(),
            wait=self.wait,
            delays=lambda: delays(lambda low, high: 1.0),
        )


def at(pts: int, arrived: float, time_base: Fraction = Fraction(1, 100)) -> Stamp:
    return Stamp(77, pts, time_base, arrived)


def given_out(index: int, pts: int) -> Stamp:
    return Stamp(index, pts, Fraction(1, 100))


IMAGE = np.empty((2, 4, 3), np.uint8)
GONE = RtsdbError("cam: lost (unplugged)")


def test_numbers_and_times_go_on_with_the_gap_that_there_was() -> None:
    first = Scripted([at(500, 1.0), at(504, 1.04), GONE])
    street = Street([first, GONE, GONE, Scripted([at(3, 9.04), at(7, 9.08)])])
    with street.open() as source:
        stamps = [source.read(IMAGE) for _ in range(4)]
    assert [(s.index, s.pts, s.arrived) for s in stamps if s] == [
        (0, 500, 1.0),
        (1, 504, 1.04),
        (2, 1304, 9.04),
        (3, 1308, 9.08),
    ]
    assert first.closed
    assert street.waited == [1, 2, 4]
    assert source.events.reconnects == 1
    assert source.events.lost_seconds == pytest.approx(8.0)


def test_another_time_base_is_converted() -> None:
    again = Scripted([at(pts, 2 + pts / 90000, Fraction(1, 90000)) for pts in (0, 9000)])
    with Street([Scripted([at(0, 1.0), GONE]), again]).open() as source:
        stamps = [source.read(IMAGE) for _ in range(3)]
    assert [s.pts for s in stamps if s] == [0, 100, 110]
    assert {s.time_base for s in stamps if s} == {Fraction(1, 100)}


def test_the_last_picture_before_the_loss_is_not_delivered_again() -> None:
    street = Street([Scripted([at(5, 1.0), GONE]), Scripted([at(5, 3.0), at(9, 3.1)])])
    with street.open() as source:
        assert [source.read(IMAGE), source.read(IMAGE)] == [given_out(0, 5), given_out(1, 215)]
        assert source.events.dropped == {"repeated": 1}


def test_another_size_after_the_loss_is_announced_before_its_first_frame() -> None:
    street = Street([Scripted([at(0, 1.0), GONE]), Scripted([at(7, 2.0)], size=(8, 6))])
    with street.open() as source:
        source.read(IMAGE)
        with pytest.raises(FrameSizeChanged, match="came back with 8x6 pixels instead of 4x2"):
            source.read(IMAGE)
        assert (source.info.width, source.info.height) == (8, 6)
        assert source.read(np.empty((6, 8, 3), np.uint8)) == given_out(1, 100)


def test_a_size_that_changes_within_a_connection_passes_through() -> None:
    info = SourceInfo("cam", 8, 6, live=True)

    class Changing(Scripted):
        def read(self, into: Image) -> Stamp | None:
            if self.info is not info:
                self.info = info
                raise FrameSizeChanged("cam: now 8x6", info)
            return at(1, 1.0)

    with Street([Changing([])]).open() as source:
        with pytest.raises(FrameSizeChanged, match="now 8x6"):
            source.read(IMAGE)
        assert source.info is info
        assert source.read(IMAGE) is not None


def test_tries_are_counted_anew_for_each_loss() -> None:
    outage = [RtsdbError(f"cam: no {n}") for n in range(2)]
    found = [Scripted([at(0, 1.0), GONE]), *outage, Scripted([at(9, 2.0), GONE]), *outage]
    street = Street([*found, RtsdbError("cam: no route")])
    with street.open(attempts=3) as source:
        assert source.read(IMAGE) is not None
        assert source.read(IMAGE) is not None
        with pytest.raises(RtsdbError, match=r"^cam: no route; gave up after 3 tries$"):
            source.read(IMAGE)
    assert street.waited == [1, 2, 4, 1, 2, 4]


def test_a_connection_that_gives_nothing_does_not_reset_the_delay() -> None:
    street = Street([Scripted([GONE]), Scripted([GONE]), Scripted([None]), Scripted([at(0, 1.0)])])
    with street.open() as source:
        assert source.read(IMAGE) == given_out(0, 0)
    assert street.waited == [1, 2, 4]


def test_without_reconnection_a_loss_is_an_error_and_the_end_is_the_end() -> None:
    with Street([Scripted([GONE])]).open(attempts=0) as source:
        for _ in range(2):
            with pytest.raises(RtsdbError, match=r"^cam: lost \(unplugged\)$"):
                source.read(IMAGE)
    with Street([Scripted([at(0, 1.0), None])]).open(attempts=0) as source:
        assert source.read(IMAGE) is not None
        assert source.read(IMAGE) is None


def test_the_first_connection_must_succeed() -> None:
    with pytest.raises(RtsdbError, match="unplugged"):
        Street([GONE]).open()


def test_interrupt_ends_the_waiting() -> None:
    street = Street([Scripted([GONE])])
    source = street.open()
    street.at_wait = source.interrupt
    assert source.read(IMAGE) is None
    assert street.waited == [1]
    source.close()


@given(st.integers(0, 2**32))
def test_delays_stay_between_one_and_thirty_seconds(seed: int) -> None:
    waits: Iterator[float] = delays(random.Random(seed).uniform)
    for attempt in range(12):
        delay = next(waits)
        assert 1 <= delay <= 30
        assert 0.75 * min(2**attempt, 30) <= delay <= 1.25 * 2**attempt
