"""Engines: one file per library behind one protocol, and a function that opens one by name."""

from __future__ import annotations

from rtsdb.engine.base import Engine
from rtsdb.engine.registry import choose, find_engine
from rtsdb.tiling import HALO
from rtsdb.weights import find_model


def load_engine(
    model: str = "rt",
    *,
    stages: int = 1,
    engine: str = "auto",
    precision: str = "auto",
    tile: tuple[int, int] | None = None,
    halo: int = HALO,
    slots: int = 2,
) -> Engine:
    """Open an engine for a shipped preset, an ONNX file or a weights file.

    stages: number of blocks K. engine: a name of `rtsdb.engine.registry.ENGINES`, or 'auto', the
    first of them that works here. tile: (width, height) of tiles, None for whole frames.
    Raises UsageError for what does not exist.

    >>> import numpy as np
    >>> with load_engine("rt", stages=1) as engine:
    ...     engine(np.zeros((64, 96, 3), np.uint8), sigma=25).labels.shape
    (64, 96)
    """
    files = find_model(model, stages)
    kind = choose(files, precision) if engine == "auto" else find_engine(engine)
    return kind.open(files, precision=precision, tile=tile, halo=halo, slots=slots)
