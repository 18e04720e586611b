"""The time of the fastest of several runs: what the machine does when nothing disturbs it."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter


def best_seconds(run: Callable[[], object], *, budget: float = 0.25, least: int = 3) -> float:
    """Seconds of the fastest run, of at least `least` and as many as `budget` seconds hold.

    One run before them warms up.

    >>> from time import sleep
    >>> best_seconds(lambda: sleep(0.01), budget=0) >= 0.01
    True
    """
    run()
    times: list[float] = []
    while len(times) < least or sum(times) < budget:
        before = perf_counter()
        run()
        times.append(perf_counter() - before)
    return min(times)
