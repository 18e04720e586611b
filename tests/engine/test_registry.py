from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rtsdb.engine import registry
from rtsdb.engine.registry import ENGINES, EngineKind, choose
from rtsdb.engine.tensorrt_flavour import PACKAGES
from rtsdb.errors import MissingPackageError, RtsdbError, UsageError
from rtsdb.weights import ModelFiles, find_model

BOTH = find_model("rt", 1)


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception | None]:
    """What probing an engine raises, by name; None: it works, as all do at first."""
    answers: dict[str, Exception | None] = dict.fromkeys(ENGINES)

    def probe(kind: EngineKind) -> None:
        answer = answers[kind.name]
        if answer is not None:
            raise answer

    monkeypatch.setattr(EngineKind, "probe", probe)
    return answers


def test_the_fastest_that_works_is_taken_and_broken_ones_are_told(
    works: dict[str, Exception | None], caplog: pytest.LogCaptureFixture
) -> None:
    order = [
        *("tensorrt", "tensorrt-rtx", "torch-tensorrt", "onnxruntime-gpu"),
        *("openvino", "onnxruntime", "torch"),
    ]
    assert list(ENGINES) == order
    for index, name in enumerate(order):
        assert choose(BOTH, "auto").name == name
        assert len(caplog.records) == (index + 1) // 2
        caplog.clear()
        works[name] = (
            RtsdbError("no GPU") if index % 2 == 0 else MissingPackageError("a", extra="b")
        )
    with pytest.raises(UsageError, match=r"rt K=1: needs one of the engines tensorrt, .*torch;"):
        choose(BOTH, "auto")
    assert caplog.records[0].getMessage() == "--engine tensorrt does not work here: no GPU"


def test_only_engines_that_read_the_files_are_taken(
    works: dict[str, Exception | None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    onnx = ModelFiles("a.onnx", 1, None, tmp_path / "a.onnx")
    weights = ModelFiles("a.safetensors", 1, Path("a.safetensors"), None)
    assert choose(onnx, "auto").name == "onnxruntime-gpu"
    assert re.search(r"--engine tensorrt-rtx .*a.fp16.onnx: .*rtsdb export", caplog.messages[1])
    (tmp_path / "a.fp16.onnx").touch()
    assert choose(onnx, "auto").name == "tensorrt"
    assert choose(onnx, "fp16").name == "tensorrt"
    works["tensorrt"] = works["tensorrt-rtx"] = RtsdbError("no GPU")
    assert choose(weights, "auto").name == "torch-tensorrt"
    works["torch-tensorrt"] = MissingPackageError("torch_tensorrt", extra="torchtrt")
    assert choose(weights, "auto").name == "torch"
    works["torch"] = MissingPackageError("torch", extra="train")
    with pytest.raises(UsageError, match=r"of the engines torch-tensorrt, torch; see"):
        choose(weights, "auto")
    with pytest.raises(UsageError, match=r"^--precision int8: a\.safetensors .*rtsdb export"):
        choose(weights, "int8")


def test_only_engines_with_the_precision_are_taken(works: dict[str, Exception | None]) -> None:
    assert choose(BOTH, "fp16").name == "tensorrt"
    assert choose(BOTH, "fp32").name == "onnxruntime-gpu"
    assert choose(BOTH, "bf16").name == "openvino"
    with pytest.raises(
        UsageError, match="--precision int3: give one of auto, fp16, int8, fp32, bf16"
    ):
        choose(BOTH, "int3")


@pytest.mark.parametrize("kind", ENGINES.values(), ids=ENGINES)
def test_a_package_that_is_absent_names_its_extra(
    kind: EngineKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, kind.package, None)
    with pytest.raises(MissingPackageError, match=rf"'{kind.package}'.*\[{kind.extra}\]"):
        kind.probe()


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_engines_for_plain_processors_work_here(name: str) -> None:
    ENGINES[name].probe()


def test_choosing_openvino_imports_nothing_heavier() -> None:
    """In a process of its own: this one has imported everything."""
    program = (
        "import sys; from rtsdb.engine.registry import choose; "
        "from rtsdb.weights import find_model; "
        "print(choose(find_model('rt', 1), 'auto').name, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["openvino", "False"], done.stderr


def test_every_extra_that_is_named_is_there() -> None:
    project = Path(registry.__file__).parents[2] / "pyproject.toml"
    named = {kind.extra for kind in ENGINES.values()} | {extra for _, extra in PACKAGES.values()}
    for extra in named - {"openvino"}:  # which comes with rtsdb itself
        assert f"\n{extra} = [" in project.read_text()


def test_every_kind_has_its_file_and_class() -> None:
    folder = Path(registry.__file__).parent
    for kind in ENGINES.values():
        assert f"class {kind.class_name}(" in (folder / f"{kind.module}.py").read_text()
