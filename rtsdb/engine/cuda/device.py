"""The GPU that frames are computed on, and its primary context."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from rtsdb.engine.cuda.driver import driver
from rtsdb.errors import RtsdbError
from rtsdb.gpu import Gpu, find_gpus

MIB = 2**20


@dataclass(frozen=True)
class Device:
    """A GPU whose primary context, which TensorRT and torch use too, this process retains."""

    gpu: Gpu
    context: Any

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make the context current in this thread, as anything that touches the GPU needs.

        What pycuda raises inside leaves as RtsdbError, in one line.
        """
        self.context.push()
        try:
            yield
        except driver().MemoryError as error:
            raise self.no_room(error) from error
        except driver().Error as error:
            raise RtsdbError(f"{self.gpu.name}: {error}") from error
        finally:
            self.context.pop()

    def no_room(self, failure: object) -> RtsdbError:
        """What to raise when there is too little memory; the context must be current."""
        free, total = (size // MIB for size in driver().mem_get_info())
        return RtsdbError(
            f"{self.gpu.name}: {failure}, with {free} of {total} MiB free on the GPU; "
            "end what else uses it, or take smaller frames"
        )


@cache
def open_device() -> Device:
    """The first GPU that CUDA sees; CUDA_VISIBLE_DEVICES counts.

    Its context is kept until the process ends: pycuda releases a primary context only when told
    to, in the thread that retained it, and leaves it current there.
    Raises RtsdbError, naming the cause, when there is no driver, no GPU, or no room on it.
    """
    gpu = find_gpus()[0]
    try:
        driver().init()
        context = driver().Device(0).retain_primary_context()
    except driver().Error as error:
        raise RtsdbError(f"{gpu.name}: {error}") from error
    atexit.register(context.detach)
    return Device(gpu, context)
