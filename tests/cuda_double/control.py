"""The Python face of control.h, for tests that run on the CUDA driver double."""

from __future__ import annotations

import ctypes
import functools
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

ORDERS = [("lazy", 0), ("eager", 0), *(("random", seed) for seed in range(8))]
"""Orders of pending work and their seeds, under all of which a program must do the same."""

_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_called: list[Any] = []  # for good: a callback must outlive its call


class Counts(NamedTuple):
    """What there is on the device, field by field as in `struct double_counts`."""

    device_allocations: int
    pinned_allocations: int
    streams: int
    events: int
    retained: int
    pending: int


@functools.cache
def driver() -> ctypes.CDLL:
    """The double that this process has loaded."""
    library = ctypes.CDLL("libcuda.so.1")
    library.double_bytes.restype = ctypes.c_void_p
    library.double_bytes.argtypes = [ctypes.c_uint64, ctypes.c_size_t]
    library.double_enqueue_host_work.argtypes = [ctypes.c_void_p, _FUNCTION, ctypes.c_void_p]
    library.double_set_order.argtypes = [ctypes.c_char_p, ctypes.c_uint64]
    library.double_refuse_allocations_after.argtypes = [ctypes.c_long]
    return library


def set_order(order: str, seed: int = 0) -> None:
    """Run pending work in this order from now on."""
    driver().double_set_order(order.encode(), seed)


def every_order() -> Iterator[str]:
    """Switch to each of `ORDERS` in turn, and name it."""
    for order, seed in ORDERS:
        set_order(order, seed)
        yield f"{order} {seed}"


def enqueue(stream: int, work: Callable[[], object]) -> None:
    """Call `work` when a stream, given by its handle, reaches it: a kernel written in Python.

    What it raises is printed, and is a failed kernel to the program.
    """

    def call(_: int | None) -> int:
        try:
            work()
        except Exception:
            traceback.print_exc()
            return 1
        return 0

    _called.append(_FUNCTION(call))
    status = driver().double_enqueue_host_work(stream, _called[-1], None)
    assert status == 0, f"CUDA error {status}"


def view(address: int, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """The device's memory at an address, for kernels."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    data = (ctypes.c_uint8 * size).from_address(driver().double_bytes(address, size))
    return np.frombuffer(data, dtype).reshape(shape)


def refuse_allocations_after(count: int) -> None:
    """Grant so many more allocations, then none; -1: all."""
    driver().double_refuse_allocations_after(count)


def counts() -> Counts:
    """What there is on the device."""
    found = (ctypes.c_long * len(Counts._fields))()
    driver().double_count(found)
    return Counts(*found)
