"""What of a network INT8 can compute: its convolutions, and the tensors that they read."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtsdb.engine.contract import ANY, Port
from rtsdb.errors import MissingPackageError, UsageError

try:
    import onnx
    from onnx import helper, numpy_helper
except ImportError as error:
    raise MissingPackageError("onnx", extra="calibrate") from error

MIN_CHANNELS = 16
"""Convolutions with fewer channels going in or out stay in float: they read or write pictures,
noise maps or classes, where INT8 costs most and, with registers half empty, speeds up least."""

SKIPS = ("Add", "AveragePool", "Concat", "Resize")
"""Operators that may read the INT8 form of a tensor that a convolution reads, so that a chain of
layers stays in INT8. Not among them: what multiplies, such as gates, and what ends in a softmax."""


class Convolution(NamedTuple):
    """A node, the tensor of its weights, and its multiply-accumulates per number that it reads."""

    name: str
    weight: str
    macs: float


@dataclass(frozen=True)
class Activation:
    """A tensor that convolutions can read in INT8. skips: names of other nodes that can, too."""

    tensor: str
    convolutions: tuple[Convolution, ...]
    skips: tuple[str, ...]


def load_graph(path: Path) -> onnx.ModelProto:
    """An ONNX file with its weights; raises UsageError for a file that is none."""
    try:
        return onnx.load(path)
    except Exception as error:  # protobuf's, onnx's and the system's errors have no other in common
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"{path}: not an ONNX file, or not all of one ({reason})") from error


def ports(model: onnx.ModelProto) -> dict[str, Port]:
    """Inputs and outputs of a graph by name."""
    weights = {tensor.name for tensor in model.graph.initializer}
    found = {}
    for info in (*model.graph.input, *model.graph.output):
        if info.name not in weights:
            tensor = info.type.tensor_type
            kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
            sizes = (d.dim_value if d.HasField("dim_value") else ANY for d in tensor.shape.dim)
            found[info.name] = Port("float32" if kind == "float" else kind, tuple(sizes))
    return found


def find_activations(model: onnx.ModelProto) -> list[Activation]:
    """Every tensor that convolutions of enough channels read, in the order of the graph.

    But for what Concat gives: OpenVINO moves its rounding to what is joined, and others read that.
    """
    weights = _constants(model)
    joined = {n.output[0] for n in model.graph.node if n.op_type == "Concat"}
    convolutions: dict[str, list[Convolution]] = defaultdict(list)
    skips: dict[str, list[str]] = defaultdict(list)
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[1] in weights:
            tensor, name = node.input[:2]
            out, inputs, *kernel = weights[name].shape
            groups = _attribute(node, "group", 1)
            if min(out, inputs * groups) >= MIN_CHANNELS and tensor not in joined:
                positions = math.prod(kernel) / math.prod(_attribute(node, "strides", [1]))
                convolutions[tensor].append(Convolution(node.name, name, out / groups * positions))
        elif node.op_type in SKIPS:
            for tensor in set(node.input):
                skips[tensor].append(node.name)
    return [
        Activation(tensor, tuple(readers), tuple(skips[tensor]))
        for tensor, readers in convolutions.items()
    ]


def convolution_weights(
    model: onnx.ModelProto, activations: Sequence[Activation]
) -> dict[str, NDArray[np.float32]]:
    """Weights [out, in, height, width] of the convolutions that read `activations`, by name."""
    values = _constants(model)
    names = [conv.weight for activation in activations for conv in activation.convolutions]
    return {name: values[name].astype(np.float32) for name in names}


def few_channels(model: onnx.ModelProto, activations: Sequence[Activation]) -> list[str]:
    """Names of the convolutions not in `activations`: of few channels, or of what was joined."""
    found = {conv.name for activation in activations for conv in activation.convolutions}
    return [n.name for n in model.graph.node if n.op_type == "Conv" and n.name not in found]


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    found = (attribute for attribute in node.attribute if attribute.name == name)
    return next((helper.get_attribute_value(attribute) for attribute in found), default)


def _constants(model: onnx.ModelProto) -> Mapping[str, NDArray[np.generic]]:
    """Values of initializers and constants, also behind a cast or another name."""
    values = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            values[node.output[0]] = node.attribute[0].t
        elif node.op_type in ("Cast", "Identity") and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
    return {name: numpy_helper.to_array(tensor) for name, tensor in values.items()}
