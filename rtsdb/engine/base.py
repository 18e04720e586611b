"""What every engine looks like to the pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rtsdb.noise import NoiseLevel
from rtsdb.resource import Resource
from rtsdb.video.frame import Image, Labels


@dataclass(frozen=True)
class EngineInfo:
    """What runs: for reports and for error messages.

    name: the engine's, as --engine takes it. model: preset and stages. precision: of the
    arithmetic. device: the hardware. versions: of the libraries that do the work.
    """

    name: str
    model: str
    precision: str
    device: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Timings:
    """Where a frame's time went inside an engine, in seconds.

    gather: frame to tiles. infer: the network, all tiles, queueing behind earlier frames
    excluded. stitch: tiles to frame. With `CudaEngine`, gather includes the copy to the GPU (H2D)
    and stitch the copy back (D2H); CUDA events time both, and infer. Other engines on a GPU copy
    within infer.
    """

    gather: float
    infer: float
    stitch: float


class Result(NamedTuple):
    """A finished frame: denoised uint8 [H, W, 3], labels uint8 [H, W], and timings."""

    denoised: Image
    labels: Labels
    timings: Timings


class Engine(Resource, ABC):
    """A compiled network: frames are submitted, and their results collected by ticket.

    A fixed number of slots hold the buffers of frames under way. `submit` starts work on a frame
    and returns at once; `result` waits for it; `release` gives its slot back. A result's arrays
    belong to the slot: they are valid until `release`. Used by one thread at a time, but for
    `release`, which any thread may call.

    with load_engine("rt", stages=1) as engine:
        engine.prepare(height, width)
        ticket = engine.submit(frame, NoiseLevel.awgn(25))
        denoised, labels, timings = engine.result(ticket)
        engine.release(ticket)
    """

    info: EngineInfo
    slots: int

    @classmethod
    def probe(cls) -> None:
        """Raise RtsdbError, naming the reason, where this kind of engine cannot work here.

        Having been imported is all that most need.
        """

    @abstractmethod
    def prepare(self, height: int, width: int) -> None:
        """Plan, allocate and compile for frames of this size; needs all slots to be free."""

    @property
    @abstractmethod
    def plan(self) -> str:
        """The tile plan in one line, once prepared."""

    @abstractmethod
    def submit(self, frame: Image, noise: NoiseLevel) -> int:
        """Start on a frame uint8 [H, W, 3] RGB and return its ticket.

        The frame must stay as it is until its result is there. Raises RtsdbError when no slot is
        free or the frame's size is not the prepared one.
        """

    @abstractmethod
    def result(self, ticket: int) -> Result:
        """Wait for a submitted frame; raises RtsdbError when the engine failed on it."""

    @abstractmethod
    def release(self, ticket: int) -> None:
        """Give the slot of a ticket back, whether its result was collected or not."""

    def __call__(self, frame: Image, sigma: float = 25.0) -> Result:
        """Denoise and label one frame of any size; the arrays are the caller's to keep.

        frame: uint8 [H, W, 3] RGB, both sides at least 64. sigma: noise level, grey levels.
        """
        frame = np.ascontiguousarray(frame)
        self.prepare(*frame.shape[:2])
        ticket = self.submit(frame, NoiseLevel.awgn(sigma))
        try:
            denoised, labels, timings = self.result(ticket)
            return Result(denoised.copy(), labels.copy(), timings)
        finally:
            self.release(ticket)
