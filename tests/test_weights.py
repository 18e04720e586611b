from __future__ import annotations

from pathlib import Path

import pytest

from rtsdb.classes import CAMVID, CLASS_SETS
from rtsdb.errors import UsageError
from rtsdb.models.metadata import Metadata
from rtsdb.weights import FOLDER, SHIPPED, find_model


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_shipped_models_are_there(stages: int) -> None:
    files = find_model("rt", stages)
    assert files.label == f"rt K={stages}"
    assert files.classes is CAMVID
    assert files.weights is not None
    assert files.onnx is not None
    assert files.weights.is_file()
    assert files.onnx.is_file()


@pytest.mark.parametrize("stages", [0, 4])
def test_stages_that_are_not_shipped_are_refused(stages: int) -> None:
    with pytest.raises(UsageError, match=f"--stages {stages}.*1 to 3"):
        find_model("rt", stages)


@pytest.mark.parametrize("model", ["rtx", "", "model.pt", "rt.txt"])
def test_models_of_no_known_kind_are_refused(model: str) -> None:
    with pytest.raises(UsageError, match=r"shipped preset \(rt\)"):
        find_model(model, 1)


@pytest.mark.parametrize("name", ["mine.onnx", "mine.safetensors"])
def test_missing_files_and_folders_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for _ in range(2):
        with pytest.raises(UsageError, match="no such file") as caught:
            find_model(str(path), 1)
        assert str(path) in str(caught.value)
        path.mkdir(exist_ok=True)


def test_a_file_of_one_s_own_is_found(tmp_path: Path) -> None:
    onnx, weights = tmp_path / "a.onnx", tmp_path / "a.safetensors"
    onnx.touch()
    weights.touch()
    found = find_model(str(onnx), 1)
    assert (found.onnx, found.weights) == (onnx, None)
    found = find_model(str(weights), 1)
    assert (found.onnx, found.weights) == (None, weights)


@pytest.mark.parametrize("name", ["cityscapes", "camvid"])
def test_a_file_of_one_s_own_names_its_classes(tmp_path: Path, name: str) -> None:
    onnx, safetensors = pytest.importorskip("onnx"), pytest.importorskip("safetensors.numpy")
    header = Metadata("sdabn", 1, name).header()
    model = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    onnx.helper.set_model_props(model, header)
    onnx.save(model, tmp_path / "a.onnx")
    safetensors.save_file({}, tmp_path / "a.safetensors", metadata=header)
    for file in ("a.onnx", "a.safetensors"):
        assert find_model(str(tmp_path / file), 1).classes is CLASS_SETS[name]


@pytest.mark.parametrize("name", ["foreign.onnx", "foreign.safetensors"])
def test_the_classes_of_a_foreign_file_are_not_guessed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(
        b"" if name.endswith("onnx") else (2).to_bytes(8, "little") + b"{}"
    )
    files = find_model(str(tmp_path / name), 1)
    with pytest.raises(UsageError, match=f"{name}: .*classes are unknown.*rtsdb"):
        _ = files.classes


def test_the_package_s_weights_stay_under_25_mb() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 25e6


@pytest.mark.parametrize("name", list(SHIPPED))
def test_shipped_weights_load_and_have_the_stages_promised(name: str) -> None:
    pytest.importorskip("torch")
    from rtsdb.models.checkpoint import load_weights

    net, metadata = load_weights(FOLDER / f"{name}.safetensors")
    assert metadata.preset == name
    assert net.stages == SHIPPED[name]


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_shipped_onnx_refers_to_the_weights_beside_it(stages: int) -> None:
    onnx = pytest.importorskip("onnx")
    path = FOLDER / f"rt-k{stages}.onnx"
    graph = onnx.load(path, load_external_data=False).graph
    places = [
        {entry.key: entry.value for entry in tensor.external_data}
        for tensor in graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    ]
    size = (FOLDER / "rt.safetensors").stat().st_size
    assert places
    assert {place["location"] for place in places} == {"rt.safetensors"}
    assert all(int(place["offset"]) + int(place["length"]) <= size for place in places)
    assert path.stat().st_size < 0.5e6
