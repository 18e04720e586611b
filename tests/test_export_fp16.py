"""Graphs in float16: the same network to within rounding, and nothing in them that is not."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import numpy as np  # noqa: E402

from rtsdb.errors import UsageError  # noqa: E402
from rtsdb.export import export_onnx  # noqa: E402
from rtsdb.models.checkpoint import load_weights, save_weights  # noqa: E402
from rtsdb.models.metadata import Metadata  # noqa: E402
from rtsdb.models.sdb import SDBNet  # noqa: E402
from rtsdb.weights import FOLDER  # noqa: E402
from tests.test_export import OPERATORS, assert_same, noise_of, noisy, ort_runner  # noqa: E402
from tests.tiny import TINY  # noqa: E402

METADATA = Metadata("tiny", 1, "camvid")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small net in float16: with its weights inside, and with those in a file beside it."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("fp16")
    torch.manual_seed(0)
    net = SDBNet(TINY, classes=11, stages=1).eval()
    save_weights(net, folder / "w.st", METADATA)
    export_onnx(net, folder / "own.fp16.onnx", METADATA, precision="fp16")
    export_onnx(net, folder / "thin.fp16.onnx", METADATA, precision="fp16", share=folder / "w.st")
    assert next(net.parameters()).dtype == torch.float32
    return folder


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_shipped_fp16_graphs_give_what_the_fp32_graphs_give(stages: int) -> None:
    frames, noise = noisy(1, 192, 256), noise_of(1)
    half, full = (ort_runner(FOLDER / f"rt-k{stages}{end}") for end in (".fp16.onnx", ".onnx"))
    assert_same(half(frames, noise), full(frames, noise))


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_shipped_fp16_graphs_are_made_from_the_shipped_weights(stages: int, tmp_path: Path) -> None:
    net, metadata = load_weights(FOLDER / "rt.safetensors", stages=stages)
    export_onnx(net, tmp_path / "new.onnx", metadata, precision="fp16")
    frames, noise = noisy(1, 64, 64), noise_of(1)
    new, shipped = (
        ort_runner(path) for path in (tmp_path / "new.onnx", FOLDER / f"rt-k{stages}.fp16.onnx")
    )
    for ours, theirs in zip(new(frames, noise), shipped(frames, noise), strict=True):
        assert np.array_equal(ours, theirs)


def test_shared_weights_give_the_same_as_a_copy_of_them(folder: Path) -> None:
    frames, noise = noisy(2, 64, 96), noise_of(2)
    thin, own = (ort_runner(folder / f"{name}.fp16.onnx") for name in ("thin", "own"))
    for ours, theirs in zip(thin(frames, noise), own(frames, noise), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["own", "thin"])
def test_only_the_noise_level_and_factors_of_size_are_float32(folder: Path, name: str) -> None:
    model = onnx.load(folder / f"{name}.fp16.onnx")
    onnx.checker.check_model(model, full_check=True)
    graph = onnx.shape_inference.infer_shapes(model).graph
    byte, full = onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.output)}
    assert types == {"frame": byte, "noise": full, "denoised": byte, "labels": byte}
    types |= {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    types |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    readers = {
        (node.op_type, place)
        for node in graph.node
        for place, name in enumerate(node.input)
        if types.get(name) == full
    }
    assert readers == {("Cast", 0), ("Resize", 2)}
    assert {node.op_type for node in graph.node} <= OPERATORS


def test_weights_in_another_file_are_used_without_a_cast(folder: Path) -> None:
    graphs = {
        name: onnx.load(folder / f"{name}.fp16.onnx", load_external_data=False).graph
        for name in ("own", "thin")
    }
    casts = {k: sum(n.op_type == "Cast" for n in g.node) for k, g in graphs.items()}
    assert casts["thin"] == casts["own"]
    outside = [t for t in graphs["thin"].initializer if t.external_data]
    assert len(outside) > 50


def test_other_precisions_are_refused(tmp_path: Path) -> None:
    net = SDBNet(TINY, classes=11, stages=1).eval()
    with pytest.raises(UsageError, match="--precision int8: a graph is fp32 or fp16"):
        export_onnx(net, tmp_path / "a.onnx", METADATA, precision="int8")
    assert not list(tmp_path.iterdir())
