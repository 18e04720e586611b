"""Several things measured in turns: a machine that grows warm or busy is unfair to none of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_turns(sides: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """What each side measured in each round: A B A B, not A A B B.

    >>> in_turns({"a": iter("xyz").__next__, "b": iter("pqr").__next__}, 2)
    {'a': ['x', 'y'], 'b': ['p', 'q']}
    """
    measured: dict[str, list[T]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            measured[name].append(measure())
    return measured


def median_ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """The median of the ratios within each round.

    >>> median_ratio([2.0, 9.0, 8.0], [1.0, 3.0, 2.0])
    3.0
    """
    return statistics.median(a / b for a, b in zip(these, those, strict=True))
