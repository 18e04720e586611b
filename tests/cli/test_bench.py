from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rtsdb.bench import session
from rtsdb.bench.model import Report
from rtsdb.bench.report_file import read_report
from rtsdb.cli import app
from rtsdb.pipeline.run import IN_FLIGHT
from tests.bench.doubles import ctrl_c_at, slow_engine
from tests.pipeline.doubles import HEIGHT, WIDTH

SMALL = ("--size", f"{WIDTH}x{HEIGHT}", "--seconds", "0.1")


@pytest.fixture(autouse=True)
def _few_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "WARMUP_SECONDS", 0.0)
    monkeypatch.setattr(session, "ROUNDS", 2)


def bench(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bench", *arguments], env={"COLUMNS": "160"})
    return result.exit_code, result.output + str(result.exception or "")


@pytest.fixture
def without_torch_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_tensorrt", None)


@pytest.mark.usefixtures("without_torch_tensorrt")
def test_a_real_engine_is_measured_and_one_that_is_not_here_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    engines = ("--engine", "openvino,torch-tensorrt", "--precision", "auto")
    code, text = bench(*SMALL, *engines, "--json", str(path))
    assert code == 0, text
    for word in (
        "capture to output",
        "openvino",
        "median of the rounds",
        "torch-tensorrt",
        "rtsdb[torchtrt]",
    ):
        assert word in text
    report: Report = read_report(path)
    measured, missing = report.rows
    assert missing.error is not None
    assert measured.engine is not None
    assert measured.pipeline is not None
    assert measured.derived is not None
    assert report.probe is not None
    assert report.arguments["seconds"] == 0.1
    for side in (measured.engine, measured.pipeline):
        assert side.latency.count == sum(len(turn.frames_ms) for turn in side.rounds)
        assert side.warmup_ms
    assert measured.pipeline.latency.p50 > measured.pipeline.stages["infer"].p50 > 0


def test_ctrl_c_prints_what_was_measured_and_exits_with_130(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def load(model: str, **settings: Any) -> Any:
        return slow_engine(ctrl_c_at(IN_FLIGHT if settings["stages"] == 2 else -1))

    monkeypatch.setattr(session, "load_engine", load)
    path = tmp_path / "a.json"
    code, text = bench(*SMALL, "--stages", "1,2", "--json", str(path))
    assert code == 130, text
    assert "fake fp32 K=1" in text
    assert "interrupted" in text
    report = read_report(path)
    assert report.interrupted
    assert report.rows[0].pipeline is not None
    assert all(row.pipeline is None for row in report.rows[1:])


@pytest.mark.usefixtures("without_torch_tensorrt")
def test_nothing_measured_is_a_failure() -> None:
    code, text = bench(*SMALL, "--engine", "torch-tensorrt")
    assert code == 1
    assert "not measured: the package 'torch_tensorrt' is not installed" in text
    assert "nothing could be measured" in text


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--json", "/nowhere/a.json"], "--json"),
        (["--source", "nowhere.mp4"], "nowhere.mp4"),
        (["--stages", "4"], "--stages 4"),
        (["--precision", "fp31"], "--precision fp31"),
        (["--engine", "openvino,abacus"], "--engine abacus: no such engine"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_measured(
    arguments: list[str], hint: str
) -> None:
    code, text = bench(*SMALL, *arguments)
    assert code != 0
    assert hint in text
    assert "median of the rounds" not in text
