"""How steady a frame's latency is: frame by frame and as a histogram, setup by setup."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rtsdb.bench.model import Report, Side
from rtsdb.bench.plots.style import GREY, GRID, place_and_time
from rtsdb.figures import BLUE, VERMILION

BINS = 40

HEADING, LINE = 1.1, 2.7
"""Heights in inches of the figure's heading and of what shows one setup."""

LEAST_RANGE = 0.1
"""Of the median, to either side, that the axis shows at least: steady latencies look steady."""


def draw_latency(report: Report) -> Figure | None:
    """For each setup that was measured, time line and histogram of both sides."""
    rows = [row for row in report.rows if row.engine is not None]
    if not rows:
        return None
    height = HEADING + LINE * len(rows)
    figure = Figure(figsize=(14, height))
    grid = figure.add_gridspec(
        len(rows),
        2,
        left=0.05,
        right=0.985,
        top=1 - HEADING / height,
        bottom=0.2 * LINE / height,
        wspace=0.12,
        hspace=0.6,
    )
    for number, row in enumerate(rows):
        for place, (name, side) in enumerate((("engine", row.engine), ("pipeline", row.pipeline))):
            if side is None:
                continue
            cell = grid[number, place].subgridspec(1, 2, width_ratios=(5, 1), wspace=0.03)
            timeline = figure.add_subplot(cell[0])
            histogram = figure.add_subplot(cell[1], sharey=timeline)
            _draw_timeline(timeline, side)
            _draw_histogram(histogram, side)
            of = side.latency
            timeline.set_title(
                f"{row.name}\n{name}: p50 {of.p50:.1f}, p99 {of.p99:.1f}, max {of.max:.1f} ms",
                loc="left",
                fontsize="medium",
            )
    figure.text(
        0.05,
        1 - 0.15 / height,
        f"Latency of every frame, {place_and_time(report)}\n"
        "engine: from submit to result; pipeline: from capture to output; the colour changes with "
        "the round; grey: before the record (triangles: beyond the axis)",
        va="top",
    )
    return figure


def _draw_timeline(axes: Axes, side: Side) -> None:
    """All frames in order, round after round, behind a grey part of those before the record.

    What of the latter lies beyond the range of the record is a triangle at the edge.
    """
    low, high = _range(side)
    axes.set(ylim=(low, high), xlabel="frame", ylabel="ms")
    axes.grid(axis="y", alpha=GRID)
    before = np.array(side.warmup_ms)
    axes.axvspan(-before.size - 0.5, -0.5, color=GREY, alpha=0.5, linewidth=0)
    for marker, which in (
        (".", (before >= low) & (before <= high)),
        ("^", before > high),
        ("v", before < low),
    ):
        places = np.flatnonzero(which)
        shown = before[places].clip(low, high)
        axes.plot(places - before.size, shown, marker, color="black", markersize=5, clip_on=False)
    start = 0
    for number, turn in enumerate(side.rounds):
        places = np.arange(start, start + len(turn.frames_ms))
        colour = (BLUE, VERMILION)[number % 2]
        axes.plot(
            places,
            turn.frames_ms,
            ".-",
            color=colour,
            linewidth=0.5,
            markersize=4,
            rasterized=True,  # thousands of points would make SVG files of many megabytes
        )
        start += places.size
    axes.set_xlim(-before.size - 0.5, start - 0.5)


def _draw_histogram(axes: Axes, side: Side) -> None:
    """How many frames of the record took how long, on the time line's axis of durations."""
    frames = [ms for turn in side.rounds for ms in turn.frames_ms]
    axes.hist(frames, BINS, range=_range(side), orientation="horizontal", color=BLUE)
    axes.set_xlabel("frames")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=2, integer=True))
    axes.tick_params(axis="y", labelleft=False, length=0)
    axes.grid(axis="y", alpha=GRID)


def _range(side: Side) -> tuple[float, float]:
    """Of durations in ms: those of the record, with a margin."""
    latency = side.latency
    low = min(latency.min, (1 - LEAST_RANGE) * latency.p50)
    high = max(latency.max, (1 + LEAST_RANGE) * latency.p50)
    margin = 0.05 * (high - low)
    return low - margin, high + margin
