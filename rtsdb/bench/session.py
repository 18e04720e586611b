"""One `rtsdb bench`: every setup in its turn, and what is known about them in the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from time import perf_counter

from rtsdb.bench.derive import derive
from rtsdb.bench.frames import HELD, SIGMA, Footage, load_footage
from rtsdb.bench.host import describe_host
from rtsdb.bench.measure import ENCODER, VIEW, Turn, combine, engine_turn, pipeline_turn
from rtsdb.bench.model import ENGINE, PIPELINE, Probe, Report, Row, Setup
from rtsdb.bench.probe import probe_machine
from rtsdb.bench.quality import quality_of
from rtsdb.bench.setups import MODEL
from rtsdb.bench.warn import warnings_of
from rtsdb.engine import load_engine
from rtsdb.engine.base import EngineInfo
from rtsdb.errors import RtsdbError
from rtsdb.pipeline.run import ENGINE_SLOTS, IN_FLIGHT
from rtsdb.weights import find_model

ROUNDS = 4
"""Turns of each side of a setup; the sides take turns: engine, pipeline, engine, pipeline."""

PASSES = 2
"""How often a list of several setups is gone through, with half of the rounds each time: a machine
that grows warm or busy meanwhile is unfair to none of them."""

WARMUP_SECONDS = 1.0
"""Of each side, whenever an engine is opened; its record begins after that."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, and how many turns of how many are over."""


@dataclass
class Work:
    """A setup, and the turns that it has had by side."""

    setup: Setup
    turns: dict[str, list[Turn]] = field(default_factory=lambda: {ENGINE: [], PIPELINE: []})
    info: EngineInfo | None = None
    plan: str | None = None
    error: str | None = None


def run_bench(
    setups: Sequence[Setup],
    *,
    source: str,
    seconds: float,
    arguments: dict[str, object],
    budget: float | None = None,
    model: str = MODEL,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Measure setups; Ctrl-C ends with what there is so far.

    One engine is open at a time. A setup that fails has a row with the reason, or, if it was
    measured before, a warning. source: 'demo' or a file. seconds: for each side of a setup, warm-up
    not included. arguments: for the report. budget: seconds after which no engine is opened and no
    round begun; setups whose turn has not come by then have no row. model: as --model takes it.
    """
    passes = PASSES if len(setups) > 1 else 1
    rounds = ROUNDS // passes
    works = [Work(setup) for setup in setups]
    visits = works * passes
    turns = 2 * rounds  # of a visit
    footage = cache(partial(load_footage, source))
    machine, probe, interrupted = describe_host(), None, False
    deadline = math.inf if budget is None else perf_counter() + budget

    def tell(visit: int, what: str, done: int) -> None:
        progress(what, turns * visit + done, turns * len(visits))

    try:
        for number, work in enumerate(visits):
            if perf_counter() > deadline:
                break
            if work.error is None:
                report = partial(tell, number)
                _visit(work, model, footage, rounds, seconds / ROUNDS, deadline, report)
        precisions = {work.info.precision for work in works if work.info is not None}
        if precisions:
            tell(len(visits), "probing the machine", 0)
            probe = probe_machine(sorted(precisions))
    except KeyboardInterrupt:
        interrupted = True
    longer = "--seconds" if budget is None else "--budget"
    return Report(
        machine=machine,
        arguments=arguments,
        rows=tuple(_judged(row, model, probe, machine, longer) for row in _rows(works)),
        probe=probe,
        interrupted=interrupted,
        method={
            "rounds": ROUNDS,
            "passes": passes,
            "seconds_per_turn": seconds / ROUNDS,
            "warmup_seconds": WARMUP_SECONDS,
            "frames_under_way": IN_FLIGHT,
            "frames_in_memory": HELD,
            "demo_sigma": SIGMA,
            "view": VIEW,
            "encoder": ENCODER,
        },
    )


def _visit(
    work: Work,
    model: str,
    footage: Callable[[tuple[int, int]], Footage],
    rounds: int,
    seconds: float,
    deadline: float,
    report: Callable[[str, int], None],
) -> None:
    """Open a setup's engine and let both sides have their turns; a failure is noted.

    deadline: time on the `perf_counter` after which no round is begun.
    """
    setup = work.setup
    try:
        report(f"{setup}: opening", 0)
        frames = footage(setup.size)
        with load_engine(
            model,
            stages=setup.stages,
            engine=setup.engine if work.info is None else work.info.name,
            precision=setup.precision,
            tile=setup.tile,
            slots=ENGINE_SLOTS,
        ) as engine:
            engine.prepare(setup.size[1], setup.size[0])
            work.info, work.plan = engine.info, engine.plan
            classes = find_model(model, setup.stages).classes
            sides = {
                ENGINE: partial(engine_turn, engine, frames),
                PIPELINE: partial(pipeline_turn, engine, frames, classes),
            }
            for number in range(rounds):
                if perf_counter() > deadline:
                    break
                for place, (side, turn) in enumerate(sides.items()):
                    report(f"{setup}: {side}", 2 * number + place)
                    warmup = 0.0 if number else WARMUP_SECONDS
                    work.turns[side].append(turn(warmup=warmup, seconds=seconds))
    except RtsdbError as error:
        work.error = str(error)
    except Exception as error:  # of any library: the other setups are worth measuring still
        work.error = f"{type(error).__name__}: {error}"


def _rows(works: Sequence[Work]) -> list[Row]:
    """What was measured so far; a setup whose turn has not come has no row."""
    return [row for work in works if (row := _row(work)).engine or row.error]


def _row(work: Work) -> Row:
    sides = {name: combine(turns) for name, turns in work.turns.items() if turns}
    row = Row(work.setup, plan=work.plan, engine=sides.get(ENGINE), pipeline=sides.get(PIPELINE))
    if work.info is not None:
        info = work.info
        row = replace(
            row,
            engine_kind=info.name,
            precision=info.precision,
            model=info.model,
            device=info.device,
        )
    if work.error is not None:
        failed = {"warnings": (f"ended early: {work.error}",)} if sides else {"error": work.error}
        row = replace(row, **failed)
    return row


def _judged(
    row: Row, model: str, probe: Probe | None, machine: dict[str, object], longer: str
) -> Row:
    """A row with what follows from it. longer: as `warnings_of` takes it."""
    if row.error is not None:
        return row
    row = replace(row, derived=derive(row, probe, model), quality=quality_of(row.ran, model))
    return replace(row, warnings=(*row.warnings, *warnings_of(row, machine, longer)))
