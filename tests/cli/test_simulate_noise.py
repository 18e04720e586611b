"""`rtsdb run --simulate-noise` from the command line to the report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtsdb import cli


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "road.png"
    coarse = np.random.default_rng(0).integers(40, 200, (4, 6, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(coarse, (96, 64)))
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Exit code of `rtsdb run` with arguments."""
    monkeypatch.setattr(sys, "argv", ["rtsdb", "run", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code if isinstance(ended.value.code, int) else 0


@pytest.mark.parametrize(
    ("given", "named", "decibels"),
    [
        ("25", "awgn:25", (19, 22)),
        ("shot:2:25", "shot:2:25", (21, 26)),
        ("lowlight:8x", "lowlight:8x", (21, 27)),
        ("camera:sony-a7s2:iso6400", "camera:sony-a7s2:iso6400", (34, 40)),
        ("25+jpeg:75", "awgn:25+jpeg:75", (20, 24)),
        ("25+h264:23", "awgn:25+h264:23", (20, 30)),
    ],
)
def test_every_noise_runs_and_is_reported(
    monkeypatch: pytest.MonkeyPatch,
    picture: Path,
    given: str,
    named: str,
    decibels: tuple[float, float],
) -> None:
    report = picture.with_name("report.json")
    arguments = ["--source", picture, "--sink", "null", "--simulate-noise", given]
    assert run(monkeypatch, *arguments, "--report", report) == 0
    facts = json.loads(report.read_text())
    assert facts["settings"]["simulate_noise"] == named
    assert decibels[0] < facts["psnr_db"]["noisy"] < decibels[1]


@pytest.mark.parametrize("noise", ["loud", "-3", "camera:nikon-d850:iso99", "25+jpeg:0"])
def test_a_bad_noise_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], picture: Path, noise: str
) -> None:
    arguments = ["--source", picture, "--sink", "null", "--simulate-noise", noise]
    assert run(monkeypatch, *arguments) == 2
    lines = capfd.readouterr().err.splitlines()
    assert [
        line for line in lines if line.startswith(f"rtsdb: --simulate-noise {noise}: ")
    ] == lines
