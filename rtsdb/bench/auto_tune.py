"""The setting that suits this machine and a source: `rtsdb run --auto-tune`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter

from rtsdb.bench.frames import DEMO
from rtsdb.bench.model import Setup
from rtsdb.bench.pareto import TARGET_FPS, Candidate, Recommendation, held_fps, recommend
from rtsdb.bench.quality import quality_of
from rtsdb.bench.session import Progress
from rtsdb.bench.sweep import run_sweep, sweep_setups
from rtsdb.bench.tuning import load_tried, save_tried
from rtsdb.engine.registry import find_engine
from rtsdb.errors import RtsdbError
from rtsdb.video.frame import SourceInfo

BUDGET = 60.0
"""Seconds to measure for; what does not get its turn is measured by the next call."""


def auto_tune(
    info: SourceInfo,
    *,
    model: str,
    engine: str | None,
    precision: str | None,
    stages: str | None,
    tile: str | None,
    progress: Progress,
) -> Recommendation:
    """The best setting that holds the source's own rate, by what sweeps found on this machine.

    Sources without a rate, as images and some cameras, are taken at `TARGET_FPS`. What no sweep
    has measured yet is measured first, as `rtsdb bench` does, on drawn frames of the source's
    size, and kept. engine, precision, stages, tile: what must stay as it is, as `sweep_setups`
    takes it. Raises KeyboardInterrupt when a sweep is interrupted, UsageError for an engine that
    does not exist, and RtsdbError for one that does not work here, and where nothing can be
    measured.
    """
    if engine not in (None, "auto"):
        find_engine(engine).probe()
    wanted = sweep_setups(
        f"{info.width}x{info.height}",
        engine=engine,
        precision=precision,
        stages=stages,
        tile=tile,
        model=model,
    )
    target = float(info.rate or TARGET_FPS)
    rates = {one.setup: one.fps for one in load_tried(model, (info.width, info.height))}
    _measure_missing(rates, wanted, model, target, progress)
    of = [Candidate(s, rates[s], quality_of(s, model)) for s in wanted if s in rates]
    if not of:
        raise RtsdbError(
            f"--auto-tune: nothing could be measured at {info.width}x{info.height} pixels; "
            "'rtsdb bench' says why"
        )
    return recommend(of, target)


def _measure_missing(
    rates: dict[Setup, float],
    wanted: Sequence[Setup],
    model: str,
    target_fps: float,
    progress: Progress,
) -> None:
    """Add to `rates` what is wanted and not there, block by block: more are never faster."""
    deadline = perf_counter() + BUDGET
    for stages in sorted({setup.stages for setup in wanted}):
        missing = [
            setup
            for setup in wanted
            if setup.stages == stages
            and setup not in rates
            and not _is_too_slow(setup, rates, target_fps)
        ]
        left = deadline - perf_counter()
        if missing and left > 0:
            report = run_sweep(
                missing, source=DEMO, budget=left, model=model, arguments={}, progress=progress
            )
            if report.interrupted:
                raise KeyboardInterrupt
            save_tried(model, report.rows)
            rates |= {row.ran: fps for row in report.rows if (fps := held_fps(row)) is not None}


def _is_too_slow(setup: Setup, rates: Mapping[Setup, float], target_fps: float) -> bool:
    """Whether it misses the rate with fewer blocks already."""
    fewer = (replace(setup, stages=stages) for stages in range(1, setup.stages))
    return any(rates.get(one, target_fps) < target_fps for one in fewer)
