from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("torch")

import torch
from safetensors.torch import load_file

from rtsdb.cli import app
from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import save_weights
from rtsdb.models.metadata import Metadata, read_metadata
from rtsdb.models.presets import PRESETS
from rtsdb.models.sdb import SDBNet
from tests.tiny import TINY


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["average", *map(str, arguments)])


def test_the_mean_is_a_weights_file_of_the_same_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS, "tiny", TINY)
    start, output = tmp_path / "start.safetensors", tmp_path / "mean.safetensors"
    save_weights(SDBNet(TINY, classes=11, stages=2), start, Metadata("tiny", 2, "camvid"))
    result = run(start, start, "-o", output)
    assert result.exit_code == 0, result.output
    assert read_metadata(output) == Metadata("tiny", 2, "camvid")
    mean, wanted = load_file(output), load_file(start)
    assert mean.keys() == wanted.keys()
    assert all(torch.equal(mean[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("name", ["mean.onnx", "nowhere/mean.safetensors"])
def test_an_output_that_cannot_be_is_named(tmp_path: Path, name: str) -> None:
    result = run(tmp_path / "start.safetensors", "-o", tmp_path / name)
    assert isinstance(result.exception, UsageError)
    assert f"--output {tmp_path / name}: " in str(result.exception)
