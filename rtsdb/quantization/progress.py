"""How far a calibration is: its steps are known only a part at a time."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str, int, int], None]
"""Told what is being done, the steps done so far, and those known so far."""


class Progress:
    """Counts steps, part by part.

    >>> progress = Progress(lambda what, done, total: print(what, done, total))
    >>> progress.begin("ranges", 2)
    ranges 0 2
    >>> progress.step()
    ranges 1 2
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._what, self._done, self._total = "", 0, 0

    def begin(self, what: str, steps: int) -> None:
        """A part of so many steps starts."""
        self._what = what
        self._total += steps
        self._report(self._what, self._done, self._total)

    def step(self) -> None:
        """One step is done."""
        self._done += 1
        self._report(self._what, self._done, self._total)
