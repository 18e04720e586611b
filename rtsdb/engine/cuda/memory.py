"""Memory of the GPU, and host memory that the GPU reaches."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rtsdb.engine.cuda.device import open_device
from rtsdb.engine.cuda.driver import driver


def pinned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """A page-locked host array, as copies to and from the GPU need to run beside the host."""
    return _page_locked(shape, dtype, 0)


def mapped(shape: tuple[int, ...], dtype: DTypeLike) -> tuple[NDArray[Any], int]:
    """A page-locked host array that the GPU works on in place, and its address there."""
    array = _page_locked(shape, dtype, driver().host_alloc_flags.DEVICEMAP)
    allocation: Any = array.base
    return array, int(allocation.get_device_pointer())


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


def _page_locked(shape: tuple[int, ...], dtype: DTypeLike, flags: int) -> NDArray[Any]:
    """An array whose memory is freed with its last view, in whichever thread that is dropped.

    A result outlives its engine in the pipeline's threads, and pycuda by itself frees memory only
    in the thread that retained the context, or where that is current: elsewhere it leaks.
    """
    array: NDArray[Any] = driver().pagelocked_empty(shape, dtype, mem_flags=flags)
    weakref.finalize(array, _free, array.base).atexit = False  # the process frees all at its end
    return array


def _free(allocation: Any) -> None:
    with open_device().current():
        allocation.free()
