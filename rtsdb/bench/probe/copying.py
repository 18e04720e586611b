"""Bandwidth of the main memory, by copying, as in McCalpin's STREAM."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from rtsdb.bench.probe.best_time import best_seconds
from rtsdb.machine import usable_cpus

SIZE = 256 * 2**20
"""Bytes that are copied, far more than caches hold."""


def copy_gbs(size: int = SIZE) -> float:
    """10^9 bytes a second, read and written, that all usable cores copy together; size in bytes."""
    threads = usable_cpus()
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:

        def copy() -> None:
            list(pool.map(lambda part: np.copyto(*part), parts))

        return 2 * size / best_seconds(copy) / 1e9
