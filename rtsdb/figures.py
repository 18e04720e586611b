"""What pictures of results share: colours that everyone can tell apart, and whole files.

Needs matplotlib, as all that imports it does.
"""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from rtsdb.files import write_bytes

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442",
)  # fmt: skip
"""Colours that people with any kind of colour vision can tell apart (Okabe and Ito, "Color
Universal Design", 2008)."""


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture in one piece, as PNG or SVG by its name; the same figure, the same bytes."""
    kind = path.suffix[1:]
    content = io.BytesIO()
    if kind == "svg":
        with matplotlib.rc_context({"svg.hashsalt": path.name}):
            figure.savefig(content, format=kind, dpi=200, metadata={"Date": None})
    else:
        figure.savefig(content, format=kind, dpi=100)
    write_bytes(content.getvalue(), path)
