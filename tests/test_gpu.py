from __future__ import annotations

import ctypes
from typing import Any

import pytest

from rtsdb.errors import RtsdbError
from rtsdb.gpu import Gpu, find_gpus, first_gpu_address, gpu_names


class FakeDriver:
    """libcuda.so.1 with an RTX 4090 and an Orin; `status` is what a call answers, 0 for success."""

    def __init__(self, **status: int) -> None:
        self.status = status
        self.attributes = [{75: 8, 76: 9, 18: 0}, {75: 8, 76: 7, 18: 1}]

    def __getattr__(self, call: str) -> Any:
        def answer(*arguments: Any) -> int:
            if call not in self.status:
                self.fill(call, *arguments)
            return self.status.get(call, 0)

        return answer

    def fill(self, call: str, *arguments: Any) -> None:
        pointer = arguments[0] if arguments else None
        if call == "cuDriverGetVersion":
            pointer._obj.value = 12060
        elif call == "cuDeviceGetCount":
            pointer._obj.value = 2
        elif call == "cuDeviceGet":
            pointer._obj.value = arguments[1]
        elif call == "cuDeviceGetName":
            pointer.value = [b"NVIDIA GeForce RTX 4090", b"Orin"][arguments[2].value]
        elif call == "cuDeviceTotalMem_v2":
            pointer._obj.value = [24 << 30, 8 << 30][arguments[1].value]
        elif call == "cuDeviceGetAttribute":
            pointer._obj.value = self.attributes[arguments[2].value][arguments[1]]
        elif call == "cuDeviceGetPCIBusId":
            address, length, device = arguments
            assert length == len(address)
            address.value = [b"0000:01:00.0", b"0000:02:00.0"][device]
        else:
            assert call == "cuInit"


def install(monkeypatch: pytest.MonkeyPatch, driver: FakeDriver) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver)


def test_the_driver_is_asked_for_every_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeDriver())
    assert find_gpus() == [
        Gpu("NVIDIA GeForce RTX 4090", "sm89", 24 << 30, integrated=False, cuda="12.6"),
        Gpu("Orin", "sm87", 8 << 30, integrated=True, cuda="12.6"),
    ]
    assert gpu_names() == ["NVIDIA GeForce RTX 4090", "Orin"]


def test_the_first_gpu_is_known_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeDriver())
    assert first_gpu_address() == "0000:01:00.0"
    install(monkeypatch, FakeDriver(cuDeviceGetPCIBusId=101))
    with pytest.raises(RtsdbError, match="cuDeviceGetPCIBusId gives error 101"):
        first_gpu_address()


def test_without_a_driver_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(RtsdbError, match=r"no NVIDIA driver: libcuda\.so\.1 .*install"):
        find_gpus()
    assert gpu_names() == []


def test_a_driver_that_counts_no_gpu_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty(FakeDriver):
        def fill(self, call: str, *arguments: Any) -> None:
            if call != "cuDeviceGetCount":
                super().fill(call, *arguments)

    install(monkeypatch, Empty())
    with pytest.raises(RtsdbError, match="shows no GPU"):
        find_gpus()


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"cuInit": 100}, "shows no GPU.*CUDA_VISIBLE_DEVICES"),
        ({"cuInit": 999}, "cuInit gives error 999"),
        ({"cuDeviceGetName": 1}, "cuDeviceGetName gives error 1"),
    ],
)
def test_a_driver_that_fails_is_said_with_the_call(
    monkeypatch: pytest.MonkeyPatch, status: dict[str, int], message: str
) -> None:
    install(monkeypatch, FakeDriver(**status))
    with pytest.raises(RtsdbError, match=message):
        find_gpus()
