from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("onnx")
pytest.importorskip("torch")

from rtsdb.cli import app
from rtsdb.errors import UsageError


@pytest.mark.parametrize("name", ["w.safetensors", "nowhere/w.onnx"])
def test_an_output_that_cannot_be_is_named_and_the_weights_stay(tmp_path: Path, name: str) -> None:
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"learnt")
    arguments = ["export", "--weights", str(weights), "-o", str(tmp_path / name)]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, UsageError)
    assert f"--output {tmp_path / name}: " in str(result.exception)
    assert weights.read_bytes() == b"learnt"
