"""A TensorRT for tests on the CUDA driver double: ONNX Runtime computes what a stream reaches.

Classes, methods and arguments are named as TensorRT names them, which test_tensorrt_double.py
checks, and what TensorRT's documentation demands of a program is demanded here. An engine is the
path of an ONNX graph, with the profile that it was built for.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import numpy as np
import onnxruntime as ort

from rtsdb.engine import tensorrt_cache
from rtsdb.engine.tensorrt_build import Profile
from rtsdb.engine.tensorrt_flavour import PACKAGES, Flavour
from tests.cuda_double import control

SCRATCH = 4096
"""Bytes that a context works in."""

VERSIONS = {"tensorrt-rtx": "1.7.1", "tensorrt": "10.3.0", "tensorrt 8.6": "8.6.1"}
"""Doubles that there are, as `installed` takes them."""

CudaGraphStrategy = Enum("CudaGraphStrategy", ["DISABLED", "WHOLE_GRAPH_CAPTURE"])
DynamicShapesKernelSpecializationStrategy = Enum(
    "DynamicShapesKernelSpecializationStrategy", ["LAZY", "EAGER", "NONE"]
)
ExecutionContextAllocationStrategy = Enum(
    "ExecutionContextAllocationStrategy", ["STATIC", "USER_MANAGED"]
)
ComputeCapability = Enum("ComputeCapability", ["NONE", "SM86", "SM89"])


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING = range(3)


@cache
def session(graph: str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


@cache
def network(graph: str, shape: tuple[int, ...], frame: bytes, noise: bytes) -> list[Any]:
    """One tile's denoised frame and labels; remembered, for tests repeat frames in every order."""
    inputs = {
        "frame": np.frombuffer(frame, np.uint8).reshape(1, *shape),
        "noise": np.frombuffer(noise, np.float32).reshape(1, 2),
    }
    return list(session(graph).run(["denoised", "labels"], inputs))


class IExecutionContext:
    def __init__(self, engine: ICudaEngine, scratch: Any = None) -> None:
        self.engine, self.scratch = engine, scratch  # kept, as TensorRT's bindings do
        self.memory = (int(scratch), SCRATCH) if scratch else (0, 0)
        self.stream = 0
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}

    def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
        self.stream, self.shapes = stream_handle, {}
        return self._accept(profile_index == 0, "there is one profile")

    def set_device_memory(self, memory: int, size: int) -> None:
        self.memory = memory, size

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        least, _, most = self.engine.profile.shapes()[name]
        fits = all(a <= b <= c for a, b, c in zip(least, shape, most, strict=True))
        self.shapes[name] = shape
        return self._accept(
            self.stream != 0 and fits, f"{name} {shape} is not in the optimization profile"
        )

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self.addresses[name] = memory
        return self._accept(memory % 256 == 0, f"{name}: not aligned to 256 bytes")

    def execute_async_v3(self, stream_handle: int) -> bool:
        address, size = self.memory
        if not self._accept(
            stream_handle == self.stream  # else it would have to wait for the profile
            and self.shapes.keys() == {"frame", "noise"}
            and self.addresses.keys() == {"frame", "noise", "denoised", "labels"}
            and address % 256 == 0
            and size >= SCRATCH,
            "not all is set",
        ):
            return False
        batch, height, width, _ = self.shapes["frame"]
        tensors = {
            "frame": ((batch, height, width, 3), np.uint8),
            "noise": ((batch, 2), np.float32),
            "denoised": ((batch, height, width, 3), np.uint8),
            "labels": ((batch, height, width), np.uint8),
        }
        addresses, graph = dict(self.addresses), self.engine.graph

        def compute() -> None:
            views = {name: control.view(addresses[name], *tensors[name]) for name in tensors}
            control.view(address, (size,), np.uint8)[:] = 0
            for tile in range(batch):
                frame, noise = views["frame"][tile], views["noise"][tile]
                found = network(graph, frame.shape, frame.tobytes(), noise.tobytes())
                views["denoised"][tile], views["labels"][tile] = found[0][0], found[1][0]

        control.enqueue(stream_handle, compute)
        return True

    def _accept(self, fine: bool, otherwise: str) -> bool:
        if not fine:
            message = f"IExecutionContext: Error Code 3: API Usage Error\n({otherwise})"
            self.engine.logger.log(ILogger.ERROR, message)
        return fine


class ICudaEngine:
    device_memory_size_v2 = SCRATCH

    def __init__(self, serialized: bytes, logger: Any) -> None:
        self.graph, *profile = ast.literal_eval(serialized.decode())
        self.profile, self.logger = Profile(*profile), logger

    def create_execution_context(
        self, strategy: Any = ExecutionContextAllocationStrategy.STATIC
    ) -> IExecutionContext | None:
        from pycuda import driver

        if strategy is ExecutionContextAllocationStrategy.USER_MANAGED:
            return IExecutionContext(self)
        try:
            return IExecutionContext(self, driver.mem_alloc(SCRATCH))
        except driver.MemoryError:
            self.logger.log(ILogger.ERROR, "Error Code 1: Cuda Runtime (out of memory)")
            return None


class IRuntimeConfig:
    cuda_graph_strategy = CudaGraphStrategy.DISABLED
    dynamic_shapes_kernel_specialization_strategy = DynamicShapesKernelSpecializationStrategy.LAZY

    def __init__(self) -> None:
        self.allocation = ExecutionContextAllocationStrategy.STATIC

    def set_execution_context_allocation_strategy(self, strategy: Any) -> None:
        self.allocation = strategy


class RtxCudaEngine(ICudaEngine):
    def create_runtime_config(self) -> IRuntimeConfig:
        return IRuntimeConfig()

    def create_execution_context(self, runtime_config: Any = None) -> IExecutionContext | None:
        assert runtime_config.cuda_graph_strategy is CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        kernels = runtime_config.dynamic_shapes_kernel_specialization_strategy
        assert kernels is DynamicShapesKernelSpecializationStrategy.EAGER
        return super().create_execution_context(runtime_config.allocation)


class Runtime:
    _engine = ICudaEngine

    def __init__(self, logger: Any) -> None:
        self.logger = logger

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine:
        return self._engine(serialized_engine, self.logger)


class RtxRuntime(Runtime):
    _engine = RtxCudaEngine


def package(kind: str) -> ModuleType:
    """The double of a flavour's Python package."""
    old, rtx = kind == "tensorrt 8.6", kind == "tensorrt-rtx"
    typing = {"EXPLICIT_BATCH": 0} if old else {"STRONGLY_TYPED": 0}
    contents: list[type] = [ILogger]
    if not old:
        contents += [ExecutionContextAllocationStrategy]
    if rtx:
        contents += [CudaGraphStrategy, DynamicShapesKernelSpecializationStrategy]
        contents += [ComputeCapability]
    made = ModuleType(kind)
    vars(made).update(
        {thing.__name__: thing for thing in contents},
        __version__=VERSIONS[kind],
        Runtime=RtxRuntime if rtx else Runtime,
        NetworkDefinitionCreationFlag=SimpleNamespace(**typing),
    )
    return made


def build(flavour: Flavour, graph: Path, *, profile: Profile, **_: Any) -> bytes:
    """An engine in place of `rtsdb.engine.tensorrt_build.build_engine`."""
    return repr((str(graph), profile.batch, profile.height, profile.width)).encode()


@contextmanager
def installed(kind: str) -> Iterator[Mock]:
    """Install a double, in an empty working directory; gives the `build` that is called."""
    name, _ = PACKAGES[kind.split()[0]]
    before, place = sys.modules.get(name), Path.cwd()
    with (
        TemporaryDirectory() as folder,
        patch.object(tensorrt_cache, "build_engine", side_effect=build) as built,
    ):
        sys.modules[name] = package(kind)
        os.chdir(folder)
        try:
            yield built
        finally:
            os.chdir(place)
            del sys.modules[name]
            if before is not None:
                sys.modules[name] = before
