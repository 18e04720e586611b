"""How long a call of a source, an engine or a sink may take, before it counts as hanging."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

_TIMES_THE_SLOWEST = 10
_LONGEST_GAP = 0.25  # seconds between two looks; what is longer, the process was stopped for


class Watchdog:
    """One thread makes calls, another looks many times a second whether one of them hangs.

    Time counts only as it is looked at, so that a process that was stopped for a while (Ctrl-Z)
    finds its engine as it left it.

    first: seconds that calls may take up to the first result, as some engines load or compile
    things only then. later: seconds from then on, or ten times as long as the slowest call so
    far where that is more. clock: seconds now.

    >>> watchdog = Watchdog(first=30.0, later=4.0)
    >>> with watchdog.call():
    ...     watchdog.hangs()
    False
    """

    def __init__(
        self, first: float, later: float, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._first, self._later = first, later
        self._clock = clock
        self._looked = clock()
        self._now = 0.0
        self._began: float | None = None
        self.restart()

    def restart(self) -> None:
        """What is watched is another one, or was made ready anew: forget how long it took."""
        self._slowest = 0.0
        self._warm = False

    @property
    def patience(self) -> float:
        """Seconds that a call may take now."""
        if not self._warm:
            return self._first
        return max(self._later, _TIMES_THE_SLOWEST * self._slowest)

    @contextmanager
    def call(self, *, gives_result: bool = False) -> Iterator[None]:
        """The block is a call; gives_result: it has worked where the block does not raise."""
        began = self._began = self._now
        try:
            yield
            self._slowest = max(self._slowest, self._now - began)
            self._warm = self._warm or gives_result
        finally:
            self._began = None

    def hangs(self) -> bool:
        """Whether the call under way has taken longer than it may."""
        now = self._clock()
        self._now += min(now - self._looked, _LONGEST_GAP)
        self._looked = now
        began = self._began
        return began is not None and self._now - began > self.patience
