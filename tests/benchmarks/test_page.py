import json
from pathlib import Path

import page
import pytest


def test_page_and_figures_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["/somewhere/speed.py", "--size", "64x64"])
    page.write_page("speed", "Speed", ["It is fast."], {"fps": 9}, headline={"fps": "9"})
    written = (tmp_path / "speed.md").read_text()
    assert written == capsys.readouterr().out
    title, _, about, _, line = written.splitlines()
    assert (title, line) == ("# Speed", "It is fast.")
    assert about.startswith("`python benchmarks/speed.py --size 64x64`, 20")
    report = json.loads((tmp_path / "speed.json").read_text())
    assert (report["fps"], report["headline"]) == (9, {"fps": "9"})
    assert report["machine"]["cores_used"] >= 1
