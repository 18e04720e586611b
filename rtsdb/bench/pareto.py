"""Which settings are worth choosing: rate against quality, and the best one that is fast enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rtsdb.bench.model import Quality, Row, Setup

TARGET_FPS = 30.0
"""The rate to hold where nobody says another."""


@dataclass(frozen=True)
class Candidate:
    """A setting that was measured. setup: what ran, nothing in it is 'auto'. fps: see `held_fps`.

    quality: None where the shipped results say nothing of it.
    """

    setup: Setup
    fps: float
    quality: Quality | None


@dataclass(frozen=True)
class Recommendation:
    """The setting to take for a rate, and whether it holds that rate."""

    candidate: Candidate
    target_fps: float
    holds: bool


def held_fps(row: Row) -> float | None:
    """Frames per second of the slowest round of the pipeline; None where it was not measured.

    The rate counts, not the latency: frames pass the stages side by side and queues even them
    out, so a source loses none as long as the pipeline keeps up on average. The slowest round
    counts, since what only half of the rounds reach is not held.
    """
    return None if row.pipeline is None else min(turn.fps for turn in row.pipeline.rounds)


def candidates(rows: Sequence[Row]) -> list[Candidate]:
    """What was measured whole; setups that turned out to be the same engine count once."""
    found: dict[Setup, Candidate] = {}
    for row in rows:
        fps = held_fps(row)
        if fps is not None:
            found.setdefault(row.ran, Candidate(row.ran, fps, row.quality))
    return list(found.values())


def front(of: Sequence[Candidate]) -> list[Candidate]:
    """The Pareto front: those that no other beats in rate or quality without losing in another."""
    merits = _merits(of)
    worth = {one.setup: (one.fps, *merits[one.setup]) for one in of}
    return [one for one in of if not any(_beats(w, worth[one.setup]) for w in worth.values())]


def recommend(of: Sequence[Candidate], target_fps: float) -> Recommendation:
    """The best in quality of those that hold a rate, the fastest of equals.

    Best is the higher PSNR, then mIoU, both as far as their tables show digits. Where none holds
    the rate, it is the fastest. Raises ValueError for nothing to choose from.

    >>> def measured(stages, fps):
    ...     return Candidate(Setup("openvino", "fp32", stages, (640, 360)), fps, None)
    >>> of = [measured(1, 70.0), measured(2, 38.0), measured(3, 26.0)]
    >>> [recommend(of, fps).candidate.setup.stages for fps in (25, 30, 60, 120)]
    [3, 2, 1, 1]
    >>> recommend(of, 120).holds
    False
    """
    merits = _merits(of)
    holding = [one for one in of if one.fps >= target_fps]
    if holding:
        best = max(holding, key=lambda one: (merits[one.setup], one.fps))
    else:
        best = max(of, key=lambda one: one.fps)
    return Recommendation(best, target_fps, bool(holding))


def _merits(of: Sequence[Candidate]) -> dict[Setup, tuple[float, float]]:
    """PSNR and mIoU; where one is unknown, for all the number of blocks, and whether not INT8."""
    known = {one.setup: one.quality for one in of if one.quality is not None}
    if len(known) == len(of):
        return {setup: (round(q.psnr, 2), round(q.miou, 1)) for setup, q in known.items()}
    return {one.setup: (one.setup.stages, one.setup.precision != "int8") for one in of}


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))
