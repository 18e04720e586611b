"""Whether the double of TensorRT has only what TensorRT has."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from typing import Any

import pytest

pytest.importorskip("onnxruntime")

from tests.engine import tensorrt_double as double

Signatures = dict[str, list[list[str]]]
"""Methods of a class by name: the names of the arguments of every overload. Attributes: none."""

ENUMS = (
    double.CudaGraphStrategy,
    double.DynamicShapesKernelSpecializationStrategy,
    double.ExecutionContextAllocationStrategy,
    double.ComputeCapability,
)


def real(name: str) -> Any:
    """A class of the real TensorRT-RTX."""
    return getattr(pytest.importorskip("tensorrt_rtx"), name)


def documented(cls: Any) -> Signatures:
    """Signatures as pybind11 writes them into docstrings."""
    found: Signatures = {}
    for name in dir(cls):
        text = re.sub("<[^<>]*>", "", getattr(cls, name).__doc__ or "")
        overloads = re.findall(rf"^(?:\d+\. )?{name}\(self: [^,)]*(?:, (.*))?\) ->", text, re.M)
        found[name] = [re.findall(r"(\w+): ", arguments) for arguments in overloads]
    return found


def stubbed(name: str) -> Signatures:
    """Signatures of a class of TensorRT 10.13, in the package `tensorrt-stubs`."""
    try:
        (stub,) = (path for path in files("tensorrt-stubs") or () if path.name == "tensorrt.pyi")
    except PackageNotFoundError:
        pytest.skip("tensorrt-stubs is not installed (pip install --no-deps tensorrt-stubs)")
    text = re.search(rf"^class {name}.*?(?=^class )", stub.read_text(), re.M | re.S)
    assert text, name  # not all of the file is Python
    (cls,) = ast.parse(text[0]).body
    assert isinstance(cls, ast.ClassDef)
    found: Signatures = {}
    for member in cls.body:
        if isinstance(member, ast.FunctionDef):
            arguments = [argument.arg for argument in member.args.args[1:]]
            found.setdefault(member.name, []).append(arguments)
        elif isinstance(member, ast.AnnAssign):
            found[ast.unparse(member.target)] = []
    return found


def members(cls: Any) -> Iterator[tuple[str, list[str] | None]]:
    """Public members that a double's class adds: arguments of methods, None for attributes."""
    for name, member in vars(cls).items():
        if inspect.isfunction(member) and not name.startswith("_"):
            yield name, list(inspect.signature(member).parameters)[1:]
        elif not name.startswith("_"):
            yield name, None


def check(cls: Any, signatures: Signatures) -> None:
    for name, arguments in members(cls):
        assert name in signatures, name
        assert arguments is None or arguments in signatures[name], name


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (double.ILogger, "ILogger"),
        (double.Runtime, "Runtime"),
        (double.ICudaEngine, "ICudaEngine"),
        (double.RtxCudaEngine, "ICudaEngine"),
        (double.IRuntimeConfig, "IRuntimeConfig"),
        (double.IExecutionContext, "IExecutionContext"),
    ],
)
def test_classes_are_as_in_tensorrt_rtx(cls: Any, name: str) -> None:
    check(cls, documented(real(name)))


@pytest.mark.parametrize(
    "cls", [double.ILogger, double.Runtime, double.ICudaEngine, double.IExecutionContext]
)
def test_classes_are_as_in_tensorrt_10(cls: Any) -> None:
    check(cls, stubbed(cls.__name__))


@pytest.mark.parametrize("enum", ENUMS)
def test_values_are_as_in_tensorrt_rtx(enum: Any) -> None:
    assert set(enum.__members__) <= set(real(enum.__name__).__members__)


def test_a_difference_is_seen() -> None:
    class IExecutionContext:
        def set_input_shape(self, tensor: str, shape: tuple[int, ...]) -> bool: ...

    for signatures in (documented(real("IExecutionContext")), stubbed("IExecutionContext")):
        with pytest.raises(AssertionError, match="set_input_shape"):
            check(IExecutionContext, signatures)
