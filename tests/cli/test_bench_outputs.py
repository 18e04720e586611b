from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rtsdb.bench import plots, session
from rtsdb.bench.markdown import MARKS
from rtsdb.bench.model import Probe
from rtsdb.bench.plots.stages import draw_stages
from rtsdb.bench.report_file import read_report, write_report
from rtsdb.cli import app
from tests.bench.doubles import slow_engine
from tests.bench.reports import make_report
from tests.pipeline.doubles import HEIGHT, WIDTH


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fast fake engines; the names of those that were opened."""
    names: list[str] = []

    def load(model: str, **settings: Any) -> Any:
        names.append(settings["engine"])
        return slow_engine()

    monkeypatch.setattr(session, "WARMUP_SECONDS", 0.0)
    monkeypatch.setattr(session, "ROUNDS", 2)
    monkeypatch.setattr(session, "probe_machine", lambda _: Probe({"fp32": 1.0}, 10.0))
    monkeypatch.setattr(session, "load_engine", load)
    return names


def bench(*arguments: str) -> tuple[int, str]:
    small = ("--size", f"{WIDTH}x{HEIGHT}", "--seconds", "0.1")
    result = CliRunner().invoke(app, ["bench", *small, *arguments], env={"COLUMNS": "160"})
    return result.exit_code, result.output + str(result.exception or "")


def test_all_outputs_of_one_run_and_the_next_one_beside_it(
    opened: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(plots, "PLOTS", {"stages": draw_stages})  # all of them take long
    old, page, pictures = tmp_path / "old.json", tmp_path / "README.md", tmp_path / "plots"
    page.write_text(f"# Mine\n\n{MARKS[0]}\n{MARKS[1]}\n")
    code, text = bench("--json", str(old), "--markdown", str(page), "--plot", str(pictures))
    assert code == 0, text
    assert page.read_text().startswith(f"# Mine\n\n{MARKS[0]}\n`rtsdb")
    assert "| fake fp32 K=1 " in page.read_text()
    assert {path.name for path in pictures.iterdir()} == {"stages.png", "stages.svg"}
    code, text = bench("--compare", str(old))
    assert code == 0, text
    assert read_report(old).machine["date"] in text
    assert "new / old" in text
    assert "cannot tell: too few rounds" in text


def test_what_cannot_be_written_or_read_is_refused_before_anything_is_measured(
    opened: list[str], tmp_path: Path
) -> None:
    (tmp_path / "text.md").write_text("mine")
    (tmp_path / "bad.json").write_text("{}")
    for option, path in (
        ("--markdown", tmp_path / "text.md"),
        ("--markdown", tmp_path / "nowhere" / "b.md"),
        ("--plot", tmp_path / "text.md"),
        ("--compare", tmp_path / "bad.json"),
        ("--compare", tmp_path / "none.json"),
    ):
        code, text = bench(option, str(path))
        assert code != 0
        assert str(path) in text
    assert opened == []
    assert (tmp_path / "text.md").read_text() == "mine"


def test_an_old_report_may_be_overwritten_by_the_new_one(opened: list[str], tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_report(make_report(), path)
    code, text = bench("--json", str(path), "--compare", str(path))
    assert code == 0, text
    assert "2026-11-22T12:00:00+00:00" in text
    assert "not compared: auto fp32 K=1 1280x720: not asked for now" in text
    assert read_report(path).rows[0].engine_kind == "fake"
