"""What the plots of a report have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rtsdb.bench.model import Report, Setup
from rtsdb.figures import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

GRID = 0.3
"""Opacity of grid lines."""

GREY = "#D9D9D9"
"""Of what is not the matter itself: waiting, warm-up."""

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, "black")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


class Point(NamedTuple):
    """How a setup is drawn: by colour and by shape, either of which tells few setups apart."""

    colour: str
    marker: str


def points(setups: Iterable[Setup]) -> dict[Setup, Point]:
    """Each setup's own point, as long as there are no more than 56."""
    return {
        setup: Point(_COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)])
        for number, setup in enumerate(dict.fromkeys(setups))
    }


def legend(figure: Figure, looks: dict[Setup, Point], others: Sequence[Line2D] = ()) -> None:
    """Beside the axes: which setup is which point, and what other lines are."""
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=str(setup))
        for setup, (colour, marker) in looks.items()
    ]
    figure.legend(handles=[*handles, *others], loc="outside lower center", ncols=3)


def place_and_time(report: Report) -> str:
    """On what and when it was measured."""
    return f"{report.machine.get('cpu', '')}, {report.machine.get('date', '')}"
