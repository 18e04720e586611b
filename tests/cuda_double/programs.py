"""What the small CUDA programs in these tests have in common."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 4096
NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING
FRESH, FRESH_PINNED, FREED = 0xCD, 0xA5, 0xDD


@contextmanager
def current() -> Iterator[Any]:
    """pycuda's driver module, with the primary context current in this thread."""
    from pycuda import driver

    driver.init()
    context = driver.Device(0).retain_primary_context()
    atexit.register(context.detach)  # pycuda does not release what it drops
    context.push()
    try:
        yield driver
    finally:
        driver.Context.pop()


def pinned(value: int) -> NDArray[np.uint8]:
    """SIZE bytes of page-locked memory, all of one value."""
    from pycuda import driver

    array: NDArray[np.uint8] = driver.pagelocked_empty(SIZE, np.uint8)
    array[:] = value
    return array
