from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from rtsdb.cli import app
from rtsdb.evaluation import judge


@pytest.fixture
def camvid(tmp_path: Path) -> Path:
    """A CamVid root with two grey frames, all road."""
    for folder, level in (("val", 90), ("valannot", 3)):
        (tmp_path / folder).mkdir()
        for index in range(2):
            shape = (64, 64, 3) if folder == "val" else (64, 64)
            picture = np.full(shape, level, np.uint8)
            cv2.imwrite(str(tmp_path / folder / f"{index}.png"), picture)
    return tmp_path


def evaluate(camvid: Path, *arguments: str) -> tuple[int, str]:
    """Run `rtsdb eval` on the first block of the shipped network."""
    pytest.importorskip("torch").set_num_threads(1)
    command = ["eval", "--engine", "torch", "--stages", "1", "--root", str(camvid), *arguments]
    result = CliRunner().invoke(app, command, env={"COLUMNS": "160"})
    return result.exit_code, result.output


def test_scores_are_printed_with_what_they_are_of(camvid: Path) -> None:
    code, text = evaluate(camvid, "--noise", "awgn:25", "--output", str(camvid / "q"))
    assert code == 0
    for word in ("PSNR, dB", "SSIM", "mIoU, %", "awgn:25", "clean", "input", "road", "torch"):
        assert word in text
    assert "PARTIAL" not in text
    assert (camvid / "q.json").exists()


def test_ctrl_c_prints_what_was_measured_so_far(
    camvid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = judge.Tally.add

    def interrupted(tally: judge.Tally, *arguments: object) -> None:
        scored(tally, *arguments)
        if tally.noise == "awgn:25":
            raise KeyboardInterrupt

    monkeypatch.setattr(judge.Tally, "add", interrupted)
    code, text = evaluate(camvid, "--noise", "awgn:25,awgn:50")
    assert code == 130
    assert "PARTIAL: interrupted before all 2 frames were measured" in text
    assert "awgn:25" in text
    assert "awgn:50" not in text
