"""The shipped INT8 networks: engines give what their Q/DQ says, which is nearly the float one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from rtsdb.bench.frames import draw_frames  # noqa: E402
from rtsdb.engine import load_engine  # noqa: E402
from rtsdb.errors import UsageError  # noqa: E402
from rtsdb.metrics import psnr  # noqa: E402
from rtsdb.models.metadata import read_metadata  # noqa: E402
from rtsdb.onnx_file import digest, graph_in  # noqa: E402
from rtsdb.quantization.layers import load_graph  # noqa: E402
from rtsdb.quantization.session import Session  # noqa: E402
from rtsdb.weights import FOLDER  # noqa: E402

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@pytest.fixture(scope="module")
def frame() -> NDArray[np.uint8]:
    """A street, for which the ranges were found, with noise of sigma 25."""
    return draw_frames(256, 192, 1)[0]


def as_written(precision: str, stages: int, frame: NDArray[np.uint8]) -> Pair:
    """What a shipped graph gives for sigma 25 where nothing in it is fused."""
    graph = load_graph(graph_in(FOLDER / f"rt-k{stages}.onnx", precision))
    denoised, labels = Session(graph).run(frame[None], np.array([[0, 625]], np.float32))
    return denoised[0], labels[0]


def assert_near(one: Pair, other: Pair) -> None:
    """Within what rounding differently at the edges of INT8 levels makes."""
    assert psnr(one[0], other[0]) > 45
    assert np.mean(np.abs(one[0].astype(int) - other[0]) <= 2) > 0.95
    assert np.mean(one[1] == other[1]) > 0.98


@pytest.mark.parametrize("stages", [1, 2, 3])
@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_engines_compute_the_int8_network(frame: NDArray[np.uint8], name: str, stages: int) -> None:
    with load_engine("rt", stages=stages, engine=name, precision="int8") as engine:
        assert engine.info.precision == "int8"
        result = engine(frame, sigma=25)
    assert_near((result.denoised, result.labels), as_written("int8-fp32", stages, frame))


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_the_forms_of_the_int8_network_agree(frame: NDArray[np.uint8], stages: int) -> None:
    assert_near(as_written("int8", stages, frame), as_written("int8-fp32", stages, frame))


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_int8_is_near_float_and_not_the_same(frame: NDArray[np.uint8], stages: int) -> None:
    int8, floating = (as_written(precision, stages, frame) for precision in ("int8-fp32", "fp32"))
    assert psnr(int8[0], floating[0]) > 43
    assert np.mean(int8[1] == floating[1]) > 0.98
    assert not np.array_equal(int8[0], floating[0])


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_the_manifest_is_of_the_shipped_files_and_keeps_to_the_bars(stages: int) -> None:
    manifest = json.loads((FOLDER / f"rt-k{stages}.int8.json").read_text())
    assert manifest["bars"] == {"psnr": 0.15, "miou": 1.0}
    for precision, graph in manifest["graphs"].items():
        assert digest(graph_in(FOLDER / f"rt-k{stages}.onnx", precision)) == graph["sha256"]
    accuracy = manifest["accuracy"]
    for form, own in (("int8-fp32", "fp32"), ("int8", "fp16")):
        for noise, before in accuracy[own].items():
            assert before["psnr"] - accuracy[form][noise]["psnr"] <= 0.15
            assert before["miou"] - accuracy[form][noise]["miou"] <= 1.0


@pytest.mark.parametrize("precision", ["int8", "int8-fp32"])
@pytest.mark.parametrize("stages", [1, 2, 3])
def test_int8_graphs_say_what_they_are_and_hold_no_weights(stages: int, precision: str) -> None:
    path = graph_in(FOLDER / f"rt-k{stages}.onnx", precision)
    assert path.stat().st_size < 0.2 * (FOLDER / "rt.safetensors").stat().st_size
    assert read_metadata(path).stages == stages
    graph = onnx.load(path, load_external_data=False).graph
    outside = [t for t in graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    assert {e.value for t in outside for e in t.external_data if e.key == "location"} == {
        "rt.safetensors"
    }


def test_a_model_without_an_int8_form_is_named_with_the_way_to_make_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    path.touch()
    for engine in ("openvino", "onnxruntime"):
        with pytest.raises(UsageError, match=r"mine\.int8-fp32\.onnx: .*rtsdb calibrate"):
            load_engine(str(path), engine=engine, precision="int8")
