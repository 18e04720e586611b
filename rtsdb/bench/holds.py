"""The largest frames that hold a rate: those measured, and an estimate between and beyond them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rtsdb.bench.model import Row
from rtsdb.bench.pareto import held_fps
from rtsdb.tiling import MIN_SIDE, MULTIPLE

FORMULA = "pixels = pixels measured x fps measured / target, of the rate nearest to the target"
"""How sizes that were not measured are estimated: a frame's time grows with its pixels."""


@dataclass(frozen=True)
class Largest:
    """How large frames may be for K blocks at a rate; sizes are (width, height).

    row: of the largest frames that held it, the fastest of that size; None where no measured size
    did. estimated: a larger size by `FORMULA`, in the shape of the frames it starts from and in
    multiples of 32; None where that is not larger, or does not work.
    """

    stages: int
    row: Row | None
    estimated: tuple[int, int] | None


def largest(rows: Sequence[Row], target_fps: float) -> list[Largest]:
    """For every K, the largest frames whose pipeline held a rate (`rtsdb.bench.pareto.held_fps`).

    >>> largest([], 30)
    []
    """
    fastest: dict[tuple[int, tuple[int, int]], tuple[float, Row]] = {}
    for row in rows:
        fps = held_fps(row)
        if fps is not None:
            key = row.setup.stages, row.setup.size
            fastest[key] = max(fastest.get(key, (fps, row)), (fps, row), key=lambda one: one[0])
    return [
        _largest(stages, [one for (k, _), one in fastest.items() if k == stages], target_fps)
        for stages in sorted({stages for stages, _ in fastest})
    ]


def _largest(stages: int, measured: Sequence[tuple[float, Row]], target_fps: float) -> Largest:
    """measured: rate and row of the fastest setup of every size."""
    holding = [row for fps, row in measured if fps >= target_fps]
    row = max(holding, key=_pixels, default=None)
    fps, nearest = min(measured, key=lambda one: abs(math.log(one[0] / target_fps)))
    size = _scaled(nearest.setup.size, fps / target_fps)
    above = 0 if row is None else _pixels(row)
    below = min((_pixels(r) for f, r in measured if f < target_fps), default=math.inf)
    fits = min(size) >= MIN_SIDE and above < math.prod(size) < below
    return Largest(stages, row, size if fits else None)


def _pixels(row: Row) -> int:
    return math.prod(row.setup.size)


def _scaled(size: tuple[int, int], pixels: float) -> tuple[int, int]:
    """A size of `pixels` times as many pixels, rounded down.

    >>> _scaled((1280, 720), 4.0)
    (2560, 1440)
    """
    width, height = (MULTIPLE * int(side * math.sqrt(pixels) / MULTIPLE) for side in size)
    return width, height
