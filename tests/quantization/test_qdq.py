"""What Q/DQ computes, in both forms, and that engines read them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from rtsdb.engine.openvino import shared_core
from rtsdb.quantization.layers import convolution_weights, find_activations, load_graph
from rtsdb.quantization.plan import Plan, Reach, full_plan
from rtsdb.quantization.qdq import emit, with_qdq
from rtsdb.quantization.session import Session

FORMS = {"tiny.onnx": 17, "tiny.fp16.onnx": 19}
"""Float graphs, and the opset of their INT8 forms."""


@pytest.fixture(scope="module")
def plan(graph: Path) -> Plan:
    """All in INT8, with ranges that fit a network of random weights."""
    model = load_graph(graph)
    found = find_activations(model)
    ranges = dict.fromkeys((activation.tensor for activation in found), 4.0)
    return full_plan(found, convolution_weights(model, found), ranges)


def run(model: onnx.ModelProto) -> tuple[np.ndarray, np.ndarray]:
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), np.uint8)
    return Session(model).run(frames, np.array([[0, 625], [1, 100]], np.float32))


def pairs(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    """What gives each tensor."""
    return {name: node for node in model.graph.node for name in node.output}


@pytest.mark.parametrize("name", FORMS)
def test_convolutions_read_bytes_and_biases_stay_as_they_are(
    graph: Path, plan: Plan, name: str
) -> None:
    model = load_graph(graph.with_name(name))
    made = with_qdq(model, plan)
    onnx.checker.check_model(made, full_check=True)
    assert made.opset_import[0].version == FORMS[name]
    givers = pairs(made)
    tensors = {tensor.name: tensor for tensor in made.graph.initializer}
    before = {node.name: node for node in model.graph.node}
    for node in made.graph.node:
        if node.op_type != "Conv":
            continue
        was = before[node.name]
        int8 = was.input[1] in plan.weights
        for place, tensor in enumerate(was.input[:2]):
            if not int8:
                assert node.input[place] == tensor
                continue
            dequantise = givers[node.input[place]]
            quantise = givers[dequantise.input[0]]
            assert (quantise.op_type, dequantise.op_type) == ("QuantizeLinear", "DequantizeLinear")
            assert quantise.input[0] == tensor
            assert quantise.input[1:] == dequantise.input[1:]
            scale, zero = (numpy_helper.to_array(tensors[n]) for n in quantise.input[1:])
            assert scale.dtype == (np.float16 if name == "tiny.fp16.onnx" else np.float32)
            assert zero.dtype == np.int8
            assert not zero.any()
            assert scale.shape == (() if place == 0 else plan.weights[tensor].shape)
        assert node.input[2:] == was.input[2:]


def test_one_pair_serves_all_who_read_a_tensor(graph: Path, plan: Plan) -> None:
    made = with_qdq(load_graph(graph), plan)
    quantised = Counter(n.input[0] for n in made.graph.node if n.op_type == "QuantizeLinear")
    assert set(quantised.values()) == {1}
    assert set(quantised) == {*plan.activations, *plan.weights}


@pytest.mark.parametrize("name", FORMS)
def test_without_reach_nothing_changes(graph: Path, plan: Plan, name: str) -> None:
    model = load_graph(graph.with_name(name))
    made = with_qdq(model, plan.relaxed(dict.fromkeys(plan.reach, Reach.FLOAT)))
    assert made.graph == model.graph
    (ours, our_labels), (theirs, their_labels) = run(made), run(model)
    # The opset differs, by which ONNX Runtime rounds a few float16 values another way.
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    assert np.array_equal(our_labels, their_labels)


def test_skips_read_the_float_tensor_unless_reached(graph: Path, plan: Plan) -> None:
    model = load_graph(graph)
    activation = next(a for a in find_activations(model) if a.skips)
    for reach, name in (
        (Reach.CONVOLUTIONS, activation.tensor),
        (Reach.ALL, f"{activation.tensor}/dequantised"),
    ):
        made = with_qdq(model, plan.relaxed({activation.tensor: reach}))
        nodes = {node.name: node for node in made.graph.node}
        assert all(name in nodes[skip].input for skip in activation.skips)
        assert nodes[activation.convolutions[0].name].input[0].endswith("/dequantised")


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 8))
def test_a_convolution_computes_what_its_steps_say(seed: int, largest: float) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((16, 16, 1, 1)).astype(np.float32)
    x = (4 * rng.standard_normal((1, 16, 2, 3))).astype(np.float32)
    shape = [1, 16, 2, 3]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv")],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(weight, "w")],
    )
    opset = [helper.make_opsetid("", 19)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    found = find_activations(model)
    plan = full_plan(found, convolution_weights(model, found), {"x": largest})
    made = ReferenceEvaluator(with_qdq(model, plan)).run(None, {"x": x})[0]
    step, steps = plan.activations["x"], plan.weights["w"][:, None, None, None]
    bytes_x = np.clip(np.rint(x / np.float32(step)), -128, 127)
    bytes_w = np.rint(weight / steps)
    wanted = (
        np.einsum("oi,nihw->nohw", bytes_w[..., 0, 0], bytes_x) * step * steps.reshape(1, -1, 1, 1)
    )
    assert np.allclose(made, wanted, atol=1e-4)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_beside_its_graph_shares_the_weights_and_any_other_holds_them(
    graph: Path, plan: Plan, tmp_path: Path, name: str
) -> None:
    path = graph.with_name(name)
    beside = path.with_name("tiny.int8.onnx")
    others = [path.with_name("another.int8.onnx"), tmp_path / "tiny.int8.onnx"]
    for target in (beside, *others):
        target.write_bytes(emit(path, plan, target))
    assert weights_outside(beside) == weights_outside(path) != []
    for other in others:
        assert not weights_outside(other)
        for ours, theirs in zip(run(onnx.load(beside)), run(onnx.load(other)), strict=True):
            assert np.array_equal(ours, theirs)


def weights_outside(path: Path) -> list[str]:
    tensors = onnx.load(path, load_external_data=False).graph.initializer
    return [tensor.name for tensor in tensors if tensor.data_location == TensorProto.EXTERNAL]


def test_openvino_runs_the_convolutions_in_int8(graph: Path, plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(emit(graph, plan, path))
    model = shared_core().read_model(path)
    model.reshape({"frame": [1, 64, 96, 3], "noise": [1, 2]})
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    executed = shared_core().compile_model(model, "CPU", hint).get_runtime_model()
    kernels = [
        operation.rt_info["primitiveType"].astype(str)
        for operation in executed.get_ops()
        if operation.rt_info["layerType"].astype(str) in ("Convolution", "GroupConvolution")
    ]
    int8 = [kernel for kernel in kernels if kernel.endswith("I8")]
    convolutions = [node for node in onnx.load(graph).graph.node if node.op_type == "Conv"]
    assert len(int8) == sum(node.input[1] in plan.weights for node in convolutions)
