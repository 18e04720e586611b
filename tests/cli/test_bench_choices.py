"""--sweep and --estimate of `rtsdb bench`, and --auto-tune of `rtsdb run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rtsdb.bench import sweep
from rtsdb.bench.estimate import GPUS
from rtsdb.bench.model import Report, Setup
from rtsdb.bench.pareto import Candidate, Recommendation
from rtsdb.bench.report_file import read_report
from rtsdb.bench.tuning import load_tried
from rtsdb.cli import app, auto_tune
from rtsdb.errors import UsageError
from rtsdb.video.frame import SourceInfo
from tests.bench.reports import MACHINE, make_row


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def rtsdb(*arguments: str) -> str:
    """What a command prints, on one line; raises what it raises."""
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    if result.exception is not None:
        raise result.exception
    return " ".join(result.output.split())


def fake_bench(setups: list[Setup], *, arguments: dict[str, object], **_: Any) -> Report:
    """A session in which frames take 10 ms a block."""
    rows = tuple(make_row(setup, 10.0 * setup.stages) for setup in setups)
    return Report(MACHINE, arguments, rows)


def test_a_sweep_tries_all_but_what_is_typed_and_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sweep, "run_bench", fake_bench)
    text = rtsdb(
        *("bench", "--sweep", "--engine", "openvino", "--precision", "fp32", "--size", "64x64"),
        *("--target-fps", "40", "--json", str(tmp_path / "sweep.json")),
    )
    assert "for 40 fps take openvino fp32 K=2 64x64" in text
    expected = [Setup("openvino", "fp32", stages, (64, 64)) for stages in (1, 2, 3)]
    report = read_report(tmp_path / "sweep.json")
    assert [row.setup for row in report.rows] == expected
    assert report.arguments["engine"] == "openvino"
    assert report.arguments["stages"] == "all"
    assert [one.setup for one in load_tried("rt", (64, 64))] == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sweep", "--seconds", "3"), "--seconds: --sweep shares"),
        (("--budget", "60"), "--budget: is for --sweep"),
        (("--estimate", "rtx4090", "--engine", "torch"), "--engine: --estimate measures nothing"),
        (("--estimate", "rtx4090", "--json", "a.json"), "--json: --estimate measures nothing"),
        (("--estimate", "voodoo"), "--estimate voodoo: .*orin-nano"),
    ],
)
def test_options_that_exclude_each_other_are_named(
    arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        rtsdb("bench", *arguments)


def test_estimates_measure_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtsdb.bench.session.run_bench", None)
    monkeypatch.setattr("rtsdb.bench.estimate.PRECISIONS", ("fp16",))
    text = rtsdb("bench", "--estimate", "orin-agx,rtx4090", "--size", "640x360", "--stages", "1,3")
    assert "ESTIMATE, NOT MEASURED" in text
    for name in ("orin-agx", "rtx4090"):
        assert text.count(f"{GPUS[name].title} ") == 2
        assert GPUS[name].source.split()[-1] in text


def test_a_run_takes_what_auto_tune_recommends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[tuple[SourceInfo, dict[str, Any]]] = []

    def recommend(info: SourceInfo, **settings: Any) -> Recommendation:
        told.append((info, settings))
        setup = Setup("openvino", "fp32", 2, (info.width, info.height), (64, 64))
        return Recommendation(Candidate(setup, 31.5, None), 30, holds=True)

    monkeypatch.setattr(auto_tune, "auto_tune", recommend)
    text = rtsdb(
        *("run", "--auto-tune", "--precision", "fp32", "--frames", "1", "--sink", "null"),
        *("--source", str(picture(tmp_path))),
    )
    assert "for 30 fps take openvino fp32 K=2 160x64 in tiles of 64x64, at 31.5 fps" in text
    assert "rt K=2, openvino fp32" in text
    ((info, settings),) = told
    assert (info.width, info.height) == (160, 64)
    assert settings["model"] == "rt"
    assert settings["precision"] == "fp32"
    assert settings["engine"] is settings["stages"] is settings["tile"] is None


def test_standard_input_cannot_be_tuned_for() -> None:
    with pytest.raises(UsageError, match="--auto-tune: standard input"):
        rtsdb("run", "--auto-tune", "--source", "-", "--sink", "null")


def picture(folder: Path) -> Path:
    """A grey picture of 160x64 pixels."""
    import cv2
    import numpy as np

    path = folder / "grey.png"
    cv2.imwrite(str(path), np.full((64, 160, 3), 90, np.uint8))
    return path
