"""The engines there are, fastest first, and which of them works here."""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass
from typing import Any, Literal

from rtsdb.engine.base import Engine
from rtsdb.errors import MissingPackageError, RtsdbError, UsageError
from rtsdb.onnx_file import graph_in
from rtsdb.optional import load_package
from rtsdb.weights import ModelFiles

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineKind:
    """One way to run a network.

    name: as --engine takes it. module, class_name: where in `rtsdb.engine` it is. package: what
    must be installed, and the extra that brings it. reads: the kind of file that it opens.
    precisions: what --precision takes beside 'auto', which is the first of them where typed.
    typed: whether it needs the graph that computes in the precision. on_gpu: whether it computes on
    an NVIDIA GPU.
    """

    name: str
    module: str
    class_name: str
    package: str
    extra: str
    reads: Literal["onnx", "weights"]
    precisions: tuple[str, ...]
    typed: bool = False
    on_gpu: bool = False

    def load(self) -> type[Any]:
        """Import the engine's class, a subclass of `Engine`.

        Raises MissingPackageError where its package is absent, RtsdbError where that is broken.
        """
        load_package(self.package, extra=self.extra)
        module = importlib.import_module(f"rtsdb.engine.{self.module}")
        found: type[Any] = getattr(module, self.class_name)
        return found

    def reads_any_of(self, files: ModelFiles) -> bool:
        """Whether a model has a file of the kind that it opens."""
        return (files.onnx if self.reads == "onnx" else files.weights) is not None

    def check_precision(self, precision: str) -> None:
        """Raise UsageError for a precision that it does not have."""
        if precision not in ("auto", *self.precisions):
            known = ", ".join(["auto", *self.precisions])
            raise UsageError(f"--precision {precision}: the {self.name} engine has {known}")

    def check_graph(self, files: ModelFiles, precision: str) -> None:
        """Raise UsageError, with the way to make it, where a graph is needed that is not there."""
        if self.typed:
            wanted = self.precisions[0] if precision == "auto" else precision
            graph_in(files.need_onnx(self.name), wanted)

    def probe(self) -> None:
        """Raise RtsdbError, naming the reason, where the engine does not work."""
        self.load().probe()

    def open(self, files: ModelFiles, **settings: Any) -> Engine:
        """Open a model. settings: precision, tile, halo and slots, as `load_engine` takes them."""
        self.check_precision(settings["precision"])
        if self.reads == "onnx":
            settings |= {"model": files.need_onnx(self.name), "label": files.label}
        else:
            settings |= {"weights": files.need_weights(self.name), "stages": files.stages}
        engine: Engine = self.load()(**settings)
        return engine


ENGINES = {
    kind.name: kind
    for kind in (
        EngineKind(
            "tensorrt",
            module="tensorrt",
            class_name="TensorRtEngine",
            package="tensorrt",
            extra="tensorrt",
            reads="onnx",
            precisions=("fp16", "int8"),
            typed=True,
            on_gpu=True,
        ),
        EngineKind(
            "tensorrt-rtx",
            module="tensorrt",
            class_name="TensorRtRtxEngine",
            package="tensorrt_rtx",
            extra="rtx",
            reads="onnx",
            precisions=("fp16", "int8"),
            typed=True,
            on_gpu=True,
        ),
        EngineKind(
            "torch-tensorrt",
            module="torch_tensorrt",
            class_name="TorchTensorRtEngine",
            package="torch_tensorrt",
            extra="torchtrt",
            reads="weights",
            precisions=("fp16",),
            on_gpu=True,
        ),
        EngineKind(
            "onnxruntime-gpu",
            module="onnxruntime",
            class_name="OnnxRuntimeGpuEngine",
            package="onnxruntime",
            extra="onnxruntime-gpu",
            reads="onnx",
            precisions=("fp32", "fp16"),
            on_gpu=True,
        ),
        EngineKind(
            "openvino",
            module="openvino",
            class_name="OpenVinoEngine",
            package="openvino",
            extra="openvino",
            reads="onnx",
            precisions=("fp32", "bf16", "int8"),
        ),
        EngineKind(
            "onnxruntime",
            module="onnxruntime",
            class_name="OnnxRuntimeEngine",
            package="onnxruntime",
            extra="onnxruntime",
            reads="onnx",
            precisions=("fp32", "int8"),
        ),
        EngineKind(
            "torch",
            module="torch",
            class_name="TorchEngine",
            package="torch",
            extra="train",
            reads="weights",
            precisions=("fp32",),
        ),
    )
}
"""By name, in the order in which 'auto' tries them."""


def find_engine(name: str) -> EngineKind:
    """The engine of a name; raises UsageError for one that does not exist."""
    if name not in ENGINES:
        known = ", ".join(["auto", *ENGINES])
        raise UsageError(f"--engine {name}: no such engine; choose one of: {known}")
    return ENGINES[name]


def is_on_gpu(engine: str | None) -> bool:
    """Whether the engine of that name computes on an NVIDIA GPU; False for unknown ones.

    >>> is_on_gpu("tensorrt"), is_on_gpu("openvino"), is_on_gpu(None)
    (True, False, False)
    """
    return engine in ENGINES and ENGINES[engine].on_gpu


def choose(files: ModelFiles, precision: str) -> EngineKind:
    """The first engine that reads these files, has this precision, and works here.

    One that is installed but does not work is logged in one line. Raises UsageError when the files
    or the precision leave nothing to choose from.
    """
    able = [kind for kind in ENGINES.values() if precision in ("auto", *kind.precisions)]
    if not able:
        every = dict.fromkeys(p for kind in ENGINES.values() for p in kind.precisions)
        raise UsageError(f"--precision {precision}: give one of {', '.join(['auto', *every])}")
    fitting = [kind for kind in able if kind.reads_any_of(files)]
    if not fitting:
        raise UsageError(
            f"--precision {precision}: {files.label} holds weights, and no engine runs them in it; "
            "make the ONNX file with 'rtsdb export'"
        )
    for kind in fitting:
        try:
            kind.probe()
            kind.check_graph(files, precision)
        except MissingPackageError:
            continue
        except RtsdbError as error:
            log.warning("--engine %s does not work here: %s", kind.name, error)
            continue
        return kind
    names = ", ".join(kind.name for kind in fitting)
    raise UsageError(f"{files.label}: needs one of the engines {names}; see 'rtsdb doctor'")
