"""How long a call of a source, an engine or a sink may take, before it counts as hanging."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

FIRST = 30.0
"""Seconds that a call may take up to the first result: an engine may have to load or compile
something for it, and a disk to wake up. No call may ever take longer."""

LATER = 4.0
"""Seconds that a call may take from then on, where none took more than a tenth of that."""

_TIMES_THE_SLOWEST = 10
_LONGEST_GAP = 0.25  # seconds between two looks; what is longer, the process was stopped for


class AwakeClock:
    """Seconds that went by as they were looked at, many times a second.

    A process that was stopped for a while (Ctrl-Z) finds the time nearly as it left it.

    clock: seconds now.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._looked = clock()
        self.seconds = 0.0

    def look(self) -> float:
        """Bring `seconds` up to now, and return them."""
        now = self._clock()
        self.seconds += min(now - self._looked, _LONGEST_GAP)
        self._looked = now
        return self.seconds


class Watchdog:
    """One thread makes calls, another looks many times a second whether one of them hangs.

    A call may take `FIRST` seconds up to the first result. From then on it may take `LATER`
    seconds, or ten times as long as the slowest call so far where that is more. What the first
    result took says little of the others: it counts only until there is a second one.

    Time is that of an `AwakeClock`: a process that was stopped finds its engine as it left it.

    clock: seconds now.

    >>> watchdog = Watchdog()
    >>> with watchdog.call(gives_result=True):
    ...     watchdog.hangs(), watchdog.patience
    (False, 30.0)
    >>> watchdog.patience
    4.0
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = AwakeClock(clock)
        self._began: float | None = None
        self._most = math.inf
        self.restart()

    def restart(self) -> None:
        """What is watched is another one, or was made ready anew: forget how long it took."""
        self._results = 0
        self._slowest_at_first = self._slowest = 0.0  # up to the first result, and after it

    def hurry(self, patience: float) -> None:
        """From now on no call may take longer than so many seconds."""
        self._most = min(self._most, patience)

    @property
    def patience(self) -> float:
        """Seconds that a call may take now."""
        if not self._results:
            return min(FIRST, self._most)
        slowest = self._slowest
        if self._results == 1:
            slowest = max(slowest, self._slowest_at_first)
        return min(max(LATER, _TIMES_THE_SLOWEST * slowest), FIRST, self._most)

    @contextmanager
    def call(self, *, gives_result: bool = False) -> Iterator[None]:
        """The block is a call; gives_result: it has worked where the block does not raise."""
        began = self._began = self._clock.seconds
        try:
            yield
            took = self._clock.seconds - began
            if self._results:
                self._slowest = max(self._slowest, took)
            else:
                self._slowest_at_first = max(self._slowest_at_first, took)
            self._results += gives_result
        finally:
            self._began = None

    def hangs(self) -> bool:
        """Whether the call under way has taken longer than it may."""
        now = self._clock.look()
        began = self._began
        return began is not None and now - began > self.patience
