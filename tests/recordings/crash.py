"""A run killed at a chosen moment; in a process of its own."""

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.recordings.runs import process


def run_until(moment: int, source: Path, folder: Path) -> None:
    """Process a recording, and be killed before putting something on the disk for the nth time.

    moment: n, counted from 0 over all calls of `os.fsync` and `os.replace`.
    """
    count = itertools.count()

    def deadly(call: Callable[..., Any]) -> Callable[..., Any]:
        def do(*arguments: Any) -> Any:
            if next(count) == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments)

        return do

    os.fsync, os.replace = deadly(os.fsync), deadly(os.replace)
    process([source], folder / "out", labels=f"{folder}/labels", metadata=f"{folder}/metadata")
