"""Presentation times that always grow, whatever a file or a stream says."""

from __future__ import annotations

from fractions import Fraction

FALLBACK_RATE = Fraction(25)
"""Frames per second where a file or a stream does not say."""


class GrowingPts:
    """Passes presentation times on exactly and repairs only what no player could follow.

    A missing time is one frame after the last; one that does not grow is moved just past it.
    Where time jumps back by a second or more (two recordings joined), everything from there on
    is shifted so that it follows on.

    >>> clock = GrowingPts(Fraction(1, 100), rate=Fraction(25))
    >>> [clock.place(pts) for pts in (0, 4, None, 12, 12, 20)]
    [0, 4, 8, 12, 13, 20]
    >>> [clock.place(pts) for pts in (500, 0, 4)]
    [500, 504, 508]
    """

    def __init__(self, time_base: Fraction, rate: Fraction | None) -> None:
        self._step = max(1, round(1 / ((rate or FALLBACK_RATE) * time_base)))
        self._jump = round(1 / time_base)
        self._shift = 0
        self._last: int | None = None

    def place(self, pts: int | None) -> int:
        """Time of the next frame in units of the time base, greater than the one before."""
        last = self._last
        if last is None:
            placed = 0 if pts is None else pts
        elif pts is None:
            placed = last + self._step
        else:
            if pts + self._shift <= last - self._jump:
                self._shift = last + self._step - pts
            placed = max(pts + self._shift, last + 1)
        self._last = placed
        return placed


class LivePts:
    """Presentation times of one live stream, checked against the clock of this machine.

    Times pass on exactly, relative to each other. Where the stream's own clock is set anew (back,
    or ahead by ten seconds more than went by here), times are shifted so that as much time passes
    in the recording as did here. A stream without times gets those of arrival.

    >>> clock = LivePts(Fraction(1, 100))
    >>> [clock.place(pts, arrived) for pts, arrived in ((700, 1.0), (704, 1.5), (5, 2.0), (9, 2.1))]
    [700, 704, 754, 758]
    """

    def __init__(self, time_base: Fraction) -> None:
        self._second = round(1 / time_base)
        self._shift = 0
        self._last: int | None = None
        self._arrived = 0.0

    def place(self, pts: int | None, arrived: float) -> int:
        """Time, in units of the time base, of the frame that came at `arrived` (seconds).

        Greater than the one before.
        """
        if self._last is None:
            placed = 0 if pts is None else pts
        else:
            due = self._last + round((arrived - self._arrived) * self._second)
            placed = due if pts is None else pts + self._shift
            if placed <= self._last or placed - due > 10 * self._second:
                self._shift += due - placed
                placed = due
            placed = max(placed, self._last + 1)
        self._last, self._arrived = placed, arrived
        return placed
