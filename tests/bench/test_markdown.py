from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from rtsdb.bench.markdown import (
    MARKS,
    check_markdown,
    stage_table,
    to_markdown,
    write_markdown,
)
from rtsdb.bench.model import Report, Row, Setup
from rtsdb.errors import UsageError
from tests.bench.reports import SETUP, make_report, make_row

BEGIN, END = MARKS


@pytest.fixture
def report() -> Report:
    slow = replace(make_row(replace(SETUP, stages=2), 60.0), warnings=("a |\nb",))
    broken = Row(Setup("tensorrt", "fp16", 1, (1280, 720)), error="not installed")
    return make_report(make_row(), slow, broken)


def test_the_page_is_as_expected(report: Report) -> None:
    page = to_markdown(report)
    head, *rest = page.split("\n\n")
    assert head == (
        "`rtsdb bench`, 2026-11-22T12:00:00+00:00, a CPU, Linux, python 3.10.1, rtsdb 0.1.0, "
        "numpy 2.4."
    )
    assert rest[:4] == [
        "**Speed**",
        "| setup | engine fps | pipeline fps | ratio | p50 ms | p90 ms | p99 ms | frames |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| openvino fp32 K=1 1280x720 | 49.86 | 24.95 | 0.500 | 80.2 | 83.7 | 88.9 | 40 |\n"
        "| openvino fp32 K=2 1280x720 | 33.24 | 16.63 | 0.500 | 120.2 | 125.6 | 133.4 | 40 |\n"
        "| tensorrt fp16 K=1 1280x720 | - | - | - | - | - | - | - |",
        "fps: median of the rounds; ms: from capture to output.",
        "**Where the time goes**",
    ]
    assert rest[4] == (
        "| setup | capture | wait for engine | estimate | gather | infer | stitch | "
        "wait for render | render | encode |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| openvino fp32 K=1 1280x720 "
        "| 1.60 | 16.0 | 3.21 | 0.80 | 40.1 | 0.80 | 1.60 | 8.02 | 8.02 |\n"
        "| openvino fp32 K=2 1280x720 "
        "| 2.40 | 24.0 | 4.81 | 1.20 | 60.1 | 1.20 | 2.40 | 12.0 | 12.0 |"
    )
    assert rest[-1] == (
        "- openvino fp32 K=2 1280x720: a | b\n"
        "- tensorrt fp16 K=1 1280x720: not measured: not installed"
    )


def test_tables_are_whole(report: Report) -> None:
    """Every row of a table has as many cells as its heading."""
    for part in to_markdown(report).split("\n\n"):
        if part.startswith("|"):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in part.splitlines()}) == 1


def test_stages_that_a_setup_does_not_have_are_dashes(report: Report) -> None:
    first, second, _ = report.rows
    assert first.pipeline is not None
    stages = {name: first.pipeline.stages[name] for name in ("infer", "capture")}
    short = replace(first, pipeline=replace(first.pipeline, stages=stages))
    table = stage_table([short, second, short])
    assert table is not None
    assert table.headings[1:6] == ("capture", "wait for engine", "estimate", "gather", "infer")
    assert [row[2] for row in table.rows] == ["-", "24.0", "-"]
    assert stage_table([replace(first, pipeline=None)]) is None


def test_a_report_of_failures_says_so(report: Report) -> None:
    page = to_markdown(replace(report, rows=report.rows[2:], interrupted=True))
    assert "Interrupted" in page
    assert page.endswith("not measured: not installed")


def test_a_new_file_gets_the_marks_so_that_it_can_be_refreshed(
    report: Report, tmp_path: Path
) -> None:
    path = tmp_path / "bench.md"
    for _ in range(2):
        check_markdown(path)
        write_markdown(report, path)
        assert path.read_text() == f"{BEGIN}\n{to_markdown(report)}\n{END}\n"


def test_only_what_lies_between_the_marks_is_replaced(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(f"# Größe\r\n\r\n{BEGIN} old\r\n{END}\r\nafter".encode())
    check_markdown(path)
    write_markdown(report, path)
    page = to_markdown(report)
    assert path.read_bytes().decode() == f"# Größe\r\n\r\n{BEGIN}\n{page}\n{END}\r\nafter"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"# Mine\n", "is there 0 times"),
        (f"{BEGIN}\n".encode(), "is there 0 times"),
        (f"{END} {BEGIN}\n".encode(), "stands before"),
        (f"{BEGIN} {END} {BEGIN} {END}".encode(), "is there 2 times"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_other_files_are_left_alone(
    content: bytes, complaint: str, report: Report, tmp_path: Path
) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(content)
    for attempt in (lambda: check_markdown(path), lambda: write_markdown(report, path)):
        with pytest.raises(UsageError, match=complaint):
            attempt()
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--markdown"):
        check_markdown(tmp_path / "nowhere" / "README.md")
