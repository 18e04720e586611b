"""What the double does not forgive."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.cuda_double import control
from tests.cuda_double.harness import violation_of
from tests.cuda_double.programs import NON_BLOCKING, SIZE, current, pinned


def beyond_the_end(cuda: Any) -> None:
    device = cuda.mem_alloc(SIZE)
    cuda.memcpy_htod(int(device) + 1, pinned(0))


def beyond_the_end_of_pinned_memory(cuda: Any) -> None:
    device, small = cuda.mem_alloc(SIZE), cuda.pagelocked_empty(SIZE - 1, np.uint8)
    whole = np.ctypeslib.as_array((ctypes.c_uint8 * SIZE).from_address(small.ctypes.data))
    cuda.memcpy_htod(device, whole)


def rectangle(cuda: Any, **plan: int) -> None:
    device, source = cuda.mem_alloc(SIZE), pinned(0)
    copy = cuda.Memcpy2D()
    copy.set_src_host(source)
    copy.set_dst_device(int(device))
    copy.src_pitch = copy.dst_pitch = copy.width_in_bytes = 64
    copy.height = SIZE // 64
    for name, value in plan.items():
        setattr(copy, name, value)
    stream = cuda.Stream(NON_BLOCKING)
    copy(stream)


def rectangle_beyond_the_end(cuda: Any) -> None:
    rectangle(cuda, dst_y=1)


def rectangle_wider_than_its_pitch(cuda: Any) -> None:
    rectangle(cuda, src_x_in_bytes=1)


def use_after_free(cuda: Any) -> None:
    device = cuda.mem_alloc(SIZE)
    address = int(device)
    device.free()
    cuda.memset_d8(address, 0, 1)


def use_after_free_by_a_kernel(cuda: Any) -> None:
    device, stream = cuda.mem_alloc(SIZE), cuda.Stream(NON_BLOCKING)
    address = int(device)
    control.enqueue(stream.handle, lambda: control.view(address, (SIZE,), np.uint8))
    device.free()
    stream.synchronize()


def free_with_work_pending(cuda: Any) -> None:
    device, source, stream = cuda.mem_alloc(SIZE), pinned(0), cuda.Stream(NON_BLOCKING)
    cuda.memcpy_htod_async(device, source, stream)
    device.free()


def free_twice(cuda: Any) -> None:
    device = cuda.mem_alloc(SIZE)
    driver = control.driver()
    for _ in range(2):
        driver.cuMemFree_v2(ctypes.c_uint64(int(device)))


def host_memory_as_the_device_s(cuda: Any) -> None:
    array = pinned(0)
    cuda.memset_d8(array.ctypes.data, 0, 1)


def any_memory_as_the_device_s(cuda: Any) -> None:
    cuda.memset_d8(np.zeros(SIZE, np.uint8).ctypes.data, 0, 1)


def destroyed_stream(cuda: Any) -> None:
    stream = cuda.Stream(NON_BLOCKING)
    handle = stream.handle
    del stream
    control.enqueue(handle, lambda: None)


def unknown_stream(cuda: Any) -> None:
    stream = cuda.Stream(NON_BLOCKING)
    control.enqueue(stream.handle + 8, lambda: None)


def destroyed_event(cuda: Any) -> None:
    driver, event = control.driver(), ctypes.c_void_p()
    driver.cuEventCreate(ctypes.byref(event), 0)
    driver.cuEventDestroy_v2(event)
    driver.cuEventQuery(event)


def context_released_with_work_pending(cuda: Any) -> None:
    stream = cuda.Stream(NON_BLOCKING)
    control.enqueue(stream.handle, lambda: None)
    control.driver().cuDevicePrimaryCtxRelease_v2(0)


def context_released_too_often(cuda: Any) -> None:
    for _ in range(2):
        control.driver().cuDevicePrimaryCtxRelease_v2(0)


def function_that_is_not_there(cuda: Any) -> None:
    cuda.module_from_buffer(b"")


MISUSES: dict[Callable[[Any], None], str] = {
    beyond_the_end: r"cuMemcpyHtoD: 4096 bytes at offset 1 of an allocation of 4096 bytes",
    beyond_the_end_of_pinned_memory: r"4096 bytes at offset 0 of an allocation of 4095 bytes",
    rectangle_beyond_the_end: r"cuMemcpy2DAsync: 4096 bytes at offset 64 of an allocation of 4096",
    rectangle_wider_than_its_pitch: r"rows of 64 bytes at 1 do not fit a pitch of 64",
    use_after_free: r"cuMemsetD8: .* is in memory that was freed",
    use_after_free_by_a_kernel: r"double_bytes: .* is in memory that was freed",
    free_with_work_pending: r"cuMemFree: work is pending on the memory",
    free_twice: r"cuMemFree: the memory at .* was freed before",
    host_memory_as_the_device_s: r"is in pinned memory that is not mapped",
    any_memory_as_the_device_s: r"is not in device memory",
    destroyed_stream: r"the stream .* was destroyed",
    unknown_stream: r"is no stream",
    destroyed_event: r"cuEventQuery: the event .* was destroyed",
    context_released_with_work_pending: r"release of the context: work is pending",
    context_released_too_often: r"the primary context is not retained",
    function_that_is_not_there: r"cuModuleLoadDataEx is not part of the double",
}


def misuse(name: str) -> None:
    with current() as cuda:
        next(function for function in MISUSES if function.__name__ == name)(cuda)


@pytest.mark.parametrize("function", MISUSES, ids=lambda function: function.__name__)
def test_misuse_ends_the_process(function: Callable[[Any], None]) -> None:
    message = violation_of(misuse, name=function.__name__)
    assert re.search(MISUSES[function], message), message
