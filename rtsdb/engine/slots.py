"""Engines with a fixed number of slots: who holds which, and for frames of what size."""

from __future__ import annotations

import threading
from abc import abstractmethod
from typing import Generic, TypeVar

import numpy as np

from rtsdb.engine.base import Engine, Result
from rtsdb.errors import RtsdbError
from rtsdb.noise import NoiseLevel
from rtsdb.tiling import TilePlan, plan_tiles
from rtsdb.video.frame import Image

Slot = TypeVar("Slot")


class SlottedEngine(Engine, Generic[Slot]):
    """A ticket is the number of a slot; a concrete engine adds what a slot is and how it runs.

    tile: (width, height) of the tiles' kept parts, None for the whole frame at once.
    """

    def __init__(self, *, slots: int, tile: tuple[int, int] | None, halo: int) -> None:
        self.slots, self.tile, self.halo = slots, tile, halo
        self._plan: TilePlan | None = None
        self._slots: list[Slot] = []
        self._free: list[int] = []
        self._lock = threading.Lock()

    @abstractmethod
    def open_slots(self, plan: TilePlan) -> list[Slot]:
        """Compile for the tiles of this plan and allocate `self.slots` slots."""

    @abstractmethod
    def run_slot(self, slot: Slot, frame: Image, noise: NoiseLevel) -> None:
        """Start on a frame of the planned size in a slot on which nothing runs."""

    @abstractmethod
    def slot_result(self, slot: Slot) -> Result:
        """Wait for the frame in a slot; raises RtsdbError when the engine failed on it."""

    @abstractmethod
    def settle_slot(self, slot: Slot) -> None:
        """Wait until nothing runs in a slot, however that ends."""

    @property
    def plan(self) -> str:
        """The tile plan in one line."""
        return str(self._plan) if self._plan else "not prepared"

    def prepare(self, height: int, width: int) -> None:
        """Plan tiles, compile and allocate every slot; nothing to do if the size is the same."""
        if self._plan and (self._plan.height, self._plan.width) == (height, width):
            return
        if len(self._free) != len(self._slots):
            raise RtsdbError("the engine cannot change its frame size with frames under way")
        plan = plan_tiles(height, width, self.tile, halo=self.halo)
        self.close()
        self._slots = self.open_slots(plan)
        self._plan, self._free = plan, list(range(self.slots))

    def submit(self, frame: Image, noise: NoiseLevel) -> int:
        """Start on a frame in a free slot."""
        plan = self._plan
        wanted = None if plan is None else (plan.height, plan.width, 3)
        if plan is None or frame.shape != wanted or frame.dtype != np.uint8:
            raise RtsdbError(
                f"the engine is prepared for uint8 frames of shape {wanted}, "
                f"got {frame.dtype} {frame.shape}"
            )
        with self._lock:
            if not self._free:
                raise RtsdbError(f"all {self.slots} slots of the engine are in use")
            ticket = self._free.pop(0)
        try:
            self.settle_slot(self._slots[ticket])
            self.run_slot(self._slots[ticket], frame, noise)
        except BaseException:
            self.release(ticket)
            raise
        return ticket

    def result(self, ticket: int) -> Result:
        """Wait for a submitted frame."""
        return self.slot_result(self._slots[ticket])

    def release(self, ticket: int) -> None:
        """Give the slot of a ticket back; nothing to do for a slot that `close` has given up."""
        with self._lock:
            if ticket < len(self._slots) and ticket not in self._free:
                self._free.append(ticket)

    def close(self) -> None:
        """Wait until nothing runs and give up every slot; `prepare` makes new ones."""
        for slot in self._slots:
            self.settle_slot(slot)
        self._slots, self._free, self._plan = [], [], None
