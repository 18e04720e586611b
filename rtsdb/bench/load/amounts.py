"""Amounts between two samples, from what is counted and from what is read now and then."""

from __future__ import annotations


class Counter:
    """How much a counter grew since it was last read.

    wraps_at: the value after which it begins at 0 again; None: it does not.

    >>> counter = Counter(wraps_at=99)
    >>> [counter.growth(value) for value in (90, 97, 4, None, 5)]
    [None, 7, 7, None, 1]
    """

    def __init__(self, wraps_at: float | None = None) -> None:
        self._wraps_at = wraps_at
        self._last: float | None = None

    def growth(self, value: float | None) -> float | None:
        """Note a new value; None where it or the one before is unknown, or it was set back."""
        if value is None:
            return None
        last, self._last = self._last, value
        if last is None:
            return None
        if value >= last:
            return value - last
        return None if self._wraps_at is None else value + self._wraps_at + 1 - last


class Integral:
    """Energy from power that is read now and then: what cannot be read counts at the next value.

    >>> energy = Integral()
    >>> [energy.growth(watts, 2.0) for watts in (10.0, None, 5.0)]
    [20.0, None, 20.0]
    """

    def __init__(self) -> None:
        self._open = 0.0

    def growth(self, power: float | None, seconds: float) -> float | None:
        """Joules of the seconds since the last value; None where it is unknown."""
        self._open += seconds
        if power is None:
            return None
        seconds, self._open = self._open, 0.0
        return power * seconds
