"""How long a live frame may still be waited for before the engine runs dry."""

from __future__ import annotations

from collections import deque

from rtsdb.engine.base import Timings

_MARGIN = 0.1  # share of a frame's computing that goes by before it is expected to end
_REMEMBERED = 3  # frames; one that took long by chance must not hold the next one up


class LastMoment:
    """The last moment at which an engine must be given its next frame to go on without a pause.

    Given earlier, a live frame would grow old inside the engine, behind the one that is being
    computed, while the camera has newer ones. Each frame is expected to take as long as the
    fastest of the last three. Times are seconds of one clock.

    >>> moment = LastMoment()
    >>> moment.took(Timings(gather=0.01, infer=0.1, stitch=0.0)); moment.begins(now=5.0)
    >>> round(moment.seconds_left(now=5.0), 3), moment.seconds_left(now=5.2)
    (0.07, 0.0)
    """

    def __init__(self) -> None:
        self._began = 0.0
        self._took: deque[Timings] = deque(maxlen=_REMEMBERED)

    def begins(self, now: float) -> None:
        """The engine begins to compute a frame."""
        self._began = now

    def took(self, timings: Timings) -> None:
        """A frame is finished, and this is what it took."""
        self._took.append(timings)

    def seconds_left(self, now: float) -> float:
        """Seconds from now to that moment; 0 where it has come, and before any frame is known."""
        infer = min((timings.infer for timings in self._took), default=0.0)
        gather = max((timings.gather for timings in self._took), default=0.0)
        return max(self._began + (1 - _MARGIN) * infer - 2 * gather - now, 0.0)
