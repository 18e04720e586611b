"""TensorRT's two flavours behind one handle: `tensorrt` and `tensorrt_rtx`, from 8.6 to 11."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.optional import load_package

PACKAGES = {"tensorrt": ("tensorrt", "tensorrt"), "tensorrt-rtx": ("tensorrt_rtx", "rtx")}
"""Flavours, as --engine takes them: their Python package, and the extra that brings it."""

OLDEST = (8, 6)
"""The first TensorRT that takes uint8 frames."""


@dataclass(frozen=True)
class Flavour:
    """One flavour, loaded. name: as --engine takes it. trt: its Python module."""

    name: str
    trt: Any

    @property
    def version(self) -> str:
        """The library's version, such as '10.3.0'."""
        return str(self.trt.__version__)

    @property
    def is_rtx(self) -> bool:
        """Whether it builds for GPUs that are not there (RTX), or for the one that is."""
        return self.name == "tensorrt-rtx"

    @property
    def strongly_typed(self) -> bool:
        """Whether layers keep the types of the ONNX file (10.0 on), not types of its own choice."""
        return hasattr(self.trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED")

    @property
    def shares_memory(self) -> bool:
        """Whether execution contexts can be given the memory they work in (10.0 on)."""
        return hasattr(self.trt, "ExecutionContextAllocationStrategy")

    def check_targets(self, targets: Sequence[str]) -> None:
        """Raise UsageError for compute capabilities, such as 'sm89', that it cannot build for."""
        if not self.is_rtx:
            if targets:
                asked = ",".join(targets)
                raise UsageError(
                    f"--target {asked}: {self.name} builds for this machine's GPU only"
                )
            return
        names = self.trt.ComputeCapability.__members__
        known = [name.lower() for name in names if name.startswith("SM")]
        for target in targets:
            if target not in known:
                raise UsageError(
                    f"{self.name} {self.version} does not build for {target}, only for "
                    f"{', '.join(known)}; on Jetson and in data centres, use tensorrt"
                )


def load_flavour(name: str) -> Flavour:
    """Import a flavour.

    Raises UsageError for an unknown name, MissingPackageError where it is not installed, and
    RtsdbError where it is too old or does not load.
    """
    if name not in PACKAGES:
        known = ", ".join(PACKAGES)
        raise UsageError(f"--engine {name}: TensorRT's flavours are {known}")
    package, extra = PACKAGES[name]
    flavour = Flavour(name, load_package(package, extra=extra))
    if not flavour.is_rtx and tuple(map(int, flavour.version.split(".")[:2])) < OLDEST:
        raise RtsdbError(
            f"{package} {flavour.version} takes no uint8 frames: install 8.6 or newer; "
            "on Jetson, JetPack 6.2 or newer"
        )
    return flavour


def error_log(flavour: Flavour) -> tuple[Any, list[str]]:
    """A logger for TensorRT, and the list into which it writes errors, each as one line."""
    kind = flavour.trt.ILogger
    errors: list[str] = []

    def log(_: Any, severity: Any, message: str) -> None:
        if severity in (kind.INTERNAL_ERROR, kind.ERROR):
            errors.append(" ".join(message.split()))

    return type("ErrorLog", (kind,), {"log": log})(), errors


def create(
    flavour: Flavour, kind: Literal["Builder", "Runtime"], logger: Any, errors: list[str]
) -> Any:
    """TensorRT's builder or runtime. logger, errors: an `error_log`.

    Raises RtsdbError where TensorRT gives none, as it does with a driver too old for its CUDA.
    """
    try:
        return getattr(flavour.trt, kind)(logger)
    except TypeError as error:  # pybind11's, for a constructor that gives nothing
        raise RtsdbError(
            f"{flavour.name} {flavour.version} does not start ({first_error(errors)}); "
            "does the NVIDIA driver suit its CUDA version?"
        ) from error


def first_error(errors: list[str]) -> str:
    """The first of the errors in an `error_log`, which brings about the others; empties the log.

    >>> first_error(["out of memory", "no engine"]), first_error([])
    ('out of memory', 'no reason given')
    """
    first = errors[0] if errors else "no reason given"
    errors.clear()
    return first
