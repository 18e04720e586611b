"""Standard input as a file object: a video that another program pipes in."""

from __future__ import annotations

import os
import select
import sys
import threading

from rtsdb.errors import UsageError

STDIN = "-"
"""Names standard input as a source."""

_TICK = 0.1  # seconds until an interrupt is noticed


class StdinReader:
    """Reads standard input, and ends when `stop` is set, also while nothing comes.

    Raises UsageError when standard input is a terminal.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._descriptor = sys.stdin.fileno()
        self._stop = stop
        if os.isatty(self._descriptor):
            raise UsageError(
                f"{STDIN}: nothing is piped in; pipe a video, as in 'cat drive.ts | rtsdb run "
                f"--source {STDIN}'"
            )

    def read(self, size: int) -> bytes:
        """At most `size` bytes, as soon as there are any; none at the end."""
        while not self._stop.is_set():
            if select.select([self._descriptor], [], [], _TICK)[0]:
                return os.read(self._descriptor, size)
        return b""
