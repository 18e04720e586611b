"""What the double reports as a driver does: memory, contexts, failures, the device."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import threading

import numpy as np
import pytest

from tests.cuda_double import control
from tests.cuda_double.harness import on_double
from tests.cuda_double.programs import (
    FREED,
    FRESH,
    FRESH_PINNED,
    NON_BLOCKING,
    SIZE,
    current,
    pinned,
)


@on_double()
def test_memory_is_poisoned() -> None:
    with current() as cuda:
        device, result = cuda.mem_alloc(SIZE), np.zeros(SIZE, np.uint8)
        cuda.memcpy_dtoh(result, device)
        assert (result == FRESH).all()
        assert (control.view(int(device), (SIZE,), np.uint8) == FRESH).all()
        array = cuda.pagelocked_empty(SIZE, np.uint8)
        assert (array == FRESH_PINNED).all()
        address = array.ctypes.data
        array.base.free()
        assert bytes((ctypes.c_uint8 * SIZE).from_address(address)) == bytes([FREED]) * SIZE


@on_double()
def test_the_host_cannot_follow_a_device_address() -> None:
    with current() as cuda:
        device = cuda.mem_alloc(SIZE)
        child = os.fork()
        if child == 0:
            ctypes.string_at(int(device), 1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGSEGV


@on_double(memory=str(3 * SIZE))
def test_memory_runs_out() -> None:
    with current() as cuda:
        assert cuda.Device(0).total_memory() == 3 * SIZE
        held = [cuda.mem_alloc(SIZE) for _ in range(2)]
        assert cuda.mem_get_info() == (SIZE, 3 * SIZE)
        with pytest.raises(cuda.MemoryError):
            cuda.mem_alloc(SIZE + 1)
        held.pop().free()
        assert int(cuda.mem_alloc(2 * SIZE)) > 0


@on_double()
def test_allocations_can_be_refused() -> None:
    with current() as cuda:
        control.refuse_allocations_after(2)
        held = [cuda.mem_alloc(SIZE), cuda.pagelocked_empty(SIZE, np.uint8)]
        for allocate in (lambda: cuda.mem_alloc(1), lambda: cuda.pagelocked_empty(1, np.uint8)):
            with pytest.raises(cuda.MemoryError):
                allocate()
        control.refuse_allocations_after(-1)
        held.append(cuda.mem_alloc(SIZE))
        found = control.counts()
        assert (found.device_allocations, found.pinned_allocations) == (2, 1)


@on_double()
def test_a_context_is_current_in_the_threads_that_made_it_so() -> None:
    with current() as cuda:
        context = cuda.Context.get_current()
        said: list[str] = []

        def elsewhere() -> None:
            try:
                cuda.mem_alloc(SIZE)
            except cuda.Error as error:
                said.append(str(error))
            context.push()
            try:
                cuda.mem_alloc(SIZE).free()
                said.append("fine")
            finally:
                cuda.Context.pop()

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert re.search("invalid device context", said[0])
        assert said[1:] == ["fine"]


@on_double()
def test_a_released_context_takes_everything_with_it() -> None:
    from pycuda import driver as cuda

    cuda.init()
    contexts = [cuda.Device(0).retain_primary_context() for _ in range(2)]
    contexts[0].push()
    held = cuda.Stream(NON_BLOCKING), cuda.Event(), cuda.mem_alloc(SIZE), pinned(0)
    assert control.counts() == (1, 1, 1, 1, 2, 0)
    contexts[1].detach()
    assert control.counts() == (1, 1, 1, 1, 1, 0)
    contexts[0].detach()
    assert control.counts() == (0, 0, 0, 0, 0, 0)
    with pytest.raises(cuda.LogicError, match="context is destroyed"):
        held[0].synchronize()


@on_double()
def test_failed_work_fails_the_device_for_good() -> None:
    with current() as cuda:
        stream, device, ran = cuda.Stream(NON_BLOCKING), cuda.mem_alloc(SIZE), []
        control.enqueue(stream.handle, lambda: 1 / 0)
        control.enqueue(stream.handle, lambda: ran.append("after it"))
        for _ in range(2):
            with pytest.raises(cuda.LaunchError, match="launch failure"):
                stream.synchronize()
        with pytest.raises(cuda.LaunchError, match="launch failure"):
            cuda.memset_d8(int(device), 0, SIZE)
        assert ran == []


@on_double(name="Orin (double)", capability="8.7", memory="1000", integrated="1")
def test_the_device_is_as_the_environment_says() -> None:
    with current() as cuda:
        device, attribute = cuda.Device(0), cuda.device_attribute
        assert device.name() == "Orin (double)"
        assert device.compute_capability() == (8, 7)
        assert device.total_memory() == 1000
        assert device.get_attribute(attribute.INTEGRATED) == 1


@on_double(devices="0")
def test_there_may_be_no_device() -> None:
    from pycuda import driver

    with pytest.raises(driver.RuntimeError, match="no CUDA-capable device"):
        driver.init()


@on_double()
def test_mapped_memory_is_the_device_s_too() -> None:
    with current() as cuda:
        flags = cuda.host_alloc_flags.DEVICEMAP
        array = cuda.pagelocked_empty(SIZE, np.uint8, mem_flags=flags)
        address = array.base.get_device_pointer()
        cuda.memset_d8(address, 9, SIZE)
        cuda.Context.synchronize()
        assert (array == 9).all()
        plain = pinned(0)
        with pytest.raises(cuda.LogicError, match="invalid argument"):
            plain.base.get_device_pointer()
