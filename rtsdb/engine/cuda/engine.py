"""Engines on an NVIDIA GPU, whatever computes the network there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress

from rtsdb.engine.base import Result
from rtsdb.engine.cuda.buffers import Buffers, CopiedBuffers, MappedBuffers
from rtsdb.engine.cuda.device import open_device
from rtsdb.engine.cuda.memory import DeviceMemory
from rtsdb.engine.cuda.slot import Enqueue, Slot, Streams
from rtsdb.engine.slots import SlottedEngine
from rtsdb.errors import MissingPackageError, RtsdbError
from rtsdb.noise import NoiseLevel
from rtsdb.tiling import TilePlan
from rtsdb.video.frame import Image


class CudaEngine(SlottedEngine[Slot]):
    """Uploads, computes and downloads frames in three streams; a concrete engine adds the network.

    A result's timings are the host's copy and the upload, the network, and the download. On a GPU
    that shares the host's memory nothing is copied to and fro, and tiles are gathered and stitched
    by the host. Raises RtsdbError when there is no GPU.
    """

    def __init__(self, *, slots: int, tile: tuple[int, int] | None, halo: int) -> None:
        super().__init__(slots=slots, tile=tile, halo=halo)
        self.device = open_device()
        self._memory = DeviceMemory()
        self._streams: Streams | None = None

    @classmethod
    def probe(cls) -> None:
        """Ask for a GPU that pycuda can use."""
        try:
            open_device()
        except MissingPackageError as error:  # though the GPU is there, which is worth a word
            raise RtsdbError(str(error)) from error

    @abstractmethod
    def compile(self, plan: TilePlan, stream: int) -> Sequence[Enqueue]:
        """Networks, one for each slot, for batches of all tiles of this plan.

        stream: handle of the one that they will be enqueued on. The GPU's context is current;
        here, and when they are called.
        """

    def open_slots(self, plan: TilePlan) -> list[Slot]:
        """Compile and allocate; raises RtsdbError when the GPU's memory is not enough."""
        with self.device.current():
            streams = self._streams = Streams()
            try:
                networks = self.compile(plan, streams.compute.handle)
                return [Slot(self._buffers(plan), network, streams) for network in networks]
            except BaseException:
                self._memory.free()
                raise

    def run_slot(self, slot: Slot, frame: Image, noise: NoiseLevel) -> None:
        """Enqueue all that a frame needs."""
        with self.device.current():
            slot.start(frame, noise)

    def slot_result(self, slot: Slot) -> Result:
        """Wait for the download."""
        with self.device.current():
            return slot.result()

    def settle_slot(self, slot: Slot) -> None:
        """Wait for the download, if it was not waited for before."""
        with suppress(RtsdbError), self.device.current():
            slot.finish()

    def close(self) -> None:
        """Wait until nothing runs and free streams and memory; pinned memory once it is unused."""
        if self._streams is not None:
            with suppress(RtsdbError), self.device.current():
                self._streams.synchronize()
        with self.device.current():
            super().close()
            self._streams = None
            self._memory.free()

    def _buffers(self, plan: TilePlan) -> Buffers:
        if self.device.gpu.integrated:
            return MappedBuffers(plan)
        return CopiedBuffers(plan, self._memory)
