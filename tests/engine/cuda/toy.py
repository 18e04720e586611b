"""An engine on the CUDA driver double whose network is three lines of numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtsdb.engine.cuda.buffers import Bindings
from rtsdb.engine.cuda.engine import CudaEngine
from rtsdb.engine.cuda.slot import Enqueue
from rtsdb.noise import NoiseLevel
from rtsdb.tiling import TilePlan, gather, plan_tiles, stitch
from tests.cuda_double import control

Pictures = NDArray[np.uint8]


def network(frame: Pictures, noise: NDArray[np.float32]) -> tuple[Pictures, Pictures]:
    """A batch's denoised frames and labels; every pixel of a tile, halo too, matters somewhere."""
    shifted = np.roll(frame, (37, 53), axis=(1, 2))
    labels = shifted[..., 1] + noise.sum(axis=1).astype(np.uint8)[:, None, None]
    return 255 - shifted, labels % 11


def enqueue_network(stream: int, bindings: Bindings) -> None:
    def run() -> None:
        tiles = (bindings.batch, bindings.height, bindings.width)
        frame = control.view(bindings.frame, (*tiles, 3), np.uint8)
        noise = control.view(bindings.noise, (bindings.batch, 2), np.float32)
        denoised, labels = network(frame, noise)
        control.view(bindings.denoised, (*tiles, 3), np.uint8)[:] = denoised
        control.view(bindings.labels, tiles, np.uint8)[:] = labels

    control.enqueue(stream, run)


class ToyEngine(CudaEngine):
    def __init__(
        self, *, slots: int = 2, tile: tuple[int, int] | None = None, halo: int = 32
    ) -> None:
        super().__init__(slots=slots, tile=tile, halo=halo)

    def compile(self, plan: TilePlan, stream: int) -> list[Enqueue]:
        return [enqueue_network] * self.slots

    def on_the_host(self, frame: Pictures, noise: NoiseLevel) -> tuple[Pictures, Pictures]:
        """What the engine should give for a frame."""
        plan = plan_tiles(*frame.shape[:2], self.tile, halo=self.halo)
        tiles = np.zeros((plan.count, plan.tile_height, plan.tile_width, 3), np.uint8)
        gather(plan, frame, tiles)
        levels = np.array([(noise.a, noise.b)] * plan.count, np.float32)
        denoised_tiles, label_tiles = network(tiles, levels)
        denoised, labels = np.empty_like(frame), np.empty(frame.shape[:2], np.uint8)
        stitch(plan, denoised_tiles, denoised)
        stitch(plan, label_tiles, labels)
        return denoised, labels
