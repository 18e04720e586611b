from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtsdb.bench.cost import Cost, frame_cost
from rtsdb.tiling import plan_tiles
from rtsdb.weights import find_model

WHOLE = plan_tiles(64, 96)
PIXELS = 64 * 96
FRAME_BYTES = 7 * PIXELS


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A 3x3 convolution 3 -> 8 at half size, a depthwise one behind Q/DQ, a 1x1 one 8 -> 4."""
    onnx = pytest.importorskip("onnx")
    helper, tensors = onnx.helper, onnx.numpy_helper
    weights = {
        "first": np.ones((8, 3, 3, 3), np.float32),
        "deep": np.ones((8, 1, 5, 5), np.int8),
        "last": np.ones((4, 8, 1, 1), np.float32),
        "step": np.array(0.1, np.float32),
        "zero": np.array(0, np.int8),
    }
    half = {"strides": [2, 2], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Cast", ["frame"], ["float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["image"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["image", "first"], ["a"], **half),
        helper.make_node("QuantizeLinear", ["a", "step", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "step", "zero"], ["b"]),
        helper.make_node("DequantizeLinear", ["deep", "step", "zero"], ["w"]),
        helper.make_node("Conv", ["b", "w"], ["c"], group=8, pads=[2, 2, 2, 2]),
        helper.make_node("Conv", ["c", "last"], ["denoised"]),
    ]
    frame = helper.make_tensor_value_info("frame", onnx.TensorProto.UINT8, [1, "h", "w", 3])
    noise = helper.make_tensor_value_info("noise", onnx.TensorProto.FLOAT, [1, 2])
    output = helper.make_tensor_value_info("denoised", onnx.TensorProto.FLOAT, None)
    stored = [tensors.from_array(value, name) for name, value in weights.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "small", [frame, noise], [output], stored),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    path = tmp_path / "small.onnx"
    onnx.save(model, path)
    return path


def test_every_convolution_counts_as_it_is(graph: Path) -> None:
    quarter = PIXELS // 4
    int8_macs = 8 * 25 * quarter
    assert frame_cost(graph, "fp32", WHOLE) == Cost(
        macs=8 * 27 * quarter + int8_macs + 4 * 8 * quarter,
        int8_macs=int8_macs,
        numbers=(3 * PIXELS + 8 * 27 + 8 * quarter) + (8 * quarter + 4 * 8 + 4 * quarter),
        int8_numbers=8 * quarter + 8 * 25 + 8 * quarter,
        frame_bytes=FRAME_BYTES,
    )


def test_tiles_cost_their_halo_too(graph: Path) -> None:
    plan = plan_tiles(256, 256, (128, 128), halo=32)
    tile = frame_cost(graph, "fp32", plan_tiles(plan.tile_height, plan.tile_width))
    whole = frame_cost(graph, "fp32", plan_tiles(256, 256))
    tiled = frame_cost(graph, "fp32", plan)
    assert plan.count == 4
    assert tiled.macs == 4 * tile.macs == whole.macs * (160 / 128) ** 2
    assert tiled.bytes_moved(4) == 4 * tile.bytes_moved(4)


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_the_shipped_networks_cost_what_torch_counts(stages: int) -> None:
    pytest.importorskip("torch").set_num_threads(1)
    from rtsdb.models.checkpoint import load_weights
    from rtsdb.models.cost import kmacs_per_pixel

    files = find_model("rt", stages)
    assert files.weights is not None
    assert files.onnx is not None
    net, _ = load_weights(files.weights, stages=stages)
    side = 4 * net.multiple  # at which torch counts
    counted = frame_cost(files.onnx, "fp32", plan_tiles(side, side)).macs
    expected = 1000 * kmacs_per_pixel(net) * side**2
    # The export computes once what two blocks have alike: layers that are as they were copied.
    assert 0.999 * expected < counted <= expected * (1 + 1e-9)
