from collections.abc import Callable
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import pytest

from rtsdb.bench import session
from rtsdb.bench.frames import Footage, load_footage
from rtsdb.bench.measure import Turn, engine_turn
from rtsdb.bench.model import Probe, Report, Setup
from rtsdb.bench.session import ROUNDS, run_bench
from rtsdb.classes import ClassSet
from rtsdb.engine.base import Engine
from rtsdb.errors import RtsdbError
from tests.bench.doubles import ctrl_c_at, slow_engine
from tests.pipeline.doubles import HEIGHT, WIDTH
from tests.pipeline.running import fail_at

SIZE = (WIDTH, HEIGHT)
PEAKS = Probe({"fp32": 1.0}, 10.0)

Open = Callable[..., Engine]


@pytest.fixture(scope="module")
def footage() -> Footage:
    return load_footage("demo", SIZE)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, footage: Footage) -> None:
    """Frames drawn once; no probe; and the pipeline is no more than its engine."""

    def short_way(engine: Engine, footage: Footage, classes: ClassSet, **times: float) -> Turn:
        return engine_turn(engine, footage, **times)

    monkeypatch.setattr(session, "WARMUP_SECONDS", 0.02)
    monkeypatch.setattr(session, "load_footage", lambda source, size: footage)
    monkeypatch.setattr(session, "probe_machine", lambda precisions: PEAKS)
    monkeypatch.setattr(session, "pipeline_turn", short_way)


def opener(**engines: list[Engine]) -> Open:
    """Gives the engines by name, one after the other."""

    def load(model: str, *, engine: str, **_: Any) -> Engine:
        if engine not in engines:
            raise RtsdbError(f"--engine {engine}: no such engine")
        opened = engines[engine].pop(0)
        opened.info = replace(opened.info, name=engine)
        return opened

    return load


def bench(monkeypatch: pytest.MonkeyPatch, **engines: list[Engine]) -> Report:
    setups = [Setup(name, "auto", 1, SIZE) for name in ("first", "second")]
    monkeypatch.setattr(session, "load_engine", opener(**engines))
    return run_bench(setups, source="demo", seconds=0.08, arguments={"seconds": 0.08})


def test_each_setup_has_its_rounds_of_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    report = bench(
        monkeypatch,
        first=[slow_engine(), slow_engine()],
        second=[slow_engine(), slow_engine()],
    )
    assert not report.interrupted
    assert report.probe == PEAKS
    assert report.arguments == {"seconds": 0.08}
    assert [row.setup.engine for row in report.rows] == ["first", "second"]
    assert [row.engine_kind for row in report.rows] == ["first", "second"]
    for row in report.rows:
        assert row.error is None
        assert row.engine is not None
        assert row.pipeline is not None
        assert row.precision == "fp32"
        assert len(row.engine.rounds) == len(row.pipeline.rounds) == ROUNDS
        assert row.engine.enqueue is not None
        assert row.pipeline.latency.count == sum(
            len(turn.frames_ms) for turn in row.pipeline.rounds
        )


def test_setups_and_sides_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(
        session,
        "load_engine",
        opener(a=[slow_engine(), slow_engine()], b=[slow_engine(), slow_engine()]),
    )
    run_bench(
        [Setup(name, "auto", 1, SIZE) for name in "ab"],
        source="demo",
        seconds=0.04,
        arguments={},
        progress=lambda what, done, total: told.append(f"{done}/{total} {what}"),
    )
    turns = [text.split()[1] + " " + text.rpartition(": ")[2] for text in told]
    one = ["opening", "engine", "pipeline", "engine", "pipeline"]
    assert turns[:-1] == [f"{name} {what}" for name in "abab" for what in one]
    assert told[-1].startswith("16/16 ")


def test_a_setup_that_cannot_be_opened_has_a_row_that_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = bench(monkeypatch, second=[slow_engine(), slow_engine()])
    first, second = report.rows
    assert first.error == "--engine first: no such engine"
    assert first.engine is first.pipeline is None
    assert second.error is None
    assert second.pipeline is not None


def test_an_engine_that_does_not_exist_is_a_row_of_the_real_session() -> None:
    (row,) = run_bench(
        [Setup("abacus", "auto", 1, SIZE)], source="demo", seconds=1, arguments={}
    ).rows
    assert row.error is not None
    assert "abacus" in row.error


def test_an_unexpected_failure_costs_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = slow_engine(fail_at(0, ValueError("out of beads")))
    report = bench(monkeypatch, first=[broken], second=[slow_engine(), slow_engine()])
    first, second = report.rows
    assert first.error == "ValueError: out of beads"
    assert second.pipeline is not None


def test_what_was_measured_before_a_failure_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    worn = slow_engine(fail_at(0, RtsdbError("worn out")))
    report = bench(
        monkeypatch,
        first=[slow_engine(), worn],
        second=[slow_engine(), slow_engine()],
    )
    first = report.rows[0]
    assert first.error is None
    assert first.pipeline is not None
    assert len(first.pipeline.rounds) == ROUNDS // 2
    assert "ended early: worn out" in first.warnings


def test_ctrl_c_keeps_the_turns_that_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    report = bench(monkeypatch, first=[slow_engine()], second=[slow_engine(ctrl_c_at(3))])
    (first,) = report.rows
    assert report.interrupted
    assert first.setup.engine == "first"
    assert first.pipeline is not None
    assert len(first.pipeline.rounds) == ROUNDS // 2
    assert report.probe is None


def test_auto_is_decided_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def load(model: str, *, engine: str, **_: Any) -> Engine:
        asked.append(engine)
        return slow_engine()

    monkeypatch.setattr(session, "load_engine", load)
    setups = [Setup("auto", "auto", stages, SIZE) for stages in (1, 2)]
    report = run_bench(setups, source="demo", seconds=0.04, arguments={})
    assert asked == ["auto", "auto", "fake", "fake"]
    assert [row.setup.engine for row in report.rows] == ["auto", "auto"]
    assert [row.engine_kind for row in report.rows] == ["fake", "fake"]


def test_a_budget_that_is_over_opens_no_more_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "load_engine", opener(a=[slow_engine()]))
    report = run_bench(
        [Setup(name, "auto", 1, SIZE) for name in "ab"],
        source="demo",
        seconds=0.04,
        arguments={},
        budget=1e-3,
    )
    assert len(report.rows) <= 1
    assert not report.interrupted


def test_a_budget_that_is_over_begins_no_more_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = chain(repeat(0.0, 3), repeat(99.0))  # begin, visit, first round; then it is over
    monkeypatch.setattr(session, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(session, "load_engine", opener(a=[slow_engine()]))
    setup = Setup("a", "auto", 1, SIZE)
    (row,) = run_bench([setup], source="demo", seconds=0.04, arguments={}, budget=10).rows
    assert row.engine is not None
    assert row.pipeline is not None
    assert len(row.engine.rounds) == len(row.pipeline.rounds) == 1
    (few,) = [line for line in row.warnings if line.startswith("p99 needs")]
    assert few.endswith("raise --budget")
