from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtsdb.bench import tuning
from rtsdb.bench.model import Row, Setup
from rtsdb.bench.pareto import held_fps
from rtsdb.bench.tuning import Tried, load_tried, save_tried
from tests.bench.reports import make_row

SIZE = (640, 360)
ONE, TWO = (Setup("openvino", "fp32", stages, SIZE) for stages in (1, 2))
TILED = Setup("torch", "fp32", 1, SIZE, (320, 192))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's cache; there is no GPU."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tuning, "gpu_names", list)
    return tmp_path / "rtsdb" / "tuning"


def tried(row: Row) -> Tried:
    fps = held_fps(row)
    assert fps is not None
    return Tried(row.ran, fps)


def test_what_was_measured_is_found_again() -> None:
    rows = [make_row(ONE), make_row(TILED, 20)]
    save_tried("rt", rows)
    assert load_tried("rt", SIZE) == [tried(row) for row in rows]
    assert load_tried("rt", (640, 384)) == []


def test_sweeps_add_to_each_other_and_the_newer_one_counts() -> None:
    save_tried("rt", [make_row(ONE, 10), make_row(TILED, 20)])
    newer = [make_row(TILED, 40), make_row(TWO, 50)]
    save_tried("rt", newer)
    assert set(load_tried("rt", SIZE)) == {tried(make_row(ONE, 10)), *map(tried, newer)}


def test_what_failed_is_tried_again() -> None:
    save_tried("rt", [make_row(ONE), Row(TWO, error="broken")])
    save_tried("rt", [Row(ONE, error="broken"), make_row(TILED, rounds=1)])
    assert load_tried("rt", SIZE) == [tried(make_row(ONE))]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cpu_name", lambda: "another CPU"),
        ("gpu_names", lambda: ["a GPU"]),
        ("versions", lambda: {"rtsdb": "99"}),
        ("digest", lambda path: "0123"),
    ],
)
def test_another_machine_version_or_network_begins_anew(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    save_tried("rt", [make_row(ONE)])
    with monkeypatch.context() as there:
        there.setattr(tuning, name, value)
        assert load_tried("rt", SIZE) == []
    assert load_tried("rt", SIZE) != []


@pytest.mark.parametrize("content", ["", "{}", '{"key": {}, "tried": []}', '{"key": 1'])
def test_a_damaged_file_is_as_none(folder: Path, content: str) -> None:
    save_tried("rt", [make_row(ONE)])
    (path,) = folder.iterdir()
    path.write_text(content)
    assert load_tried("rt", SIZE) == []
    save_tried("rt", [make_row(ONE)])
    assert load_tried("rt", SIZE) == [tried(make_row(ONE))]


def test_a_cache_that_cannot_be_written_is_no_failure(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.parent.write_text("in the way")
    save_tried("rt", [make_row(ONE)])
    (record,) = caplog.records
    assert str(folder) in record.getMessage()
    assert load_tried("rt", SIZE) == []


def test_without_a_variable_it_is_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert os.fspath(tuning.cache_folder()) == "/home/someone/.cache/rtsdb/tuning"
