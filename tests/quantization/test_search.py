"""The search on a network of which one layer does not bear INT8."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rtsdb.classes import CAMVID
from rtsdb.data.scenes import Scene
from rtsdb.errors import RtsdbError
from rtsdb.quantization.accuracy import Bars, lost
from rtsdb.quantization.frames import make_samples
from rtsdb.quantization.layers import convolution_weights, find_activations
from rtsdb.quantization.plan import Plan, Reach, full_plan
from rtsdb.quantization.progress import Progress
from rtsdb.quantization.search import Found, Search

CHANNELS = 16


def network(kind: type[np.floating]) -> onnx.ModelProto:
    """Gives the frame back through 1x1 convolutions 'first', 'second' and 'third' of 16 channels.

    It is 4 levels too light, so that the PSNR of clean frames is finite, and labels are 0 in the
    dark and 1 in the light.
    """
    code = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    spread = np.zeros((CHANNELS, 3, 1, 1), kind)
    spread[:3, :, 0, 0] = np.eye(3)
    same = np.eye(CHANNELS, dtype=kind)[:, :, None, None]
    weights = {
        "enter": spread,
        **dict.fromkeys(("first", "second", "third"), same),
        "leave": np.ascontiguousarray(spread.transpose(1, 0, 2, 3)),
    }
    chain = ["t0", "t1", "t2", "t3", "t4", "picture"]
    convolutions = [
        helper.make_node("Conv", [chain[i], f"{name}.w"], [chain[i + 1]], name)
        for i, name in enumerate(weights)
    ]
    nodes = [
        helper.make_node("Cast", ["frame"], ["cast"], to=code),
        helper.make_node("Transpose", ["cast"], ["t0"], perm=[0, 3, 1, 2]),
        *convolutions,
        helper.make_node("Add", ["picture", "offset"], ["lighter"]),
        helper.make_node("Round", ["lighter"], ["rounded"]),
        helper.make_node("Clip", ["rounded", "black", "white"], ["clipped"]),
        helper.make_node("Transpose", ["clipped"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Cast", ["last"], ["denoised"], to=TensorProto.UINT8),
        helper.make_node("ReduceMax", ["picture"], ["light"], axes=[1], keepdims=0),
        helper.make_node("Greater", ["light", "grey"], ["class"]),
        helper.make_node("Cast", ["class"], ["labels"], to=TensorProto.UINT8),
    ]
    byte, dims = TensorProto.UINT8, ["n", "h", "w"]
    graph = helper.make_graph(
        nodes,
        "chain",
        [
            helper.make_tensor_value_info("frame", byte, [*dims, 3]),
            helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["n", 2]),
        ],
        [
            helper.make_tensor_value_info("denoised", byte, [*dims, 3]),
            helper.make_tensor_value_info("labels", byte, dims),
        ],
        [
            *(numpy_helper.from_array(w, f"{name}.w") for name, w in weights.items()),
            *(
                numpy_helper.from_array(np.array(value, kind), name)
                for name, value in (("offset", 4), ("black", 0), ("white", 255), ("grey", 128))
            ),
        ],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


GRAPHS = {"fp32": network(np.float32)}
ACTIVATIONS = find_activations(GRAPHS["fp32"])
WEIGHTS = convolution_weights(GRAPHS["fp32"], ACTIVATIONS)


def plan(**ranges: float) -> Plan:
    """All in INT8, with ranges that fit but for those given."""
    fitting = {activation.tensor: 255.0 for activation in ACTIVATIONS}
    return full_plan(ACTIVATIONS, WEIGHTS, fitting | ranges)


def search(
    monkeypatch: pytest.MonkeyPatch, bars: Bars, sizes: dict[str, int] | None = None, **plans: Plan
) -> tuple[Found, list[tuple[str, int, int]]]:
    monkeypatch.setattr("rtsdb.quantization.search.INT8_FORMS", {"fp32": "int8-fp32"})
    rng = np.random.default_rng(0)
    pictures = [np.repeat(rng.integers(0, 256, (64, 64, 1), np.uint8), 3, 2) for _ in range(5)]
    scenes = [
        Scene(str(i), image, (image.max(axis=2) > 128).astype(np.uint8))
        for i, image in enumerate(pictures)
    ]
    told: list[tuple[str, int, int]] = []
    found = Search(
        GRAPHS,
        ACTIVATIONS,
        make_samples(scenes, CAMVID, labelled=True).check,
        sizes={activation.tensor: 1000 for activation in ACTIVATIONS} | (sizes or {}),
        classes=len(CAMVID),
        bars=bars,
        progress=Progress(lambda *step: told.append(step)),
    ).find(plans)
    return found, told


def test_the_chain_has_three_layers_for_int8() -> None:
    assert [(a.tensor, a.convolutions[0].name) for a in ACTIVATIONS] == [
        ("t1", "first"),
        ("t2", "second"),
        ("t3", "third"),
    ]


def test_all_is_int8_where_that_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    found, told = search(monkeypatch, Bars(9.0, 9.0), fitting=plan())
    assert set(found.plan.reach.values()) == {Reach.CONVOLUTIONS}
    assert found.sensitive() == found.float_skips() == []
    assert found.few_channels == ["enter", "leave"]
    assert found.costs == {}
    assert set(found.accuracy) == {"fp32", "int8-fp32"}
    assert told[-1][1] == told[-1][2]


def test_the_better_ranges_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = search(monkeypatch, Bars(9.0, 9.0), narrow=plan(t2=60.0), fitting=plan())
    assert found.method == "fitting"
    assert set(found.methods) == {"narrow", "fitting"}
    # By what is lost, as it is handed out: labels that change may be no worse.
    assert found.methods["fitting"] == lost(found.accuracy["fp32"], found.accuracy["int8-fp32"])


def test_only_the_layer_that_costs_too_much_stays_in_float(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, _ = search(monkeypatch, Bars(9.0, 40.0), only=plan(t2=60.0))
    assert found.sensitive() == ["second"]
    cost = found.costs["t2", Reach.CONVOLUTIONS].psnr["awgn:25"]
    assert cost > max(found.costs[t, Reach.CONVOLUTIONS].psnr["awgn:25"] for t in ("t1", "t3"))


def test_what_was_given_up_and_proves_needless_is_int8_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clipped = plan(t1=220.0, t2=60.0)
    found, _ = search(monkeypatch, Bars(9.0, 40.0), {"t1": 1}, only=clipped)
    first, second = (found.costs[t, Reach.CONVOLUTIONS].psnr["clean"] for t in ("t1", "t2"))
    assert 1000 * first > second  # so 'first', which saves next to nothing, was given up first
    assert found.sensitive() == ["second"]


def test_a_network_that_does_not_bear_it_is_refused_with_the_costliest_layers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(RtsdbError, match=r"INT8 loses .* nothing written\. .*costliest are") as e:
        search(monkeypatch, Bars(0.001, 0.001), only=plan(t1=40.0, t2=20.0, t3=40.0))
    assert e.value.exit_code == 1
    assert "second" in str(e.value)
    assert "\n" not in str(e.value)
