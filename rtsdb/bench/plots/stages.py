"""Where the time goes: mean durations of the stages, one after another, setup by setup."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from rtsdb.bench.model import Report, Side
from rtsdb.bench.plots.style import GREY, GRID, place_and_time
from rtsdb.figures import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW

LOOKS = {
    "capture": (SKY, ""),
    "wait for engine": (GREY, "///"),
    "estimate": (YELLOW, ""),
    "gather": (GREEN, ""),
    "infer": (BLUE, ""),
    "stitch": (PURPLE, ""),
    "wait for render": (GREY, "..."),
    "measure": ("black", ""),
    "render": (ORANGE, ""),
    "encode": (VERMILION, ""),
}
"""Colour and hatching of each stage; waiting is grey."""

DARK = {BLUE, VERMILION, "black"}

NARROW = 0.045
"""Share of the longest bar below which a stage has no room for its number."""


def draw_stages(report: Report) -> Figure | None:
    """Under each setup's name, a bar for its pipeline and one for its bare engine.

    Means, since they add up to the mean of the whole, as medians do not.
    """
    rows = [row for row in report.rows if row.engine is not None]
    if not rows:
        return None
    figure = Figure(figsize=(12, 2 + 0.95 * len(rows)), layout="constrained")
    axes = figure.subplots()
    sides = [
        (name, side, 3 * number + place)
        for number, row in enumerate(rows)
        for name, side, place in (("pipeline", row.pipeline, 0.8), ("bare engine", row.engine, 1.7))
        if side is not None
    ]
    longest = max(_whole(side) for _, side, _ in sides)
    for _, side, place in sides:
        _draw_bar(axes, side, place, longest)
    for number, row in enumerate(rows):
        axes.text(0, 3 * number + 0.1, f" {row.name}", va="center", fontweight="bold")
    axes.set_yticks([place for *_, place in sides], [name for name, *_ in sides])
    axes.set(xlim=(0, 1.2 * longest), ylim=(3 * len(rows) - 0.7, -0.5))
    axes.set_xlabel("ms, mean of each stage; at the end of a bar: their sum, and the rate")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=GRID)
    axes.set_axisbelow(True)
    used = dict.fromkeys(name for _, side, _ in sides for name in side.stages)
    patches = [Patch(label=name, **_look(name)) for name in used]
    figure.legend(handles=patches, loc="outside lower center", ncols=5)
    figure.suptitle(f"Where the time of a frame goes, {place_and_time(report)}")
    return figure


def _draw_bar(axes: Axes, side: Side, place: float, longest: float) -> None:
    """Stages from left to right, and behind them what they add up to."""
    left = 0.0
    for name, stage in side.stages.items():
        look = _look(name)
        axes.barh(place, stage.mean, 0.8, left, **look)
        if stage.mean > NARROW * longest:
            axes.text(
                left + stage.mean / 2,
                place,
                f"{stage.mean:.1f}",
                ha="center",
                va="center",
                color="white" if look["facecolor"] in DARK else "black",
                bbox={"facecolor": look["facecolor"], "edgecolor": "none", "pad": 1},
            )
        left += stage.mean
    axes.text(left, place, f"  {left:.1f} ms, {side.fps:.1f} fps", va="center")


def _whole(side: Side) -> float:
    return sum(stage.mean for stage in side.stages.values())


def _look(stage: str) -> dict[str, Any]:
    """How the part of a bar is filled that is a stage."""
    colour, hatch = LOOKS.get(stage, ("white", "xxx"))
    return {"facecolor": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
