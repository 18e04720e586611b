import json
from pathlib import Path

from readme_table import MARKS, README, headlines

from rtsdb.markdown import replace_between


def test_readme_has_room_for_the_table() -> None:
    text = README.read_text()
    begin, end = (text.index(mark) for mark in MARKS)
    assert replace_between(text, MARKS, ["new"]) == (
        text[:begin] + f"{MARKS[0]}\nnew\n" + text[end:]
    )


def test_headlines_name_figure_page_machine_and_date(tmp_path: Path) -> None:
    machine = {"cpu": "Some CPU", "cores_used": 2, "date": "2026-11-22T10:00:00+00:00"}
    report = {"headline": {"fps": "31"}, "machine": machine}
    (tmp_path / "speed.json").write_text(json.dumps(report))
    (tmp_path / "quality.json").write_text(json.dumps({"machine": machine}))
    assert headlines(tmp_path) == [
        ["fps", "[31](benchmarks/results/speed.md)", "2 of Some CPU", "2026-11-22"]
    ]
