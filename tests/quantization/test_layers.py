from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rtsdb.errors import UsageError
from rtsdb.models.cost import kmacs_per_pixel
from rtsdb.models.sdb import SDBNet
from rtsdb.quantization import layers
from rtsdb.quantization.layers import (
    convolution_weights,
    few_channels,
    find_activations,
    load_graph,
)
from rtsdb.quantization.session import Session
from tests.tiny import TINY


def graph_of(*nodes: onnx.NodeProto, weights: dict[str, tuple[int, ...]]) -> onnx.ModelProto:
    """A graph of these nodes; weights, of zeros, by name."""
    graph = helper.make_graph(nodes, "layers", [], [])
    graph.initializer.extend(
        numpy_helper.from_array(np.zeros(shape, np.float16), name)
        for name, shape in weights.items()
    )
    return helper.make_model(graph)


def conv(name: str, tensor: str, weight: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node("Conv", [tensor, weight], [name], name, **attributes)


def test_convolutions_of_enough_channels_are_found_with_who_else_reads_their_input() -> None:
    model = graph_of(
        helper.make_node("Cast", ["w0"], ["w1"], to=TensorProto.FLOAT),
        helper.make_node("Identity", ["w1"], ["w2"]),
        conv("a", "x", "w2"),
        conv("depthwise", "a", "wd", group=32, strides=[2, 2]),
        conv("b", "a", "w0"),
        conv("picture", "a", "few"),
        conv("computed", "a", "b"),
        helper.make_node("Add", ["a", "b"], ["sum"], "sum"),
        helper.make_node("Mul", ["a", "b"], ["product"], "product"),
        weights={"w0": (16, 32, 3, 3), "wd": (32, 1, 5, 5), "few": (12, 32, 1, 1)},
    )
    found = find_activations(model)
    assert [(a.tensor, [c.name for c in a.convolutions], a.skips) for a in found] == [
        ("x", ["a"], ()),
        ("a", ["depthwise", "b"], ("sum",)),
    ]
    assert [c.macs for a in found for c in a.convolutions] == [16 * 9, 25 / 4, 16 * 9]
    assert few_channels(model, found) == ["picture", "computed"]
    weights = convolution_weights(model, found)
    assert {name: w.shape for name, w in weights.items()} == {
        "w2": (16, 32, 3, 3),
        "wd": (32, 1, 5, 5),
        "w0": (16, 32, 3, 3),
    }


def test_what_reads_joined_tensors_stays_in_float() -> None:
    model = graph_of(
        helper.make_node("Concat", ["x", "y"], ["both"], "concat", axis=1),
        conv("a", "both", "w"),
        conv("b", "x", "w"),
        weights={"w": (32, 32, 1, 1)},
    )
    (activation,) = find_activations(model)
    assert (activation.tensor, activation.skips) == ("x", ("concat",))
    assert [one.name for one in activation.convolutions] == ["b"]
    assert few_channels(model, [activation]) == ["a"]


def test_both_precisions_of_a_network_have_the_same_activations(graph: Path) -> None:
    found = find_activations(load_graph(graph))
    assert find_activations(load_graph(graph.with_name("tiny.fp16.onnx"))) == found
    tensors = [activation.tensor for activation in found]
    assert len(tensors) == len(set(tensors)) > 1
    assert any(len(activation.convolutions) > 1 for activation in found)


def test_multiply_accumulates_are_those_that_torch_counts(
    graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MIN_CHANNELS", 0)
    model = load_graph(graph)
    found = find_activations(model)
    session = Session(model, [activation.tensor for activation in found])
    frame, noise = np.zeros((1, 128, 128, 3), np.uint8), np.zeros((1, 2), np.float32)
    values = session.observe(frame, noise)
    counted = sum(values[a.tensor].size * c.macs for a in found for c in a.convolutions)
    net = SDBNet(TINY, classes=11, stages=2)
    # What reads joined tensors is left out: both frames into D(2), noise maps into both denoisers.
    joined = (24 + 2 * 2) * TINY.denoiser_fine * 64 * 64
    assert counted + joined == pytest.approx(kmacs_per_pixel(net) * 1000 * 128 * 128, rel=1e-9)


def test_a_file_that_is_no_graph_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"no model\n" * 9)
    with pytest.raises(UsageError, match=r"a.onnx"):
        load_graph(path)
