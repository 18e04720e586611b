"""TensorRT in both flavours, from 8.6 to 11: engines built on first use, run by pycuda."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtsdb.engine.base import EngineInfo
from rtsdb.engine.contract import CONTRACT
from rtsdb.engine.cuda.buffers import Bindings
from rtsdb.engine.cuda.device import open_device
from rtsdb.engine.cuda.engine import CudaEngine
from rtsdb.engine.cuda.slot import Enqueue
from rtsdb.engine.tensorrt_build import Profile
from rtsdb.engine.tensorrt_cache import (
    FOLDER,
    PRECISIONS,
    BuildRequest,
    BuiltEngine,
    ensure_built,
    load_built_engine,
)
from rtsdb.engine.tensorrt_flavour import create, error_log, first_error, load_flavour
from rtsdb.engine.tensorrt_progress import log_progress
from rtsdb.errors import RtsdbError
from rtsdb.tiling import HALO, TilePlan


class TensorRtEngine(CudaEngine):
    """All tiles of a frame in one batch; for Jetson and data centres.

    model: path of an ONNX file of the frame contract; what runs is built from the graph beside it
    that has the precision ('auto': fp16). `prepare` takes the engine from the folder `engines`, or
    builds it, which can take minutes, and keeps it there.

    Never run on a GPU so far: the tests run it on doubles of the CUDA driver and of TensorRT.
    """

    name = "tensorrt"

    def __init__(
        self,
        model: Path,
        *,
        label: str,
        precision: str = "auto",
        tile: tuple[int, int] | None = None,
        halo: int = HALO,
        slots: int = 2,
    ) -> None:
        super().__init__(slots=slots, tile=tile, halo=halo)
        self._model = model
        self.info = EngineInfo(
            name=self.name,
            model=label,
            precision=PRECISIONS[0] if precision == "auto" else precision,
            device=self.device.gpu.name,
            versions={self.name: load_flavour(self.name).version, "cuda": self.device.gpu.cuda},
        )

    @classmethod
    def probe(cls) -> None:
        """Ask for a GPU that pycuda and this flavour can use, and for a driver that suits it."""
        super().probe()
        flavour = load_flavour(cls.name)
        if flavour.is_rtx:
            flavour.check_targets([open_device().gpu.sm])
        create(flavour, "Runtime", *error_log(flavour))

    def compile(self, plan: TilePlan, stream: int) -> Sequence[Enqueue]:
        """Find or build the engine, and open an execution context for each slot."""
        request = BuildRequest(
            self.name,
            model=self.info.model,
            onnx=self._model,
            precision=self.info.precision,
            plan=plan,
        )
        file = ensure_built(request, FOLDER, report=log_progress(request.file_name))
        built = load_built_engine(file, plan)
        executions = [Execution(built, context) for context in self._open_contexts(built)]
        for execution in executions:
            execution.set_up(plan, stream)
        return executions

    def _open_contexts(self, built: BuiltEngine) -> list[Any]:
        """As many as there are slots; they run one after another, so the same memory does."""
        settings = context_settings(built)
        contexts = [built.engine.create_execution_context(*settings) for _ in range(self.slots)]
        if None in contexts:
            reason = first_error(built.errors)
            raise self.device.no_room(f"{self.name} opens no execution context ({reason})")
        if built.flavour.shares_memory:
            size = max(built.engine.device_memory_size_v2, 1)  # CUDA allocates no 0 bytes
            address = self._memory.allocate((size,), np.uint8)
            for context in contexts:
                context.set_device_memory(address, size)
        return contexts


class TensorRtRtxEngine(TensorRtEngine):
    """The same for desktop GPUs, by TensorRT-RTX, which keeps every batch as a CUDA graph."""

    name = "tensorrt-rtx"


@dataclass(frozen=True)
class Execution:
    """One slot's network: an execution context, and the engine that it is of.

    Raises RtsdbError, in TensorRT's words, for what it refuses.
    """

    built: BuiltEngine
    context: Any

    def set_up(self, plan: TilePlan, stream: int) -> None:
        """Fix the shapes: all tiles of the plan. stream: the one that it will be called with."""
        self._check(self.context.set_optimization_profile_async(0, stream))
        for name, (*_, full) in Profile.of(plan).shapes().items():
            self._check(self.context.set_input_shape(name, full))

    def __call__(self, stream: int, bindings: Bindings) -> None:
        """Enqueue the network."""
        for name in CONTRACT:
            self._check(self.context.set_tensor_address(name, getattr(bindings, name)))
        self._check(self.context.execute_async_v3(stream))

    def _check(self, accepted: bool) -> None:
        if not accepted:
            flavour = self.built.flavour
            raise RtsdbError(
                f"{flavour.name} {flavour.version} cannot run {self.built.sidecar.model}: "
                f"{first_error(self.built.errors)}"
            )


def context_settings(built: BuiltEngine) -> list[Any]:
    """What `create_execution_context` takes, so that contexts work in memory they are given.

    TensorRT-RTX keeps what it enqueues as a CUDA graph and, since no shape changes, compiles the
    kernels for it before the first frame: all frames go through the same ones.
    """
    trt = built.flavour.trt
    if not built.flavour.shares_memory:
        return []
    given = trt.ExecutionContextAllocationStrategy.USER_MANAGED
    if not built.flavour.is_rtx:
        return [given]
    config = built.engine.create_runtime_config()
    config.set_execution_context_allocation_strategy(given)
    config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
    kernels = trt.DynamicShapesKernelSpecializationStrategy.EAGER
    config.dynamic_shapes_kernel_specialization_strategy = kernels
    return [config]
