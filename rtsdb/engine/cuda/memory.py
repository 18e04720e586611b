"""Memory of the GPU, and host memory that the GPU reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rtsdb.engine.cuda.driver import driver


def pinned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """A page-locked host array, as copies to and from the GPU need to run beside the host."""
    array: NDArray[Any] = driver().pagelocked_empty(shape, dtype)
    return array


def mapped(shape: tuple[int, ...], dtype: DTypeLike) -> tuple[NDArray[Any], int]:
    """A page-locked host array that the GPU works on in place, and its address there."""
    flags = driver().host_alloc_flags.DEVICEMAP
    array = driver().pagelocked_empty(shape, dtype, mem_flags=flags)
    return array, int(array.base.get_device_pointer())


class DeviceMemory:
    """Allocations on the GPU that are freed together.

    Host arrays are freed when nobody refers to them; these at once, for there is less of it.
    """

    def __init__(self) -> None:
        self._allocations: list[Any] = []

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> int:
        """Room for an array; its address."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._allocations.append(driver().mem_alloc(size))
        return int(self._allocations[-1])

    def free(self) -> None:
        """Free everything; nothing may be pending on it."""
        while self._allocations:
            self._allocations.pop().free()
