"""From a request to three files, or none."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from rtsdb.engine import load_engine
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.onnx_file import graph_in
from rtsdb.quantization import command, openvino_check, search
from rtsdb.quantization.accuracy import Accuracy, Bars, Excess
from rtsdb.quantization.command import CalibrateRequest, run_calibration

WRITTEN = {"q.int8.onnx", "q.int8-fp32.onnx", "q.int8.json"}
WIDE = Bars(psnr=50.0, miou=100.0)


@pytest.fixture
def wanted(graph: Path, root: Path, tmp_path: Path) -> CalibrateRequest:
    return CalibrateRequest(
        model=str(graph),
        stages=1,
        source=None,
        dataset="camvid",
        root=root,
        output=tmp_path / "out" / "q",
        bars=WIDE,
        command="rtsdb calibrate --some options",
    )


def run(request: CalibrateRequest) -> list[tuple[str, int, int]]:
    """Calibrate; what was reported."""
    told: list[tuple[str, int, int]] = []
    run_calibration(request, lambda *step: told.append(step))
    return told


def written(request: CalibrateRequest) -> set[str]:
    folder = request.output.parent
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_both_forms_and_their_manifest_are_written(wanted: CalibrateRequest) -> None:
    told = run(wanted)
    assert written(wanted) == WRITTEN
    assert told[-1][1] == told[-1][2]
    assert [step[1] for step in told] == sorted(step[1] for step in told)
    folder = wanted.output.parent
    manifest = json.loads((folder / "q.int8.json").read_text())
    assert manifest["command"] == wanted.command
    assert manifest["method"] in manifest["methods"]
    assert set(manifest["accuracy"]) == {"fp32", "fp16", "int8-fp32", "int8"}
    assert set(manifest["accuracy in OpenVINO"]) == {"fp32", "int8-fp32"}
    for name, sha256 in manifest["made"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
    frames = manifest["frames"]
    ranges, check = ({f["sha256"] for f in frames[part]} for part in ("ranges", "check"))
    assert ranges
    assert check
    assert not ranges & check
    for tensor in manifest["tensors"].values():
        assert tensor["range"] > 0
        assert tensor["convolutions"]
    frame = np.full((64, 96, 3), 90, np.uint8)
    for name in ("openvino", "onnxruntime"):
        path = folder / "q.int8-fp32.onnx"
        with load_engine(str(path), engine=name, precision="int8") as engine:
            assert engine(frame).labels.shape == (64, 96)


def test_an_int8_network_is_not_run_beside_another_float_one(
    wanted: CalibrateRequest, graph: Path
) -> None:
    run(wanted)
    int8 = wanted.output.with_name("q.int8-fp32.onnx")
    assert graph_in(int8, "int8-fp32") == int8
    for name, weights in (("q.onnx", graph), ("q.fp16.onnx", graph.with_name("tiny.fp16.onnx"))):
        onnx.save(onnx.load(weights), int8.with_name(name))
    for engine in ("auto", "openvino", "onnxruntime"):
        with pytest.raises(UsageError, match=r"q\.int8-fp32\.onnx: was not made from q\.onnx"):
            load_engine(str(int8), engine=engine, precision="int8")


def test_a_network_of_another_contract_is_refused(
    wanted: CalibrateRequest, graph: Path, tmp_path: Path
) -> None:
    for name in ("tiny.onnx", "tiny.fp16.onnx"):
        network = onnx.load(graph.with_name(name))
        network.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 64
        onnx.save(network, tmp_path / name)
    with pytest.raises(UsageError, match=r"tiny.*onnx: inputs .*\[\?, 64, \?, 3\].*frame contract"):
        run(replace(wanted, model=str(tmp_path / "tiny.onnx")))


def test_two_runs_write_the_same_graphs(wanted: CalibrateRequest) -> None:
    made = []
    for _ in range(2):
        run(wanted)
        made.append([p.read_bytes() for p in sorted(wanted.output.parent.glob("*.onnx"))])
    assert len(made[0]) == 2
    assert made[0] == made[1]


def test_a_source_without_labels_does(wanted: CalibrateRequest, root: Path) -> None:
    run(replace(wanted, source=str(root / "train"), root=None))
    manifest = json.loads((wanted.output.parent / "q.int8.json").read_text())
    assert manifest["accuracy"]["fp32"]["clean"]["miou"] is None
    assert manifest["accuracy"]["fp32"]["awgn:25"]["miou"] is not None


def test_a_network_that_loses_too_much_is_not_handed_out(
    wanted: CalibrateRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_decibel(before: Mapping[str, Accuracy], _: object) -> dict[str, dict[str, float]]:
        return {noise: {"psnr": 1.0} for noise in before}

    monkeypatch.setattr(search, "lost", one_decibel)  # this network may gain by chance
    monkeypatch.setattr(search, "LEAST", 1.1)  # whatever is given up is too much
    with pytest.raises(RtsdbError, match=r"INT8 loses .*nothing written.*/Conv") as caught:
        run(replace(wanted, bars=Bars(psnr=0.0, miou=0.0)))
    assert caught.value.exit_code == 1
    assert written(wanted) == set()


def test_a_loss_in_openvino_alone_names_the_costliest_convolutions(
    wanted: CalibrateRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_check, "worst", lambda *_: Excess("awgn:25", "psnr", 1.0, 0.1))
    with pytest.raises(RtsdbError, match=r"in OpenVINO, .*nothing written\. .*/Conv"):
        run(wanted)
    assert written(wanted) == set()


@pytest.mark.parametrize("stop", ["observe", "check_in_openvino", "emit", "write_together"])
def test_ctrl_c_leaves_nothing_and_keeps_what_was_there(
    wanted: CalibrateRequest, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    wanted.output.parent.mkdir()
    before = wanted.output.with_name("q.int8.onnx")
    before.write_bytes(b"old")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, stop, interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(wanted)
    assert written(wanted) == {"q.int8.onnx"}
    assert before.read_bytes() == b"old"


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_one_line(wanted: CalibrateRequest) -> None:
    with pytest.raises(RtsdbError, match=r"q\..*cannot be written: No space left on device"):
        run(wanted)
    assert written(wanted) == set()


def test_a_folder_that_cannot_be_written_is_named_first(
    wanted: CalibrateRequest, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--output"):
        run(replace(wanted, output=tmp_path / "file" / "q"))


def test_a_model_without_its_float16_form_is_refused_with_the_way_to_make_it(
    wanted: CalibrateRequest, graph: Path, tmp_path: Path
) -> None:
    for name in (graph.name, "tiny.safetensors"):
        shutil.copy(graph.with_name(name), tmp_path)
    with pytest.raises(UsageError, match=r"tiny\.fp16\.onnx.*export --precision fp16"):
        run(replace(wanted, model=str(tmp_path / graph.name)))


def test_a_float16_form_of_another_network_is_refused(
    wanted: CalibrateRequest, graph: Path, tmp_path: Path
) -> None:
    from rtsdb.weights import FOLDER

    for name in (graph.name, "tiny.safetensors"):
        shutil.copy(graph.with_name(name), tmp_path)
    shutil.copy(FOLDER / "rt.safetensors", tmp_path)
    shutil.copy(FOLDER / "rt-k1.fp16.onnx", tmp_path / "tiny.fp16.onnx")
    with pytest.raises(UsageError, match=r"is not the network of tiny\.onnx"):
        run(replace(wanted, model=str(tmp_path / graph.name)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "huge"}, "--model huge"),
        ({"model": "missing.onnx"}, "missing.onnx: no such file"),
        ({"dataset": "cityscapes"}, "11 classes of camvid .* cityscapes has 19"),
        ({"dataset": "pets"}, "--dataset pets"),
        ({"root": Path("/nowhere")}, "/nowhere: no train"),
        ({"root": None, "source": "/nowhere.mp4"}, "nowhere.mp4: no such file"),
        ({"root": None, "source": __file__}, "test_command.py"),
    ],
)
def test_bad_requests_are_one_line_and_write_nothing(
    wanted: CalibrateRequest, change: dict[str, object], message: str
) -> None:
    with pytest.raises(RtsdbError, match=message) as caught:
        run(replace(wanted, **change))
    assert "\n" not in str(caught.value)
    assert written(wanted) == set()


def test_weights_are_no_graph(wanted: CalibrateRequest, graph: Path) -> None:
    weights = graph.with_name("tiny.safetensors")
    with pytest.raises(UsageError, match=r"holds weights; .*rtsdb export"):
        run(replace(wanted, model=str(weights)))
