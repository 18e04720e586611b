"""The threads of the pipeline's stages: how they fail, and how they are waited for."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence

from rtsdb.errors import RtsdbError
from rtsdb.watchdog import AwakeClock

_TICK = 0.05


class StageError(RtsdbError):
    """A stage failed: 'capture', 'inference' or 'render'.

    >>> str(StageError("capture", "/dev/video0: unplugged"))
    'capture stage: /dev/video0: unplugged'
    """

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage} stage: {reason}")
        self.stage = stage


class Stage(threading.Thread):
    """The thread of a stage, which tells whether it still runs.

    `is_alive` does not: in Python 3.11 it is False after Ctrl-C has broken off a `join`.
    """

    def __init__(self, name: str, work: Callable[[str], None]) -> None:
        """work: called in the thread with the stage's name; must not raise."""
        super().__init__(name=name, daemon=True)
        self._work = work
        self._ended = threading.Event()

    def run(self) -> None:
        """Do the work; called by `start`."""
        self._work(self.name)
        self._ended.set()

    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.ident is not None and not self._ended.is_set()

    def wait(self, seconds: float) -> None:
        """Wait for its end, at most so long."""
        self._ended.wait(seconds)


class Patience:
    """Waits for stages, as long as something goes on; several waits share one patience.

    seconds: without progress, until it is over. progress: changes whenever something goes on.
    """

    def __init__(self, seconds: float = math.inf, progress: Callable[[], int] = lambda: 0) -> None:
        self._seconds, self._progress = seconds, progress
        self._clock = AwakeClock()
        self._seen, self._since = progress(), self._clock.look()

    def await_end(
        self,
        stages: Sequence[Stage],
        *,
        share: float = 1.0,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Return when the stages have ended, `until` says so, or a share of the patience is over.

        In short waits, or Ctrl-C would not get in.
        """
        while running := [stage for stage in stages if stage.is_running()]:
            if until() or self._spent() > share * self._seconds:
                return
            running[0].wait(_TICK)

    def _spent(self) -> float:
        """Seconds since the last progress."""
        seen, now = self._progress(), self._clock.look()
        if seen != self._seen:
            self._seen, self._since = seen, now
        return now - self._since
