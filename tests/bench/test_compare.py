from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtsdb.bench.compare as compare_module
from rtsdb.bench.compare import Change, compare, differences, not_compared
from rtsdb.bench.model import Report, Row, Setup
from tests.bench.reports import SETUP, make_report, make_row

OTHER = Setup("torch", "fp32", 2, (640, 360))


@pytest.fixture(autouse=True, scope="module")
def _fewer_resamples() -> Iterator[None]:
    """Enough for these tests, and faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare_module, "RESAMPLES", 200)
        yield


def scaled(row: Row, factor: float) -> Row:
    """The same row with every time `factor` times as long."""

    def scale(side):  # type: ignore[no-untyped-def]
        rounds = tuple(
            replace(r, fps=r.fps / factor, frames_ms=tuple(factor * ms for ms in r.frames_ms))
            for r in side.rounds
        )
        latency = replace(side.latency, p50=side.latency.p50 * factor)
        return replace(side, rounds=rounds, fps=side.fps / factor, latency=latency)

    return replace(row, engine=scale(row.engine), pipeline=scale(row.pipeline))


def ends(change: Change) -> list[tuple[float, float]]:
    assert change.fps.interval is not None
    assert change.p50.interval is not None
    return [change.fps.interval, change.p50.interval]


@given(ms=st.floats(0.1, 1000), seed=st.integers(0, 1000), rounds=st.integers(4, 12))
@settings(max_examples=5)
def test_a_report_beside_itself_shows_no_difference(ms: float, seed: int, rounds: int) -> None:
    report = make_report(make_row(ms=ms, seed=seed, rounds=rounds))
    changes = compare(report, report)
    assert [change.side for change in changes] == ["engine", "pipeline"]
    for change in changes:
        assert change.fps.value == change.p50.value == 1
        for low, high in ends(change):
            assert low < 1 < high
        assert change.fps.words("faster", "slower").startswith("no difference seen (")


@given(seed=st.integers(0, 1000), rounds=st.integers(4, 12))
@settings(max_examples=5)
def test_twice_the_time_is_seen_as_such(seed: int, rounds: int) -> None:
    row = make_row(seed=seed, rounds=rounds)
    for change in compare(make_report(row), make_report(scaled(row, 2))):
        (fps_low, fps_high), (p50_low, p50_high) = ends(change)
        assert 0.4 < fps_low < 0.5 < fps_high < 0.6
        assert 1.8 < p50_low < 2 < p50_high < 2.2
        assert change.fps.words("faster", "slower").startswith("slower by ")


def test_intervals_are_wider_where_rounds_differ_more_than_frames() -> None:
    """As many frames of the same spread, but shifted together round by round."""
    calm = make_row()
    assert calm.engine is not None
    shifted = tuple(
        replace(r, frames_ms=tuple(ms * factor for ms in r.frames_ms))
        for r, factor in zip(calm.engine.rounds, (0.8, 0.95, 1.05, 1.2), strict=True)
    )
    moody = replace(calm, engine=replace(calm.engine, rounds=shifted))
    (narrow, _), (wide, _) = (compare(make_report(row), make_report(row)) for row in (calm, moody))
    assert np.ptp(ends(wide)[1]) > 2 * np.ptp(ends(narrow)[1])


def test_chance_seldom_passes_for_a_difference() -> None:
    """Rounds that differ by 5 %: few of 30 pairs that differ by chance get a verdict."""
    rng = np.random.default_rng(0)
    verdicts = 0
    for _ in range(30):
        old, new = (make_row(ms=1.0) for _ in range(2))
        pair = []
        for row in (old, new):
            assert row.engine is not None
            rounds = tuple(replace(r, fps=float(rng.lognormal(0, 0.05))) for r in row.engine.rounds)
            pair.append(replace(row, engine=replace(row.engine, rounds=rounds), pipeline=None))
        [change] = compare(make_report(pair[0]), make_report(pair[1]))
        (low, high), _ = ends(change)
        verdicts += not low <= 1 <= high
    assert verdicts <= 3


@pytest.mark.parametrize("rounds", [1, 3])
def test_few_rounds_tell_nothing(rounds: int) -> None:
    old, new = make_report(make_row()), make_report(make_row(ms=400, rounds=rounds))
    for change in (*compare(old, new), *compare(new, old)):
        assert change.fps.interval is None
        assert change.p50.interval is None
        assert "cannot tell" in change.fps.words("faster", "slower")


def test_the_same_reports_give_the_same_figures() -> None:
    old, new = make_report(make_row()), make_report(make_row(seed=5))
    assert compare(old, new) == compare(old, new)


def test_only_what_both_measured_is_compared() -> None:
    failed = Row(OTHER, error="not installed")
    old, new = make_report(make_row(), make_row(OTHER)), make_report(failed, make_row())
    assert {change.setup for change in compare(old, new)} == {SETUP}
    assert not_compared(old, new) == [f"{OTHER}: not measured now: not installed"]
    assert not_compared(new, old) == [f"{OTHER}: not measured before: not installed"]
    assert not_compared(new, make_report()) == [f"{OTHER}: not asked for now"]
    no_pipeline = make_report(replace(make_row(), pipeline=None))
    assert [change.side for change in compare(no_pipeline, make_report())] == ["engine"]


def altered(report: Report) -> Report:
    [row] = report.rows
    machine = report.machine | {"versions": {"numpy": "2.5", "torch": "2.13"}, "date": "later"}
    arguments = report.arguments | {"command": "another", "seconds": 5.0}
    row = replace(row, precision="bf16")
    return replace(report, machine=machine, arguments=arguments, rows=(row,))


def test_differences_are_named_but_for_the_date() -> None:
    old = make_report()
    assert differences(old, altered(old)) == [
        "versions python: 3.10.1, now not told",
        "versions rtsdb: 0.1.0, now not told",
        "versions numpy: 2.4, now 2.5",
        "seconds: 10.0, now 5.0",
        "auto fp32 K=1 1280x720: openvino fp32 on a CPU, whole frame, "
        "now openvino bf16 on a CPU, whole frame",
        "versions torch: not told, now 2.13",
    ]
    as_read = replace(old, arguments=old.arguments | {"sizes": [1, 2]})
    in_memory = replace(old, arguments=old.arguments | {"sizes": (1, 2)})
    assert differences(as_read, in_memory) == []
