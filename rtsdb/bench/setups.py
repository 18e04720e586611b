"""From the lists that the user typed to every combination of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import TypeVar

from rtsdb.bench.model import Setup
from rtsdb.engine.registry import ENGINES, find_engine
from rtsdb.errors import UsageError
from rtsdb.names import split_names
from rtsdb.tiling import parse_size, parse_tile, plan_tiles
from rtsdb.weights import find_model

MODEL = "rt"
"""The shipped preset that is measured."""

T = TypeVar("T")


def parse_setups(
    *, engine: str, precision: str, stages: str, size: str, tile: str, model: str = MODEL
) -> tuple[Setup, ...]:
    """Read --engine, --precision, --stages, --size and --tile: each a list, with commas.

    Setups that differ only in the engine follow each other, then those of another precision,
    tile, number of stages, and size. Raises UsageError for what no engine can do; what one of
    them cannot do, its row tells.

    >>> for setup in parse_setups(
    ...     engine="auto,torch", precision="fp32", stages="1,2", size="640x360", tile="none"
    ... ): print(setup.stages, setup.engine)
    1 auto
    1 torch
    2 auto
    2 torch
    """
    sizes = _parse_list("--size", size, parse_size)
    tiles = _parse_list("--tile", tile, parse_tile)
    for (width, height), cut in product(sizes, tiles):
        plan_tiles(height, width, cut)  # raises UsageError for what cannot be cut so
    return tuple(
        Setup(name, number, blocks, frame, cut)
        for frame, blocks, cut, number, name in product(
            sizes,
            _parse_list("--stages", stages, partial(_parse_stages, model=model)),
            tiles,
            _parse_list("--precision", precision, _parse_precision),
            _parse_list("--engine", engine, _parse_engine),
        )
    )


def _parse_list(option: str, text: str, parse: Callable[[str], T]) -> Sequence[T]:
    """The parts of `text`, each once."""
    return list(dict.fromkeys(map(parse, split_names(text, option))))


def _parse_stages(text: str, model: str) -> int:
    if not text.isdecimal():
        raise UsageError(f"--stages {text}: give numbers of blocks K, such as 1,2,3")
    return find_model(model, int(text)).stages


def _parse_engine(text: str) -> str:
    return text if text == "auto" else find_engine(text).name


def _parse_precision(text: str) -> str:
    known = list(
        dict.fromkeys(["auto", *(p for kind in ENGINES.values() for p in kind.precisions)])
    )
    if text not in known:
        raise UsageError(f"--precision {text}: no engine has it; give {', '.join(known)}")
    return text
