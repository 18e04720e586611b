"""A plan as QuantizeLinear and DequantizeLinear nodes in a graph, in two forms of ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtsdb.errors import MissingPackageError
from rtsdb.onnx_file import MADE_FROM, base_name, digest
from rtsdb.quantization.layers import SKIPS
from rtsdb.quantization.plan import Plan, Reach

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    raise MissingPackageError("onnx", extra="calibrate") from error

HALF_OPSET, HALF_IR = 19, 9
"""The first opset in which scales may be float16, and the file version that goes with it."""


def emit(graph: Path, plan: Plan, target: Path) -> bytes:
    """The file `graph` with Q/DQ, as the content of the file `target`.

    Weights stay float, each followed by its Q/DQ, which engines compute once, when they load the
    file. So a form of the same base name beside the graph refers to the file in which its weights
    are. The content tells which graph it was made from, for `rtsdb.onnx_file.graph_in` to check.
    """
    beside = graph.parent.resolve() == target.parent.resolve()
    shares = beside and base_name(graph) == base_name(target)
    model = with_qdq(onnx.load(graph, load_external_data=not shares), plan)
    model.metadata_props.add(key=MADE_FROM, value=digest(graph))
    return bytes(model.SerializeToString())


def with_qdq(model: onnx.ModelProto, plan: Plan) -> onnx.ModelProto:
    """A copy of a float32 or float16 graph with Q/DQ nodes; scales are of its type.

    Scales may be float16 from opset 19 on, to which such a graph is raised.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    half = _is_half(made)
    pairs = _Pairs(made.graph, np.dtype(np.float16 if half else np.float32))
    del made.graph.node[:]
    for original in model.graph.node:
        node = onnx.NodeProto()
        node.CopyFrom(original)
        if node.op_type == "Conv" and node.input[1] in plan.weights:
            tensor, weight = node.input[:2]
            if plan.reach[tensor] != Reach.FLOAT:
                node.input[0] = pairs.add(tensor, plan.activations[tensor])
                node.input[1] = pairs.add(weight, plan.weights[weight])
        elif node.op_type in SKIPS:
            for place, tensor in enumerate(node.input):
                if plan.reach.get(tensor) == Reach.ALL:
                    node.input[place] = pairs.add(tensor, plan.activations[tensor])
        made.graph.node.append(node)
    if half:
        made.opset_import[0].version = max(made.opset_import[0].version, HALF_OPSET)
        made.ir_version = max(made.ir_version, HALF_IR)
    return made


class _Pairs:
    """Adds Q/DQ pairs with scales of one type to a graph, one per tensor."""

    def __init__(self, graph: onnx.GraphProto, kind: np.dtype[np.floating]) -> None:
        self._graph, self._kind = graph, kind
        self._done: set[str] = set()

    def add(self, tensor: str, step: float | NDArray[np.float32]) -> str:
        """Append a pair to the graph unless it is there; the name of what it gives.

        step: one number, or one per index of the first axis.
        """
        quantised, result = f"{tensor}/quantised", f"{tensor}/dequantised"
        if tensor not in self._done:
            self._done.add(tensor)
            scale, zero = f"{tensor}/scale", f"{tensor}/zero"
            steps = np.asarray(step, self._kind)
            axis = [("axis", 0)] if steps.ndim else []
            zeros = np.zeros(steps.shape, np.int8)
            self._graph.initializer.append(numpy_helper.from_array(steps, scale))
            self._graph.initializer.append(numpy_helper.from_array(zeros, zero))
            for op, source, made in (
                ("QuantizeLinear", tensor, quantised),
                ("DequantizeLinear", quantised, result),
            ):
                node = helper.make_node(op, [source, scale, zero], [made], f"{tensor}/{op}")
                node.attribute.extend(helper.make_attribute(*pair) for pair in axis)
                self._graph.node.append(node)
        return result


def _is_half(model: onnx.ModelProto) -> bool:
    """Whether frames are cast to float16."""
    casts = (
        attribute.i
        for node in model.graph.node
        if node.op_type == "Cast" and node.input[0] == "frame"
        for attribute in node.attribute
    )
    return TensorProto.FLOAT16 in casts
