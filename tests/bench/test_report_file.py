from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtsdb.bench.model import Report
from rtsdb.bench.report_file import read_report, write_report
from rtsdb.errors import UsageError
from rtsdb.machine import versions
from tests.bench.reports import make_report, make_row

SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    NoneType: st.none(),
    bool: st.booleans(),
    int: st.integers(),
    str: st.text(max_size=4),
    float: st.floats(allow_nan=False, allow_infinity=False),
    object: st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda entry: st.lists(entry, max_size=2) | st.dictionaries(st.text(), entry, max_size=2),
        max_leaves=3,
    ),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of an annotation that the data model uses."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        parts = {field.name: values_of(hints[field.name]) for field in fields(kind)}
        return st.builds(kind, **parts | ({"schema": st.just(1)} if kind is Report else {}))
    inner = get_args(kind)
    if get_origin(kind) is dict:
        return st.dictionaries(st.text(max_size=4), values_of(inner[1]), max_size=2)
    if get_origin(kind) is tuple and inner[-1] is Ellipsis:
        return st.lists(values_of(inner[0]), max_size=2).map(tuple)
    if get_origin(kind) is tuple:
        return st.tuples(*map(values_of, inner))
    return st.one_of(map(values_of, inner)) if inner else SCALARS[kind]


@given(report=values_of(Report))
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_what_is_read_is_exactly_what_was_written(
    report: Report, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("report") / "r.json"
    write_report(report, path)
    assert read_report(path) == report
    assert [file.name for file in path.parent.iterdir()] == ["r.json"]


def test_numbers_that_are_not_finite_are_null_in_the_file(tmp_path: Path) -> None:
    row = make_row()
    assert row.engine is not None
    assert row.derived is not None
    side = replace(row.engine, fps=math.nan)
    derived = replace(row.derived, tflops=math.inf, peak_share=math.nan)
    write_report(make_report(replace(row, engine=side, derived=derived)), tmp_path / "r.json")
    [found] = read_report(tmp_path / "r.json").rows
    assert "NaN" not in (tmp_path / "r.json").read_text()
    assert math.isnan(found.engine.fps)
    assert math.isnan(found.derived.tflops)
    assert found.derived.peak_share is None
    assert found.pipeline == row.pipeline


def test_keys_of_later_versions_are_ignored_and_missing_defaults_filled(tmp_path: Path) -> None:
    facts = json.loads(json.dumps(asdict(make_report())))
    facts["weather"] = facts["rows"][0]["setup"]["mood"] = "fine"
    del facts["interrupted"], facts["rows"][0]["setup"]["tile"]
    (tmp_path / "r.json").write_text(json.dumps(facts))
    assert read_report(tmp_path / "r.json") == make_report()


def spoil_fps(facts: dict[str, Any]) -> None:
    facts["rows"][0]["engine"]["fps"] = "fast"


def spoil_count(facts: dict[str, Any]) -> None:
    facts["rows"][0]["engine"]["stages"]["infer"]["count"] = True


def spoil_size(facts: dict[str, Any]) -> None:
    facts["rows"][0]["setup"]["size"] = [64]


def spoil_rows(facts: dict[str, Any]) -> None:
    facts["rows"] = {}


def leave_out(facts: dict[str, Any]) -> None:
    del facts["rows"][0]["pipeline"]["rounds"]


def spoil_number(facts: dict[str, Any]) -> None:
    facts["rows"][0]["pipeline"]["fps"] = 10**400


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (spoil_fps, "rows[0].engine.fps: not a number: 'fast'"),
        (spoil_count, "rows[0].engine.stages['infer'].count: not a whole number: True"),
        (spoil_size, "rows[0].setup.size: 1 values in place of 2"),
        (spoil_rows, "rows: not a list: an object"),
        (leave_out, "rows[0].pipeline.rounds: is missing"),
        (spoil_number, "int too large to convert to float"),
    ],
)
def test_a_wrong_shape_is_named(
    spoil: Callable[[dict[str, Any]], None], complaint: str, tmp_path: Path
) -> None:
    facts = json.loads(json.dumps(asdict(make_report())))
    spoil(facts)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(facts))
    with pytest.raises(UsageError) as raised:
        read_report(path)
    assert str(raised.value) == f"{path}: {complaint}"


@pytest.mark.parametrize("text", ["", "{", "\x00", "[]", "{}", "3"])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"r\.json: "):
        read_report(path)


def test_a_picture_or_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.png").write_bytes(b"\x89PNG\xff\xfe")
    for name in ("r.png", "none.json"):
        with pytest.raises(UsageError, match=name):
            read_report(tmp_path / name)


def test_another_schema_says_which_rtsdb_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    facts = {"schema": 99, "machine": {"versions": {"rtsdb": "7.1"}}}
    path.write_text(json.dumps(facts))
    with pytest.raises(UsageError) as raised:
        read_report(path)
    mine = versions()["rtsdb"]
    assert f"schema 99; rtsdb {mine} reads schema 1" in str(raised.value)
    assert str(raised.value).endswith("Read it with the rtsdb that wrote it: 7.1")
    path.write_text('{"schema": 99}')
    with pytest.raises(UsageError, match="it does not say"):
        read_report(path)
