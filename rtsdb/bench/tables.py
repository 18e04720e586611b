"""What follows from measured rows for those who must choose a setting, as tables of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rtsdb.bench import estimate, holds
from rtsdb.bench.model import Report
from rtsdb.bench.pareto import (
    TARGET_FPS,
    Candidate,
    Recommendation,
    candidates,
    front,
    held_fps,
    recommend,
)
from rtsdb.bench.quality import NOISE


@dataclass(frozen=True)
class Table:
    """Headings and rows of text; the first `names` columns are names, the others numbers.

    note: what a reader must know, beneath.
    """

    title: str
    headings: tuple[str, ...]
    rows: list[list[str]]
    names: int
    note: str = ""


def choice_tables(report: Report) -> list[Table]:
    """The largest frames that hold the report's target rate; rate against quality by frame size.

    What there is nothing to choose from is left out.
    """
    target = target_fps(report)
    tables = [_holds_table(found, target)] if (found := holds.largest(report.rows, target)) else []
    for size in dict.fromkeys(row.setup.size for row in report.rows):
        of = candidates([row for row in report.rows if row.setup.size == size])
        if len(of) > 1:
            tables.append(_pareto_table(of, target))
    return tables


def estimate_table(estimates: Sequence[estimate.Estimate]) -> Table:
    """Estimates, with the formula and the sources beneath."""
    gpus = {one.setup.engine: estimate.GPUS[one.setup.engine] for one in estimates}
    sources = "; ".join(f"{gpu.title}: {gpu.source}" for gpu in gpus.values())
    return Table(
        "ESTIMATE, NOT MEASURED: the network alone",
        ("GPU", "frames", "precision", "K", "fps", "bound by"),
        [
            [
                gpus[one.setup.engine].title,
                _size(one.setup.size),
                one.setup.precision,
                str(one.setup.stages),
                " to ".join(map(_rough, one.fps)),
                one.bound,
            ]
            for one in estimates
        ],
        names=3,
        note=f"{estimate.FORMULA}. Peaks: {sources}.",
    )


def advice(found: Recommendation) -> str:
    """A recommendation in a line.

    >>> from rtsdb.bench.model import Setup
    >>> advice(Recommendation(Candidate(Setup("torch", "fp32", 1, (64, 64)), 9.5, None), 30, False))
    'none holds 30 fps; the fastest is torch fp32 K=1 64x64, at 9.5 fps'
    """
    held = f"{found.candidate.setup}, at {found.candidate.fps:.1f} fps"
    if found.holds:
        return f"for {found.target_fps:g} fps take {held}"
    return f"none holds {found.target_fps:g} fps; the fastest is {held}"


def target_fps(report: Report) -> float:
    """The rate that a report's settings are judged by."""
    asked = report.arguments.get("target_fps")
    return float(asked) if isinstance(asked, (int, float)) else TARGET_FPS


def _holds_table(found: Sequence[holds.Largest], target: float) -> Table:
    rows = []
    for one in found:
        row = one.row
        fps = None if row is None else held_fps(row)
        rows.append(
            [
                str(one.stages),
                "none" if row is None else str(row.ran),
                "-" if fps is None else f"{fps:.1f}",
                "-" if one.estimated is None else f"about {_size(one.estimated)}",
            ]
        )
    return Table(
        f"largest frames that hold {target:g} fps",
        ("K", "measured", "fps", "not measured, estimated"),
        rows,
        names=2,
        note=f"estimate: {holds.FORMULA}",
    )


def _pareto_table(of: Sequence[Candidate], target: float) -> Table:
    choice = {one.setup: "front" for one in front(of)}
    found = recommend(of, target)
    if found.holds:
        choice[found.candidate.setup] = "recommended"
    return Table(
        f"rate against quality, {_size(of[0].setup.size)}: {advice(found)}",
        ("setting", "choice", "fps", "PSNR, dB", "mIoU, %"),
        [
            [str(one.setup), choice.get(one.setup, ""), f"{one.fps:.1f}", *_quality(one)]
            for one in sorted(of, key=lambda one: -one.fps)
        ],
        names=2,
        note=f"fps: of the slowest round of the pipeline; quality: shipped results at {NOISE}; "
        "front: no other setting is better in one of the three and no worse in the others",
    )


def _quality(one: Candidate) -> tuple[str, str]:
    if one.quality is None:
        return "-", "-"
    return f"{one.quality.psnr:.2f}", f"{one.quality.miou:.1f}"


def _rough(fps: float) -> str:
    """A rate with no more digits than an estimate has."""
    return f"{fps:.0f}" if fps >= 10 else f"{fps:.1f}"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
