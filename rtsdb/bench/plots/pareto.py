"""What speed costs in quality: rate against PSNR and mIoU, and the front of the best."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtsdb.bench.model import Report, Setup
from rtsdb.bench.pareto import Candidate, candidates, front
from rtsdb.bench.plots.style import GRID, Point, legend, place_and_time, points

MERITS = {"psnr": "PSNR, dB", "miou": "mIoU, %"}


def draw_pareto(report: Report) -> Figure | None:
    """A line of axes for each size of frames that has two settings of known quality or more."""
    known = [one for one in candidates(report.rows) if one.quality is not None]
    sizes = dict.fromkeys(one.setup.size for one in known)
    groups = [[one for one in known if one.setup.size == size] for size in sizes]
    groups = [group for group in groups if len(group) > 1]
    if not groups:
        return None
    looks = points(one.setup for group in groups for one in group)
    figure = Figure(figsize=(14, 1 + 4.5 * len(groups)), layout="constrained")
    lines = figure.subplots(len(groups), len(MERITS), squeeze=False)
    for group, line in zip(groups, lines, strict=True):
        for axes, (merit, name) in zip(line, MERITS.items(), strict=True):
            _draw(axes, group, merit, looks)
            axes.set(title="{}x{}".format(*group[0].setup.size), ylabel=name)
    legend(figure, looks)
    noises = " and ".join(sorted({one.quality.noise for one in known if one.quality is not None}))
    figure.suptitle(
        f"Rate of the slowest round against quality at {noises}; filled: no other setting "
        f"is better in one of the three and no worse in the others\n{place_and_time(report)}"
    )
    return figure


def _draw(axes: Axes, group: Sequence[Candidate], merit: str, looks: dict[Setup, Point]) -> None:
    """One merit against the rate; the front's points are filled, and joined."""
    best = sorted(front(group), key=lambda one: one.fps)
    axes.plot(
        [one.fps for one in best], [getattr(one.quality, merit) for one in best], color="lightgrey"
    )
    for one in group:
        colour, marker = looks[one.setup]
        axes.plot(
            one.fps,
            getattr(one.quality, merit),
            marker,
            color=colour,
            markersize=9,
            fillstyle="full" if one in best else "none",
        )
    axes.set_xlabel("fps")
    axes.margins(0.08)
    axes.set_xlim(left=0)
    axes.grid(alpha=GRID)
