"""How far a TensorRT build is: its nested phases as one share, and the way to stop it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rtsdb.engine.tensorrt_flavour import Flavour

Report = Callable[[str, float], None]
"""Told what TensorRT is at, and the share of the build that is done, 0..1. Any thread calls it."""

LOG_EVERY = 10.0
"""Seconds between two lines of `log_progress`."""

log = logging.getLogger(__name__)


def log_progress(name: str) -> Report:
    """A report that tells in the log, now and then, how far the build of `name` is."""
    told = time.monotonic()

    def report(what: str, share: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= LOG_EVERY:
            told = now
            log.warning("%s: %.0f %% built (%s)", name, 100 * share, what)

    return report


@dataclass
class _Phase:
    """A phase under way. share: of the whole build, 0..1. done: of its `steps`."""

    share: float
    steps: int
    done: int = 0


@dataclass
class BuildProgress:
    """Phases under way by name; `cancelled` is set to end the build after the step it is at.

    A phase begun inside another takes the share of one step of it. TensorRT calls from any of its
    threads.

    >>> progress = BuildProgress(lambda what, share: print(f"{what} {share:.3f}"))
    >>> progress.start("build", None, 4)
    build 0.000
    >>> progress.step("build", 0)
    build 0.250
    >>> progress.start("tactics", "build", 2)
    tactics 0.250
    >>> progress.step("tactics", 0)
    tactics 0.375
    """

    report: Report
    cancelled: bool = False
    _phases: dict[str, _Phase] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reached: float = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase of `steps` steps begins, inside `parent` or as the outermost one."""
        with self._lock:
            outer = _Phase(1.0, 1) if parent is None else self._phases.get(parent, _Phase(0.0, 1))
            self._phases[name] = _Phase(outer.share / outer.steps, max(steps, 1))
        self._tell(name)

    def step(self, name: str, index: int) -> None:
        """Step `index` of a phase, counted from 0, is done."""
        with self._lock:
            if name in self._phases:
                self._phases[name].done = index + 1
        self._tell(name)

    def finish(self, name: str) -> None:
        """A phase ends; the step of its parent that it made up is reported next."""
        with self._lock:
            self._phases.pop(name, None)

    def _tell(self, name: str) -> None:
        with self._lock:
            share = sum(p.share * p.done / p.steps for p in self._phases.values())
            self._reached = min(max(self._reached, share), 1.0)
        self.report(name, self._reached)


def monitor(flavour: Flavour, progress: BuildProgress) -> Any:
    """TensorRT's interface to `progress`; a step answered with False ends the build.

    So does the end of the main thread: a process waits for its threads, and nobody for the engine.
    """

    def step_complete(_: Any, name: str, index: int) -> bool:
        progress.step(name, index)
        return not progress.cancelled and threading.main_thread().is_alive()

    methods = {
        "phase_start": lambda _, name, parent, steps: progress.start(name, parent, steps),
        "step_complete": step_complete,
        "phase_finish": lambda _, name: progress.finish(name),
    }
    return type("Monitor", (flavour.trt.IProgressMonitor,), methods)()
