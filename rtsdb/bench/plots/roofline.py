"""How much of the machine the engine uses: below the roofs that its probed peaks are.

Williams et al., "Roofline: An Insightful Visual Performance Model for Multicore Architectures",
Communications of the ACM 52(4), 2009.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from rtsdb.bench.derive import peaks_of
from rtsdb.bench.model import Probe, Report, Row
from rtsdb.bench.plots.style import GRID, legend, place_and_time, points
from rtsdb.engine.registry import is_on_gpu

LINES = ("-", "--", "-.", ":")


class Roof(NamedTuple):
    """What a device reaches at most in a precision: by computing, and by copying."""

    name: str
    tflops: float
    copy_gbs: float


def draw_roofline(report: Report) -> Figure | None:
    """Rate of the engine over operations per byte, for every setup where both are known."""
    rows = [row for row in report.rows if row.derived is not None]
    roofs = [] if report.probe is None else find_roofs(report.probe, rows)
    if not roofs:
        return None
    known = [(row.ran, row.derived) for row in rows if row.derived is not None]
    ridges = [1000 * roof.tflops / roof.copy_gbs for roof in roofs]
    left, right = _decades([*ridges, *(derived.intensity for _, derived in known)])
    bottom, top = _decades([*(roof.tflops for roof in roofs), *(d.tflops for _, d in known)])
    figure = Figure(figsize=(12, 6), layout="constrained")
    axes = figure.subplots()
    intensity = np.geomspace(left, right, 500)
    for number, roof in enumerate(roofs):
        attainable = np.minimum(roof.tflops, intensity * roof.copy_gbs / 1000)
        name = f"roof: {roof.name}, {roof.tflops:.3g} TFLOP/s, {roof.copy_gbs:.3g} GB/s"
        style = LINES[number % len(LINES)]
        axes.plot(intensity, attainable, style, color="black", linewidth=1, label=name)
    looks = points(setup for setup, _ in known)
    for setup, derived in known:
        colour, marker = looks[setup]
        axes.plot(derived.intensity, derived.tflops, marker, color=colour, markersize=9)
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(left, right),
        ylim=(bottom, top),
        xlabel="operations per byte moved",
        ylabel="TFLOP/s",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.grid(which="both", alpha=GRID)
    legend(figure, looks, axes.get_lines()[: len(roofs)])
    figure.suptitle(f"Rate of the bare engine, median of infer, {place_and_time(report)}")
    return figure


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """The powers of ten around values, with room on both sides.

    >>> _decades([0.15, 2.0, 7.0])
    (0.01, 100.0)
    """
    low, high = math.log10(min(values) / 2), math.log10(2 * max(values))
    return 10.0 ** math.floor(low), 10.0 ** math.ceil(high)


def find_roofs(probe: Probe, rows: Sequence[Row]) -> list[Roof]:
    """The roofs over `rows`: one for each device and precision that ran and was probed."""
    found: dict[tuple[bool, str], Roof] = {}
    for row in rows:
        on_gpu, precision = is_on_gpu(row.ran.engine), row.ran.precision
        tflops, copy_gbs = peaks_of(row, probe)
        if tflops is not None and copy_gbs is not None:
            name = f"GPU, {precision}" if on_gpu else precision
            found[on_gpu, precision] = Roof(name, tflops, copy_gbs)
    return list(found.values())
