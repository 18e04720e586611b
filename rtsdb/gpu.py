"""The NVIDIA GPUs of this machine, asked of the driver itself: nothing needs to be installed."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from rtsdb.errors import RtsdbError

_COMPUTE_MAJOR, _COMPUTE_MINOR, _INTEGRATED = 75, 76, 18  # CUdevice_attribute
_NO_DEVICE = 100  # CUresult
_NO_GPU = "the NVIDIA driver shows no GPU; see nvidia-smi and CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    name: as the driver gives it. sm: its compute capability, such as 'sm89'. memory: bytes.
    integrated: whether it shares its memory with the processor, as on Jetson. cuda: the newest
    CUDA version that the driver runs, such as '13.0'.
    """

    name: str
    sm: str
    memory: int
    integrated: bool
    cuda: str


def find_gpus() -> list[Gpu]:
    """The GPUs that CUDA sees, at least one, in its order; CUDA_VISIBLE_DEVICES counts.

    Raises RtsdbError, naming the cause, when there is no driver or no GPU.
    """
    driver = _open_driver()
    version, count = ctypes.c_int(), ctypes.c_int()
    _check(driver.cuDriverGetVersion(ctypes.byref(version)), "cuDriverGetVersion")
    _check(driver.cuDeviceGetCount(ctypes.byref(count)), "cuDeviceGetCount")
    if not count.value:
        raise RtsdbError(_NO_GPU)
    cuda = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return [_describe(driver, index, cuda) for index in range(count.value)]


def gpu_names() -> list[str]:
    """Names of `find_gpus`; none where there is no driver or no GPU."""
    try:
        return [gpu.name for gpu in find_gpus()]
    except RtsdbError:
        return []


def first_gpu_address() -> str:
    """PCI address of the first of `find_gpus`, such as '0000:01:00.0'; raises RtsdbError likewise.

    Other libraries count GPUs in another order.
    """
    driver, address = _open_driver(), ctypes.create_string_buffer(32)
    _check(driver.cuDeviceGetPCIBusId(address, len(address), 0), "cuDeviceGetPCIBusId")
    return address.value.decode()


def _open_driver() -> ctypes.CDLL:
    """The driver, initialised."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise RtsdbError(
            "no NVIDIA driver: libcuda.so.1 cannot be loaded; install the driver of the GPU"
        ) from error
    status = driver.cuInit(0)
    if status == _NO_DEVICE:
        raise RtsdbError(_NO_GPU)
    _check(status, "cuInit")
    return driver


def _describe(driver: ctypes.CDLL, index: int, cuda: str) -> Gpu:
    device = ctypes.c_int()
    _check(driver.cuDeviceGet(ctypes.byref(device), index), "cuDeviceGet")
    name = ctypes.create_string_buffer(256)
    _check(driver.cuDeviceGetName(name, len(name), device), "cuDeviceGetName")
    memory = ctypes.c_size_t()
    _check(driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device), "cuDeviceTotalMem")

    def attribute(number: int) -> int:
        value = ctypes.c_int()
        _check(
            driver.cuDeviceGetAttribute(ctypes.byref(value), number, device), "cuDeviceGetAttribute"
        )
        return value.value

    return Gpu(
        name=name.value.decode(errors="replace"),
        sm=f"sm{attribute(_COMPUTE_MAJOR)}{attribute(_COMPUTE_MINOR)}",
        memory=memory.value,
        integrated=bool(attribute(_INTEGRATED)),
        cuda=cuda,
    )


def _check(status: int, call: str) -> None:
    if status:
        raise RtsdbError(f"the NVIDIA driver fails: {call} gives error {status}; see nvidia-smi")
