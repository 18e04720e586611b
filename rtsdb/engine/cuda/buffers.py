"""Where a frame lies on its way through the GPU: copied there and back, or shared with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rtsdb.engine.cuda.copies import gather_copies, stitch_copies
from rtsdb.engine.cuda.driver import driver
from rtsdb.engine.cuda.memory import DeviceMemory, mapped, pinned
from rtsdb.noise import NoiseLevel
from rtsdb.tiling import TilePlan, gather, plan_tiles, stitch
from rtsdb.video.frame import Image, Labels


@dataclass(frozen=True)
class Bindings:
    """Addresses on the GPU of the network's tensors, for a batch of tiles of one size.

    frame: uint8 [batch, height, width, 3]. noise: float32 [batch, 2]. denoised: uint8 [batch,
    height, width, 3]. labels: uint8 [batch, height, width].
    """

    batch: int
    height: int
    width: int
    frame: int
    noise: int
    denoised: int
    labels: int


class Buffers(Protocol):
    """Room for one frame, its tiles and its result; all methods but `fill` and `collect` only
    enqueue."""

    bindings: Bindings

    def fill(self, frame: Image, noise: NoiseLevel) -> None:
        """Take in a frame of the planned size; nothing may be pending on the buffers."""

    def upload(self, stream: Any) -> None:
        """Bring what was filled in to `bindings`."""

    def download(self, stream: Any) -> None:
        """Bring the network's output from `bindings` to the host."""

    def collect(self) -> tuple[Image, Labels]:
        """The frame's result, once it is downloaded; the arrays are the buffers' own."""


class CopiedBuffers:
    """For a GPU with memory of its own: pinned frames, copied tile by tile in both directions."""

    def __init__(self, plan: TilePlan, memory: DeviceMemory) -> None:
        tiles = (plan.count, plan.tile_height, plan.tile_width)
        self._extended = plan_tiles(plan.height, plan.width)  # as one tile
        extended = (self._extended.tile_height, self._extended.tile_width)
        self._frame = pinned((*extended, 3), np.uint8)
        self._noise = pinned((plan.count, 2), np.float32)
        self._denoised = pinned((plan.height, plan.width, 3), np.uint8)
        self._labels = pinned((plan.height, plan.width), np.uint8)
        self.bindings = Bindings(
            *tiles,
            frame=memory.allocate((*tiles, 3), np.uint8),
            noise=memory.allocate((plan.count, 2), np.float32),
            denoised=memory.allocate((*tiles, 3), np.uint8),
            labels=memory.allocate(tiles, np.uint8),
        )
        self._uploads = gather_copies(plan, self._frame, self.bindings.frame)
        self._downloads = [
            *stitch_copies(plan, self.bindings.denoised, self._denoised),
            *stitch_copies(plan, self.bindings.labels, self._labels),
        ]

    def fill(self, frame: Image, noise: NoiseLevel) -> None:
        """Copy the frame, and extend it by reflection to all that the tiles cover."""
        gather(self._extended, frame, [self._frame])
        self._noise[:] = noise.a, noise.b

    def upload(self, stream: Any) -> None:
        """Gather the tiles from the frame."""
        for copy in self._uploads:
            copy(stream)
        driver().memcpy_htod_async(self.bindings.noise, self._noise, stream)

    def download(self, stream: Any) -> None:
        """Stitch the tiles."""
        for copy in self._downloads:
            copy(stream)

    def collect(self) -> tuple[Image, Labels]:
        """The frame is already there."""
        return self._denoised, self._labels


class MappedBuffers:
    """For a GPU that shares the host's memory: the network works on the host's own arrays."""

    def __init__(self, plan: TilePlan) -> None:
        tiles = (plan.count, plan.tile_height, plan.tile_width)
        frames, frame = mapped((*tiles, 3), np.uint8)
        self._noise, noise = mapped((plan.count, 2), np.float32)
        denoised_tiles, denoised = mapped((*tiles, 3), np.uint8)
        label_tiles, labels = mapped(tiles, np.uint8)
        self.bindings = Bindings(*tiles, frame=frame, noise=noise, denoised=denoised, labels=labels)
        self._plan = plan
        self._frames, self._denoised_tiles = list(frames), list(denoised_tiles)
        self._label_tiles = list(label_tiles)
        if plan.identity:
            self._denoised, self._labels = self._denoised_tiles[0], self._label_tiles[0]
        else:
            self._denoised = np.empty((plan.height, plan.width, 3), np.uint8)
            self._labels = np.empty((plan.height, plan.width), np.uint8)

    def fill(self, frame: Image, noise: NoiseLevel) -> None:
        """Gather the tiles where the network reads them."""
        gather(self._plan, frame, self._frames)
        self._noise[:] = noise.a, noise.b

    def upload(self, stream: Any) -> None:
        """Nothing to copy."""

    def download(self, stream: Any) -> None:
        """Nothing to copy."""

    def collect(self) -> tuple[Image, Labels]:
        """Stitch the tiles, but for a frame that is its own tile."""
        if not self._plan.identity:
            stitch(self._plan, self._denoised_tiles, self._denoised)
            stitch(self._plan, self._label_tiles, self._labels)
        return self._denoised, self._labels
