"""ONNX Runtime: on the CPU, or on a GPU through the execution providers that it was built with."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtsdb.engine.base import EngineInfo
from rtsdb.engine.contract import ANY, CONTRACT, Port, check_contract
from rtsdb.engine.tiled import TileBuffers, TiledEngine
from rtsdb.errors import MissingPackageError, RtsdbError, UsageError
from rtsdb.gpu import find_gpus
from rtsdb.machine import cpu_name, usable_cpus
from rtsdb.onnx_file import graph_in, has_graph
from rtsdb.tiling import HALO
from rtsdb.video.frame import Image
from rtsdb.weights import find_model

try:
    import onnxruntime as ort
except ImportError as error:
    raise MissingPackageError("onnxruntime", extra="onnxruntime") from error

CPU = "CPUExecutionProvider"

GPU_PROVIDERS = (
    "NvTensorRTRTXExecutionProvider",
    "TensorrtExecutionProvider",
    "CUDAExecutionProvider",
)
"""Execution providers for NVIDIA GPUs, in the order in which they are tried."""


@dataclass(eq=False)
class Job:
    """One tile's buffers bound to the model, and its last run, which gives the seconds it took."""

    binding: ort.IOBinding
    run: Future[float] | None = None


class OnnxRuntimeEngine(TiledEngine[Job]):
    """Float32 or INT8 on as many CPU threads as this process may use.

    Runs follow each other in one thread beside the caller's. model: path of an ONNX file of the
    frame contract; what runs is the graph beside it that has the precision ('auto': the first of
    `preference` that is there). Raises UsageError for a file that is no such model.
    """

    name = "onnxruntime"
    providers: Sequence[str] = (CPU,)
    preference: Sequence[str] = ("fp32",)

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
        if precision == "auto":
            there = (best for best in self.preference if has_graph(model, best))
            precision = next(there, self.preference[-1])
        graph = graph_in(model, "int8-fp32" if precision == "int8" else precision)
        self._session = open_session(graph, self.providers)
        self._worker: ThreadPoolExecutor | None = None
        self.info = EngineInfo(
            name=self.name,
            model=label,
            precision=precision,
            device=self.device(),
            versions={"onnxruntime": ort.__version__},
        )

    def device(self) -> str:
        """What it runs on."""
        return cpu_name()

    def compile(self, height: int, width: int) -> None:
        """Nothing to compile: the session takes any size."""
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix=self.name)

    def begin(self, tile: TileBuffers) -> Job:
        """A binding to the buffers, so that running it copies nothing on the CPU."""
        binding = self._session.io_binding()
        for name in CONTRACT:
            array = getattr(tile, name)
            bind = binding.bind_input if name in ("frame", "noise") else binding.bind_output
            bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        return Job(binding)

    def read_in_place(self, job: Job, frame: Image) -> None:
        """Bind the caller's memory in place of the tile's."""
        job.binding.bind_input("frame", "cpu", 0, np.uint8, (1, *frame.shape), frame.ctypes.data)

    def start(self, job: Job) -> None:
        """Queue a run."""
        assert self._worker is not None
        job.run = self._worker.submit(self._run, job.binding)

    def wait(self, job: Job) -> float:
        """Wait for a run; the seconds it took."""
        assert job.run is not None
        try:
            return job.run.result()
        except Exception as error:  # the library's errors have no other type in common
            raise RtsdbError(f"{self.name} failed: {_first_line(error)}") from error

    def _run(self, binding: ort.IOBinding) -> float:
        before = time.perf_counter()
        self._session.run_with_iobinding(binding)
        return time.perf_counter() - before

    def close(self) -> None:
        """Drop buffers and the thread."""
        super().close()
        if self._worker is not None:
            self._worker.shutdown()
        self._worker = None


class OnnxRuntimeGpuEngine(OnnxRuntimeEngine):
    """The same on a GPU: the first of `GPU_PROVIDERS` that starts; float16 where there is a graph.

    Never run on a GPU so far.
    """

    name = "onnxruntime-gpu"
    providers = GPU_PROVIDERS
    preference = ("fp16", "fp32")

    @classmethod
    def probe(cls) -> None:
        """Open the smallest shipped network on the GPU."""
        if not set(GPU_PROVIDERS) & set(ort.get_available_providers()):
            raise MissingPackageError("onnxruntime-gpu", extra="onnxruntime-gpu")
        find_gpus()
        open_session(find_model("rt", 1).need_onnx(cls.name), GPU_PROVIDERS)

    def device(self) -> str:
        """The GPU and the provider that runs on it."""
        return f"{find_gpus()[0].name}, {self._session.get_providers()[0]}"

    def compile(self, height: int, width: int) -> None:
        """Run once: providers build for a size when they first meet it, TensorRT's for minutes."""
        super().compile(height, width)
        tile = TileBuffers.allocate(height, width)
        job = self.begin(tile)
        self.start(job)
        self.wait(job)


def open_session(model: Path, providers: Sequence[str]) -> ort.InferenceSession:
    """Open a model of the frame contract on the first provider that starts.

    ONNX Runtime would take the CPU in place of a provider that lacks a library, or that fails later
    in a run. Here the one counts as not started, and the other is an error of the run.
    Raises RtsdbError when none starts, UsageError when the model is not one.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = usable_cpus()
    options.log_severity_level = 4  # fatal: what fails is raised
    failure = "not built in"
    for provider in (name for name in providers if name in ort.get_available_providers()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of providers that lack a library
            try:
                wanted = list(dict.fromkeys((provider, CPU)))
                session = ort.InferenceSession(
                    str(model), options, providers=wanted, enable_fallback=0
                )
            except (ValueError, RuntimeError) as error:  # of a provider
                failure = _first_line(error)
                continue
            except Exception as error:  # the library's errors have no other type in common
                reason = _first_line(error)
                raise UsageError(
                    f"{model}: not an ONNX file that ONNX Runtime reads ({reason})"
                ) from error
        if session.get_providers()[0] == provider:
            check_contract(model, _ports(session))
            return session
        failure = "a library that it needs is missing"
    raise RtsdbError(f"ONNX Runtime starts none of {', '.join(providers)} here ({failure})")


def _ports(session: ort.InferenceSession) -> dict[str, Port]:
    """Inputs and outputs by name."""
    words = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
    return {
        tensor.name: Port(
            words.get(tensor.type, tensor.type),
            tuple(size if isinstance(size, int) else ANY for size in tensor.shape),
        )
        for tensor in (*session.get_inputs(), *session.get_outputs())
    }


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
