from dataclasses import replace

from rich.console import Console

from rtsdb.bench.model import Report, Row, Setup
from rtsdb.bench.terminal import print_report
from tests.bench.reports import PIPELINE_STAGES, make_report, make_row


def printed(report: Report, width: int = 120) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        print_report(report, console)
    return capture.get()


def test_every_stage_has_its_figures_and_a_bar_as_long_as_its_share() -> None:
    row = make_row()
    assert row.pipeline is not None
    lines = printed(make_report(row)).splitlines()
    bars = {}
    for name in PIPELINE_STAGES:
        (line,) = [line for line in lines if line.strip().startswith(f"{name}  ")]
        stage = row.pipeline.stages[name]
        assert f"{stage.p50:.1f}" in line or f"{stage.p50:.2f}" in line
        bars[name] = line.count("█")
    assert bars["infer"] == max(bars.values()) > bars["wait for engine"] > bars["stitch"] == 0


def test_a_report_fits_eighty_columns_without_losing_a_figure() -> None:
    row = make_row(ms=12345.0)
    assert row.pipeline is not None
    text = printed(make_report(row), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert f"{row.pipeline.latency.p99:.0f}" in text


def test_rows_that_were_not_measured_and_warnings_are_told() -> None:
    failed = Row(Setup("abacus", "auto", 1, (64, 64)), error="no beads [here]")
    text = printed(make_report(replace(make_row(), warnings=("it is hot",)), failed))
    assert "not measured: no beads [here]" in text
    assert "it is hot" in text


def test_what_several_setups_have_in_common_is_told_once() -> None:
    failed = [Row(Setup(name, "auto", 1, (64, 64)), error="no beads") for name in ("a", "b")]
    text = printed(make_report(*failed))
    assert text.count("no beads") == 1
    assert [text.count(f"{row.name}\n") for row in failed] == [1, 1]


def test_the_bare_engine_alone_is_told_too() -> None:
    row = replace(make_row(), pipeline=None)
    assert row.engine is not None
    text = printed(make_report(row))
    assert f"{row.engine.stages['infer'].p50:.1f}" in text
    assert "submit to result" in text
    assert "capture to output" not in text.partition("speed")[0]


def test_an_interrupted_report_says_so() -> None:
    assert "interrupted" in printed(replace(make_report(), interrupted=True))
    nothing = printed(replace(make_report(), rows=(), interrupted=True))
    assert "before the first turn was over" in nothing
