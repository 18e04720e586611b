"""Doubles of source, engine and sink that can be told to fail."""

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from fractions import Fraction

from rtsdb.engine.base import Engine, EngineInfo, Result, Timings
from rtsdb.noise import NoiseLevel
from rtsdb.pipeline.run import ENGINE_SLOTS
from rtsdb.video.frame import FrameResult, Image, Labels, SourceInfo, Stamp
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sources.base import FrameSizeChanged, Source, SourceEvents
from rtsdb.watchdog import Watchdog

HEIGHT, WIDTH = 64, 96

Hook = Callable[[int], None]


def nothing(_: int) -> None:
    pass


@dataclass
class FakeSource(Source):
    """Frames whose pixels are all 100 + index; `hook` is called before each with its index.

    sizes: (height, width) of the frames from an index on. age: seconds since a frame came, when
    it is read; None leaves it open. happened: what `events` tells. buffers: addresses of the
    arrays written to. watchdog: as a disk's, for the time in `hook`. given: frames so far.
    """

    frames: int = 10
    hook: Hook = nothing
    live: bool = False
    truth: bool = False
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    age: float | None = None
    buffers: set[int] = field(default_factory=set)
    happened: SourceEvents = field(default_factory=SourceEvents)
    interrupted: threading.Event = field(default_factory=threading.Event)
    watchdog: Watchdog | None = None
    index: int = field(default=-1, init=False)
    given: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.info = SourceInfo("fake", WIDTH, HEIGHT, live=self.live, truth=self.truth)

    def read(self, into: Image) -> Stamp | None:
        height, width = self.sizes.get(self.index + 1, (self.info.height, self.info.width))
        if (height, width) != (self.info.height, self.info.width):
            self.info = replace(self.info, height=height, width=width)
            raise FrameSizeChanged(f"fake: {width}x{height} pixels now", self.info)
        self.index += 1
        if self.index == self.frames:
            return None
        with nullcontext() if self.watchdog is None else self.watchdog.call(gives_result=True):
            self.hook(self.index)
        if self.interrupted.is_set():
            return None
        assert into.shape == (height, width, 3)
        self.buffers.add(into.ctypes.data)
        into[:] = (100 + self.index) % 256
        arrived = None if self.age is None else time.perf_counter() - self.age
        self.given += 1
        return Stamp(self.index, 3 * self.index**2, Fraction(1, 90000), arrived)

    def interrupt(self) -> None:
        self.interrupted.set()

    @property
    def events(self) -> SourceEvents:
        return self.happened

    def read_truth(self, into: Labels) -> bool:
        into[:] = (100 + self.index) % 256 % 11
        return self.truth


@dataclass
class FakeEngine(Engine):
    """Denoised is the frame, labels are its value modulo 11.

    hook, on_submit: run with the ticket before each result, and after each submission.
    """

    hook: Hook = nothing
    on_submit: Hook = nothing
    slots: int = ENGINE_SLOTS
    noises: list[NoiseLevel] = field(default_factory=list)
    prepared: list[tuple[int, int]] = field(default_factory=list)
    in_use: dict[int, Image] = field(default_factory=dict)
    submitted: int = 0
    most_in_use: int = 0
    closed: bool = False

    info = EngineInfo("fake", "fake K=1", "fp32", "none", {})
    plan = "whole frame"

    def prepare(self, height: int, width: int) -> None:
        assert not self.in_use
        self.prepared.append((height, width))

    def submit(self, frame: Image, noise: NoiseLevel) -> int:
        assert frame.shape[:2] == self.prepared[-1]
        assert len(self.in_use) < self.slots
        ticket, self.submitted = self.submitted, self.submitted + 1
        self.in_use[ticket] = frame
        self.most_in_use = max(self.most_in_use, len(self.in_use))
        self.noises.append(noise)
        try:
            self.on_submit(ticket)
        except Exception:
            del self.in_use[ticket]
            raise
        return ticket

    def result(self, ticket: int) -> Result:
        self.hook(ticket)
        frame = self.in_use[ticket]
        return Result(frame.copy(), frame[:, :, 0] % 11, Timings(0.0, 0.0, 0.0))

    def release(self, ticket: int) -> None:
        del self.in_use[ticket]

    def close(self) -> None:
        assert not self.in_use
        self.closed = True


@dataclass
class FakeSink(Sink):
    """Remembers stamp, least and largest value of what it got; `hook` runs before each frame.

    told: noise and stages timed, frame by frame. shapes: of the views, None for none. watched:
    what `idle` says. asked: for how many blocks, once.
    """

    hook: Hook = nothing
    stop_after: int | None = None
    watched: bool = True
    asked: int | None = None
    written: list[tuple[Stamp, int, int]] = field(default_factory=list)
    told: list[tuple[NoiseLevel | None, list[str]]] = field(default_factory=list)
    shapes: list[tuple[int, ...] | None] = field(default_factory=list)

    uses = frozenset({"denoised"})

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        pass

    def write(self, result: FrameResult) -> bool:
        self.hook(result.stamp.index)
        self.written.append((result.stamp, int(result.denoised.min()), int(result.denoised.max())))
        self.told.append((result.noise, list(result.latency or ())))
        self.shapes.append(None if result.view is None else result.view.shape)
        return self.stop_after is None or len(self.written) < self.stop_after

    def idle(self) -> bool:
        return self.watched

    def stages_wanted(self) -> int | None:
        asked, self.asked = self.asked, None
        return asked

    def indices(self) -> list[int]:
        return [stamp.index for stamp, _, _ in self.written]
