from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rtsdb.cli import app
from rtsdb.errors import UsageError


def calibrate(*arguments: str, output: Path) -> object:
    command = ["calibrate", "-o", str(output), *arguments]
    return CliRunner().invoke(app, command, env={"COLUMNS": "160"})


@pytest.mark.parametrize(
    "arguments", [[], ["--source", "demo", "--root", "CamVid"]], ids=["neither", "both"]
)
def test_frames_come_from_one_place(tmp_path: Path, arguments: list[str]) -> None:
    pytest.importorskip("onnx")
    result = calibrate(*arguments, output=tmp_path / "q")
    error = result.exception  # type: ignore[attr-defined]
    assert isinstance(error, UsageError)
    assert str(error) == "give the frames to calibrate with: either --source or --root"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--max-psnr-loss", "--max-miou-loss"])
def test_bars_are_not_negative(tmp_path: Path, option: str) -> None:
    result = calibrate("--root", "CamVid", option, "-1", output=tmp_path / "q")
    assert result.exit_code == 2  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())
