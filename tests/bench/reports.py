"""Reports made by hand, with frame times that a seed decides."""

from __future__ import annotations

import numpy as np

from rtsdb.bench.distribution import distribution
from rtsdb.bench.model import Derived, Load, Probe, Quality, Report, Round, Row, Setup, Side

SETUP = Setup("auto", "fp32", 1, (1280, 720))

PIPELINE_STAGES = {
    "capture": 0.02,
    "wait for engine": 0.2,
    "estimate": 0.04,
    "gather": 0.01,
    "infer": 0.5,
    "stitch": 0.01,
    "wait for render": 0.02,
    "render": 0.1,
    "encode": 0.1,
}
ENGINE_STAGES = {"gather": 0.02, "infer": 0.96, "stitch": 0.02}

MACHINE: dict[str, object] = {
    "cpu": "a CPU",
    "system": "Linux",
    "versions": {"python": "3.10.1", "rtsdb": "0.1.0", "numpy": "2.4"},
    "date": "2026-11-22T12:00:00+00:00",
}


def make_side(
    ms: float = 40.0, *, shares: dict[str, float] = PIPELINE_STAGES, rounds: int = 4, seed: int = 0
) -> Side:
    """Rounds of 10 frames that take about `ms`, of which each stage has its share."""
    rng = np.random.default_rng(seed)
    times = ms * rng.lognormal(0, 0.05, (rounds, 10))
    turns = tuple(Round(tuple(map(float, turn)), 2000 / float(turn.mean())) for turn in times)
    return Side(
        stages={name: distribution(list(share * times.ravel())) for name, share in shares.items()},
        latency=distribution(list(times.ravel())),
        fps=float(np.median([turn.fps for turn in turns])),
        rounds=turns,
        warmup_ms=(3 * ms, 2 * ms, *map(float, ms * rng.lognormal(0, 0.05, 4))),
        load=Load(cpu_percent=170.0, rss_mb=512.0),
        dropped={},
    )


def make_row(setup: Setup = SETUP, ms: float = 40.0, *, rounds: int = 4, seed: int = 0) -> Row:
    """A setup whose frames take `ms` in the bare engine, and twice as long from end to end."""
    return Row(
        setup,
        engine_kind="openvino" if setup.engine == "auto" else setup.engine,
        precision=setup.precision,
        model=f"rt K={setup.stages}",
        device="a CPU",
        plan="whole frame",
        engine=make_side(ms, shares=ENGINE_STAGES, rounds=rounds, seed=seed),
        pipeline=make_side(2 * ms, rounds=rounds, seed=seed + 1),
        derived=Derived(
            2e10, 3e9, 13.0 * setup.stages, 40 / ms * setup.stages, 0.5, 0.3, "compute"
        ),
        quality=Quality("awgn:25", 30.0 + 0.2 * setup.stages, 59.0 + setup.stages),
    )


def make_report(*rows: Row) -> Report:
    """A report of `rows`, or of one ordinary row."""
    return Report(
        machine=MACHINE,
        arguments={"command": "rtsdb bench", "source": "demo", "seconds": 10.0},
        rows=rows or (make_row(),),
        probe=Probe({"fp32": 2.0, "int8": 5.0}, 40.0),
        method={"rounds": 4},
    )
