"""Cut a frame into equal tiles that overlap by a halo, and put their middles together again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtsdb.errors import UsageError

MULTIPLE = 32
"""Tile sides and positions are multiples of this, so that every tile meets the network's strides
at the same phase as the whole frame does."""

HALO = 128
"""Context around a tile, in pixels. The denoisers see less than 64 pixels far; the segmenter, which
steers them, sees further: benchmarks/tile_halo.py measures how much of its labels changes at each
halo."""

MIN_SIDE = 64
"""Smallest frame side that is processed."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Span:
    """One tile along one axis: input starts at `start`; rows [keep, stop) of the frame are its."""

    start: int
    keep: int
    stop: int


@dataclass(frozen=True)
class TilePlan:
    """Where the tiles of a frame lie.

    height, width: the frame's. tile_height, tile_width: every tile's input. rows, columns: the
    tiles' places; tile i is at rows[i // len(columns)], columns[i % len(columns)].
    """

    height: int
    width: int
    tile_height: int
    tile_width: int
    halo: int
    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def count(self) -> int:
        """Number of tiles."""
        return len(self.rows) * len(self.columns)

    @property
    def identity(self) -> bool:
        """Whether the only tile is the frame itself, so that nothing needs copying."""
        return (self.tile_height, self.tile_width) == (self.height, self.width)

    def spans(self) -> Iterator[tuple[Span, Span]]:
        """Rows and columns of every tile, in order."""
        for row in self.rows:
            for column in self.columns:
                yield row, column

    def __str__(self) -> str:
        """One line for reports, such as '4 tiles of 1120x608, halo 96'."""
        size = f"{self.tile_width}x{self.tile_height}"
        return (
            f"whole frame, {size}"
            if self.count == 1
            else (f"{self.count} tiles of {size}, halo {self.halo}")
        )


def plan_tiles(
    height: int, width: int, tile: tuple[int, int] | None = None, *, halo: int = HALO
) -> TilePlan:
    """Plan tiles whose kept parts are at most `tile` = (width, height) pixels; None: one tile.

    Frames are extended to multiples of 32 by reflection to the right and below. Tiles touching
    an edge of the frame have no halo there. Raises UsageError for frames under 64 pixels, and
    for tiles or halos that are not positive multiples of 32.

    >>> plan = plan_tiles(1024, 2048, (1024, 512), halo=96)
    >>> plan.count, plan.tile_width, plan.tile_height
    (4, 1120, 608)
    """
    if min(height, width) < MIN_SIDE:
        raise UsageError(
            f"frames of {width}x{height} pixels: the smallest side that works is {MIN_SIDE}"
        )
    if halo < 0 or halo % MULTIPLE:
        raise UsageError(f"--halo {halo}: give a multiple of {MULTIPLE}")
    keep = tile or (width, height)
    if tile is not None and any(side <= 0 or side % MULTIPLE for side in tile):
        raise UsageError(f"--tile {tile[0]}x{tile[1]}: both sides are multiples of {MULTIPLE}")
    tile_width, columns = _plan_axis(width, keep[0], halo)
    tile_height, rows = _plan_axis(height, keep[1], halo)
    return TilePlan(height, width, tile_height, tile_width, halo, rows, columns)


def parse_tile(text: str) -> tuple[int, int] | None:
    """Read --tile: 'none' or WIDTHxHEIGHT.

    >>> parse_tile("1024x512"), parse_tile("none")
    ((1024, 512), None)
    """
    if text == "none":
        return None
    sides = _sides(text)
    if sides is None:
        raise UsageError(f"--tile {text}: give 'none' or WIDTHxHEIGHT, such as 1024x512")
    return sides


def parse_size(text: str) -> tuple[int, int]:
    """Read --size, WIDTHxHEIGHT.

    >>> parse_size("2048x1024")
    (2048, 1024)
    """
    sides = _sides(text)
    if sides is None:
        raise UsageError(f"--size {text}: give WIDTHxHEIGHT, such as 2048x1024")
    return sides


def gather(plan: TilePlan, frame: Pixels, tiles: Sequence[Pixels]) -> None:
    """Copy a frame [H, W, 3] into its tiles, each [tile_height, tile_width, 3]."""
    for (row, column), into in zip(plan.spans(), tiles, strict=True):
        for to_rows, from_rows in _pieces(row.start, plan.tile_height, plan.height):
            for to_columns, from_columns in _pieces(column.start, plan.tile_width, plan.width):
                into[to_rows, to_columns] = frame[from_rows, from_columns]


def stitch(plan: TilePlan, tiles: Sequence[Pixels], into: Pixels) -> None:
    """Copy the kept part of every tile [tile_height, tile_width, ...] to its place in a frame."""
    for (row, column), tile in zip(plan.spans(), tiles, strict=True):
        into[row.keep : row.stop, column.keep : column.stop] = tile[
            row.keep - row.start : row.stop - row.start,
            column.keep - column.start : column.stop - column.start,
        ]


def _pieces(start: int, size: int, length: int) -> list[tuple[slice, slice]]:
    """Where a tile's pixels along an axis come from: the frame, and its reflection at the end."""
    inside = min(size, length - start)
    pieces = [(slice(0, inside), slice(start, start + inside))]
    if inside < size:
        pieces.append((slice(inside, size), slice(length - 2, length - 2 - size + inside, -1)))
    return pieces


def _plan_axis(length: int, keep: int, halo: int) -> tuple[int, tuple[Span, ...]]:
    padded = _ceil(length, MULTIPLE)
    count = -(-padded // keep) if keep < length else 1
    bounds = [MULTIPLE * round(padded * i / count / MULTIPLE) for i in range(count + 1)]
    starts = [max(bound - halo, 0) for bound in bounds[:-1]]
    stops = [min(bound + halo, padded) for bound in bounds[1:]]
    size = max(stop - start for start, stop in zip(starts, stops, strict=True))
    spans = tuple(
        Span(min(start, padded - size), first, min(last, length))
        for start, first, last in zip(starts, bounds[:-1], bounds[1:], strict=True)
    )
    return size, spans


def _sides(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _ceil(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
