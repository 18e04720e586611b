"""All settings that work here, measured within a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rtsdb.bench.model import Report, Row, Setup
from rtsdb.bench.session import PASSES, WARMUP_SECONDS, Progress, run_bench
from rtsdb.bench.setups import MODEL, parse_setups
from rtsdb.engine.registry import ENGINES, EngineKind
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.evaluation.model import find_stages
from rtsdb.machine import has_bf16

TILES = "none,1024x512"
"""Cuts that are tried; frames that fit into one tile are left whole."""

_LEAST_SECONDS = 1.0  # of a side


def sweep_setups(
    size: str,
    *,
    engine: str | None = None,
    precision: str | None = None,
    stages: str | None = None,
    tile: str | None = None,
    model: str = MODEL,
) -> tuple[Setup, ...]:
    """All combinations of what works on this machine, those of fewer blocks first.

    size: as `parse_setups` takes it, and so are the others: lists that the user typed. What is
    None or 'auto' is everything: engines that work here, their precisions (bfloat16 where the
    processor has it), all K of the model, and whole frames and `TILES`. Raises UsageError as
    `parse_setups` does, and where nothing is left.
    """
    engines = engine if engine not in (None, "auto") else ",".join(_working())
    if precision in (None, "auto"):
        every = dict.fromkeys(p for kind in ENGINES.values() for p in kind.precisions)
        precision = ",".join(p for p in every if p != "bf16" or has_bf16())
    setups = parse_setups(
        engine=engines,
        precision=precision,
        stages=stages or ",".join(map(str, find_stages(model, None))),
        size=size,
        tile=tile or TILES,
        model=model,
    )
    able = [setup for setup in setups if _has(setup) and (tile or _is_cut(setup))]
    if not able:
        raise UsageError(f"--engine {engines} --precision {precision}: nothing of it works here")
    return tuple(sorted(able, key=lambda setup: (setup.stages, setup.tile is not None)))


def run_sweep(
    setups: Sequence[Setup],
    *,
    source: str,
    budget: float,
    model: str = MODEL,
    arguments: dict[str, object],
    progress: Progress,
) -> Report:
    """Measure setups within a budget, which all share; rows that it was too short for say so.

    budget: seconds; a round that has begun is finished, and engines may have to be built. For the
    others see `run_bench`.
    """
    share = budget / len(setups) / 2 - PASSES * WARMUP_SECONDS
    report = run_bench(
        setups,
        source=source,
        seconds=max(share, _LEAST_SECONDS),
        budget=budget,
        model=model,
        arguments=arguments,
        progress=progress,
    )
    if report.interrupted:
        return report
    measured = {row.setup for row in report.rows}
    late = tuple(
        Row(setup, error=f"the {budget:g} s of --budget were over")
        for setup in setups
        if setup not in measured
    )
    return replace(report, rows=(*report.rows, *late))


def _working() -> list[str]:
    """Names of the engines that work here, in the order of the registry."""
    return [kind.name for kind in ENGINES.values() if _works(kind)]


def _works(kind: EngineKind) -> bool:
    try:
        kind.probe()
    except RtsdbError:
        return False
    return True


def _has(setup: Setup) -> bool:
    """Whether the engine has the precision; one that does not exist gets a row that says so."""
    kind = ENGINES.get(setup.engine)
    return kind is None or setup.precision in kind.precisions


def _is_cut(setup: Setup) -> bool:
    """Whether a frame is whole on purpose, or really has several tiles."""
    return setup.tile is None or any(
        side > part for side, part in zip(setup.size, setup.tile, strict=True)
    )
