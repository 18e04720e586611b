"""What commands say where rtsdb was installed to run only."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from rtsdb.cli import app
from rtsdb.errors import MissingPackageError


@pytest.mark.parametrize(
    "command",
    [
        "train --root CamVid",
        "average a.safetensors b.safetensors -o c.safetensors",
        "export --weights a.safetensors -o a.onnx",
        "import-weights s.pth sd.pth -o a.safetensors",
    ],
)
def test_a_command_that_needs_torch_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    result = CliRunner().invoke(app, command.split())
    assert isinstance(result.exception, MissingPackageError)
    assert "rtsdb[train]" in str(result.exception)
