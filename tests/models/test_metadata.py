"""What model files say about themselves; `test_checkpoint` has how weights files are refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import save_file

from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import save_weights
from rtsdb.models.metadata import Metadata, read_metadata, safetensors_header
from rtsdb.models.sdb import SDBNet

onnx = pytest.importorskip("onnx")

FACTS = Metadata("sdabn", 2, "cityscapes", "published", 7, {"K1/awgn25/psnr": 30.25})


def save_onnx(path: Path, properties: dict[str, str]) -> Path:
    tensor = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [tensor], [result]))
    onnx.helper.set_model_props(model, properties)
    onnx.save(model, path)
    return path


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_metadata(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_weights_and_onnx_files_say_the_same(
    make_sdabn: Callable[[int], SDBNet], tmp_path: Path
) -> None:
    save_weights(make_sdabn(2), tmp_path / "a.safetensors", FACTS)
    save_onnx(tmp_path / "a.onnx", FACTS.header())
    assert read_metadata(tmp_path / "a.safetensors") == FACTS
    assert read_metadata(tmp_path / "a.onnx") == FACTS


@pytest.mark.parametrize("properties", [{}, {"format": "other"}, {"classes": "camvid"}])
def test_onnx_files_of_others_are_refused(tmp_path: Path, properties: dict[str, str]) -> None:
    assert "its classes are unknown" in refused(save_onnx(tmp_path / "a.onnx", properties))


@pytest.mark.parametrize("content", [b"not a model\n" * 50, bytes(range(256))])
def test_what_is_no_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    assert "not an ONNX file" in refused(path)


def test_onnx_metadata_of_another_version_is_refused(tmp_path: Path) -> None:
    path = save_onnx(tmp_path / "a.onnx", {"format": "rtsdb", "metadata": "{}"})
    assert "metadata of another version" in refused(path)


def test_the_header_ends_where_the_tensors_begin(tmp_path: Path) -> None:
    import torch

    save_file({"x": torch.tensor([1.0, 2.0])}, tmp_path / "x.safetensors")
    header, start = safetensors_header(tmp_path / "x.safetensors")
    assert header["x"]["shape"] == [2]
    assert (tmp_path / "x.safetensors").stat().st_size == start + header["x"]["data_offsets"][1]


def test_neither_torch_nor_onnx_is_needed_to_read(tmp_path: Path) -> None:
    """In a process of its own, in which they cannot be imported."""
    path = save_onnx(tmp_path / "a.onnx", FACTS.header())
    program = f"""
import sys
sys.modules.update(dict.fromkeys(["torch", "onnx", "safetensors", "openvino"]))
from rtsdb.weights import find_model
print(find_model({str(path)!r}, 1).classes.name, find_model("rt", 1).classes.name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["cityscapes", "camvid"], done.stderr
