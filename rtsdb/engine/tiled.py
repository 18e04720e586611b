"""Engines whose tiles lie in host memory: gather, run every tile, stitch."""

from __future__ import annotations

import time
from abc import abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from rtsdb.engine.base import Result, Timings
from rtsdb.engine.slots import SlottedEngine
from rtsdb.errors import RtsdbError
from rtsdb.noise import NoiseLevel
from rtsdb.tiling import TilePlan, gather, stitch
from rtsdb.video.frame import Image, Labels

Job = TypeVar("Job")


@dataclass
class TileBuffers:
    """One tile's tensors as the network sees them, each with a batch axis of 1.

    frame: uint8 [1, h, w, 3]. noise: float32 [1, 2]. denoised: uint8 [1, h, w, 3].
    labels: uint8 [1, h, w].
    """

    frame: Image
    noise: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    denoised: Image
    labels: Labels

    @classmethod
    def allocate(cls, height: int, width: int) -> TileBuffers:
        """Buffers for tiles of one size."""
        return cls(
            np.zeros((1, height, width, 3), np.uint8),
            np.zeros((1, 2), np.float32),
            np.zeros((1, height, width, 3), np.uint8),
            np.zeros((1, height, width), np.uint8),
        )


class Slot(Generic[Job]):
    """Buffers of one frame under way, and the jobs that fill them."""

    def __init__(self, plan: TilePlan) -> None:
        self.plan = plan
        self.tiles = [
            TileBuffers.allocate(plan.tile_height, plan.tile_width) for _ in range(plan.count)
        ]
        whole = plan.identity
        shape = (plan.height, plan.width)
        self.denoised = self.tiles[0].denoised[0] if whole else np.empty((*shape, 3), np.uint8)
        self.labels = self.tiles[0].labels[0] if whole else np.empty(shape, np.uint8)
        self.jobs: list[Job] = []
        self.under_way = False
        self.gathered = 0.0


class TiledEngine(SlottedEngine[Slot[Job]], Generic[Job]):
    """Every tile is a job of its own; a concrete engine adds how one is run."""

    @abstractmethod
    def compile(self, height: int, width: int) -> None:
        """Get ready to run tiles of this size."""

    @abstractmethod
    def begin(self, tile: TileBuffers) -> Job:
        """Prepare, once, the job that runs the network on these buffers."""

    @abstractmethod
    def read_in_place(self, job: Job, frame: Image) -> None:
        """Let a job read `frame` [h, w, 3], of the compiled size, from now on."""

    @abstractmethod
    def start(self, job: Job) -> None:
        """Run a job, in the background where the library can."""

    @abstractmethod
    def wait(self, job: Job) -> float:
        """Wait for a started job; the seconds it computed, queueing excluded."""

    def open_slots(self, plan: TilePlan) -> list[Slot[Job]]:
        """Compile, allocate, and prepare a job for every tile."""
        self.compile(plan.tile_height, plan.tile_width)
        slots = [Slot[Job](plan) for _ in range(self.slots)]
        for slot in slots:
            slot.jobs = [self.begin(tile) for tile in slot.tiles]
        return slots

    def run_slot(self, slot: Slot[Job], frame: Image, noise: NoiseLevel) -> None:
        """Gather the tiles of a frame and start them."""
        plan = slot.plan
        before = time.perf_counter()
        if plan.identity and frame.flags.c_contiguous and frame.flags.writeable:
            self.read_in_place(slot.jobs[0], frame)
        else:
            if plan.identity:
                self.read_in_place(slot.jobs[0], slot.tiles[0].frame[0])
            gather(plan, frame, [tile.frame[0] for tile in slot.tiles])
        for tile in slot.tiles:
            tile.noise[0] = noise.a, noise.b
        slot.gathered = time.perf_counter() - before
        slot.under_way = True
        for job in slot.jobs:
            self.start(job)

    def slot_result(self, slot: Slot[Job]) -> Result:
        """Wait for every tile of a frame and stitch them."""
        plan = slot.plan
        inferred = sum(self.wait(job) for job in slot.jobs)
        slot.under_way = False
        before = time.perf_counter()
        if not plan.identity:
            stitch(plan, [tile.denoised[0] for tile in slot.tiles], slot.denoised)
            stitch(plan, [tile.labels[0] for tile in slot.tiles], slot.labels)
        stitched = time.perf_counter() - before
        timings = Timings(slot.gathered, inferred, stitched)
        return Result(slot.denoised, slot.labels, timings)

    def settle_slot(self, slot: Slot[Job]) -> None:
        """Wait for the jobs of a frame that was released before its result was collected."""
        if slot.under_way:
            for job in slot.jobs:
                with suppress(RtsdbError):
                    self.wait(job)
        slot.under_way = False
