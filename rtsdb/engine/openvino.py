"""OpenVINO: the engine for plain CPUs, in bfloat16 where the processor has it, or in INT8."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import openvino as ov

from rtsdb.engine.base import EngineInfo
from rtsdb.engine.contract import ANY, CONTRACT, Port, check_contract
from rtsdb.engine.tiled import TileBuffers, TiledEngine
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.machine import has_bf16
from rtsdb.onnx_file import graph_in
from rtsdb.tiling import HALO
from rtsdb.video.frame import Image

FLOATS = {"fp32": "f32", "bf16": "bf16"}
"""Names of the floating-point types in OpenVINO."""


@dataclass(eq=False)
class Job:
    """A request bound to one tile's buffers, and how its last run went.

    started: when it was queued. computed: seconds it ran. failure: why it has no result.
    """

    request: ov.InferRequest
    started: float = 0.0
    computed: float = 0.0
    failure: RuntimeError | None = None


class OpenVinoEngine(TiledEngine[Job]):
    """Asynchronous requests on the CPU, tuned for latency; one request per slot and tile.

    model: path of an ONNX file of the frame contract; what runs is the graph beside it that has
    the precision. precision: 'auto' (bf16 where the CPU has the instructions, else fp32), 'fp32',
    'bf16', or 'int8', with what is not INT8 as 'auto' has it.
    Raises UsageError for a file that is no such model, and for bf16 where the CPU lacks it, which
    OpenVINO would run in fp32 without a word.
    """

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
        self._core = shared_core()
        if precision == "bf16" and not has_bf16():
            raise UsageError(
                "--precision bf16: this processor has no bfloat16; give auto, fp32 or int8"
            )
        fastest = "bf16" if has_bf16() else "fp32"
        if precision == "auto":
            precision = fastest
        model = graph_in(model, "int8-fp32" if precision == "int8" else "fp32")
        try:
            self._model = self._core.read_model(model)
        except RuntimeError as error:
            raise UsageError(
                f"{model}: not an ONNX file that OpenVINO reads ({_reason(error)})"
            ) from error
        check_contract(model, _ports(self._model))
        self._settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": FLOATS[fastest if precision == "int8" else precision],
        }
        self._compiled: ov.CompiledModel | None = None
        self._queue: deque[Job] = deque()
        self._idle_since = 0.0
        self.info = EngineInfo(
            name="openvino",
            model=label,
            precision=precision,
            device=self._core.get_property("CPU", "FULL_DEVICE_NAME"),
            versions={"openvino": ov.__version__},
        )

    def compile(self, height: int, width: int) -> None:
        """Compile for tiles of exactly this size, which OpenVINO runs fastest."""
        try:
            self._model.reshape({"frame": [1, height, width, 3], "noise": [1, 2]})
            self._compiled = self._core.compile_model(self._model, "CPU", self._settings)
        except RuntimeError as error:
            raise RtsdbError(
                f"openvino cannot compile {self.info.model} for {width}x{height}: {_reason(error)}"
            ) from error

    def begin(self, tile: TileBuffers) -> Job:
        """A request bound to the buffers, so that running it copies nothing."""
        assert self._compiled is not None
        request = self._compiled.create_infer_request()
        for name in CONTRACT:
            tensor = ov.Tensor(getattr(tile, name), shared_memory=True)
            try:
                request.set_tensor(name, tensor)
            except RuntimeError as error:
                raise RtsdbError(
                    f"{self.info.model}: {name} is not of the frame's size: {_reason(error)}"
                ) from error
        return Job(request)

    def read_in_place(self, job: Job, frame: Image) -> None:
        """Point the request at the caller's memory."""
        job.request.set_tensor("frame", ov.Tensor(frame[None], shared_memory=True))

    def start(self, job: Job) -> None:
        """Queue a request."""
        job.started = time.perf_counter()
        job.request.start_async()
        self._queue.append(job)

    def wait(self, job: Job) -> float:
        """Wait for a request; the seconds since it was started or the one before it ended.

        Requests run one after the other, in the order in which they were started.
        """
        while job in self._queue:
            self._time(self._queue.popleft())
        if job.failure is not None:
            raise RtsdbError(f"openvino failed: {job.failure}") from job.failure
        return job.computed

    def _time(self, job: Job) -> None:
        """Wait for the oldest request under way and note how long it ran."""
        try:
            job.request.wait()
            job.failure = None
        except RuntimeError as error:
            job.failure = error
        ended = job.started + job.request.latency / 1000.0
        job.computed = max(ended - max(job.started, self._idle_since), 0.0)
        self._idle_since = ended

    def close(self) -> None:
        """Drop requests and the compiled model."""
        super().close()
        self._compiled = None


@cache
def shared_core() -> ov.Core:
    """The one OpenVINO core of the process, kept to its end.

    A core exchanges its thread's alternate signal stack and puts the former one back when it is
    destroyed. Destroyed in another order than made, cores leave a stack that no longer exists,
    and the next Ctrl-C is a segmentation fault (seen with OpenVINO 2026.4).
    """
    return ov.Core()


def _reason(error: RuntimeError) -> str:
    """The last line of what OpenVINO says, where the reason is."""
    return str(error).strip().splitlines()[-1]


def _ports(model: ov.Model) -> dict[str, Port]:
    """Inputs and outputs by name."""
    words = {"u8": "uint8", "f32": "float32"}
    found = {}
    for port in (*model.inputs, *model.outputs):
        kind, shape = port.element_type.get_type_name(), port.partial_shape
        sizes = [] if shape.rank.is_dynamic else list(shape)
        found[port.any_name] = Port(
            words.get(kind, kind),
            tuple(ANY if size.is_dynamic else size.get_length() for size in sizes),
        )
    return found
