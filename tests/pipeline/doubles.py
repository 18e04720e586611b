"""Doubles of source, engine and sink that can be told to fail."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from rtsdb.engine.base import Engine, EngineInfo, Result, Timings
from rtsdb.noise import NoiseLevel
from rtsdb.pipeline.run import ENGINE_SLOTS
from rtsdb.video.frame import FrameResult, Image, Labels, SourceInfo, Stamp
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sources.base import Source

HEIGHT, WIDTH = 64, 96

Hook = Callable[[int], None]


def nothing(_: int) -> None:
    pass


@dataclass
class FakeSource(Source):
    """Frames whose pixels are all 100 + index; `hook` is called before each with its index."""

    frames: int = 10
    hook: Hook = nothing
    live: bool = False
    truth: bool = False
    index: int = field(default=-1, init=False)

    def __post_init__(self) -> None:
        self.info = SourceInfo("fake", WIDTH, HEIGHT, live=self.live, truth=self.truth)

    def read(self, into: Image) -> Stamp | None:
        self.index += 1
        if self.index == self.frames:
            return None
        self.hook(self.index)
        into[:] = (100 + self.index) % 256
        return Stamp(self.index, 3 * self.index**2, Fraction(1, 90000))

    def read_truth(self, into: Labels) -> bool:
        into[:] = (100 + self.index) % 256 % 11
        return self.truth


@dataclass
class FakeEngine(Engine):
    """Denoised is the frame, labels are its value modulo 11; `hook` runs before each result."""

    hook: Hook = nothing
    slots: int = ENGINE_SLOTS
    noises: list[NoiseLevel] = field(default_factory=list)
    in_use: dict[int, Image] = field(default_factory=dict)
    submitted: int = 0
    most_in_use: int = 0

    info = EngineInfo("fake", "fake K=1", "fp32", "none", {})
    plan = "whole frame"

    def prepare(self, height: int, width: int) -> None:
        assert (height, width) == (HEIGHT, WIDTH)

    def submit(self, frame: Image, noise: NoiseLevel) -> int:
        assert len(self.in_use) < self.slots
        ticket, self.submitted = self.submitted, self.submitted + 1
        self.in_use[ticket] = frame
        self.most_in_use = max(self.most_in_use, len(self.in_use))
        self.noises.append(noise)
        return ticket

    def result(self, ticket: int) -> Result:
        self.hook(ticket)
        frame = self.in_use[ticket]
        return Result(frame.copy(), frame[:, :, 0] % 11, Timings(0.0, 0.0, 0.0))

    def release(self, ticket: int) -> None:
        del self.in_use[ticket]


@dataclass
class FakeSink(Sink):
    """Remembers stamp, least and largest value of what it got; `hook` runs before each frame."""

    hook: Hook = nothing
    stop_after: int | None = None
    written: list[tuple[Stamp, int, int]] = field(default_factory=list)

    wants_view = False

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        pass

    def write(self, result: FrameResult) -> bool:
        self.hook(result.stamp.index)
        self.written.append((result.stamp, int(result.denoised.min()), int(result.denoised.max())))
        return self.stop_after is None or len(self.written) < self.stop_after

    def indices(self) -> list[int]:
        return [stamp.index for stamp, _, _ in self.written]
