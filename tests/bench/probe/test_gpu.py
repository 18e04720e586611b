from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from rtsdb.bench.probe import gpu
from rtsdb.bench.probe.gpu import probe_gpu
from rtsdb.errors import MissingPackageError, RtsdbError
from rtsdb.gpu import Gpu

ADA = Gpu("NVIDIA GeForce RTX 4090", "sm89", 24 << 30, integrated=False, cuda="13.0")


class CudaOnCpu:
    """torch with a GPU, which is the processor; `waits` counts those for the GPU."""

    def __init__(self) -> None:
        self.waits = 0
        self.cuda = SimpleNamespace(
            is_available=lambda: True,
            synchronize=self.wait,
            empty_cache=lambda: None,
            OutOfMemoryError=torch.cuda.OutOfMemoryError,
        )

    def wait(self) -> None:
        self.waits += 1

    def rand(self, *shape: int, device: str, dtype: Any) -> Any:
        assert device == "cuda"
        return torch.rand(*shape, dtype=dtype)

    def ones(self, size: int, *, dtype: Any, device: str) -> Any:
        assert device == "cuda"
        return torch.ones(size, dtype=dtype)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> CudaOnCpu:
    double = CudaOnCpu()
    monkeypatch.setattr(gpu, "find_gpus", lambda: [ADA])
    monkeypatch.setattr(gpu, "load_package", lambda package, extra: double)
    for name, size in {"CHANNELS": 2, "HEIGHT": 4, "WIDTH": 8, "SIDE": 16, "COPIED": 1000}.items():
        monkeypatch.setattr(gpu, name, size)
    return double


def test_each_run_waits_for_the_gpu_and_the_faster_kind_counts(
    double: CudaOnCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(run: Any) -> float:
        before = double.waits
        run()
        assert double.waits == before + 1
        return 1e-6

    monkeypatch.setattr(gpu, "best_seconds", timed)
    rates, copied = probe_gpu(["fp32", "bf16", "int8"])
    assert rates == pytest.approx(dict.fromkeys(("fp32", "bf16"), 2 * 16**3 / 1e6))
    assert copied == pytest.approx(2.0)


def test_a_gpu_without_room_is_not_measured(
    double: CudaOnCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(run: Any) -> float:
        raise torch.cuda.OutOfMemoryError("no room")

    monkeypatch.setattr(gpu, "best_seconds", full)
    assert probe_gpu(["fp32"]) == ({}, None)


def test_without_driver_torch_or_its_cuda_there_is_nothing(
    double: CudaOnCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.cuda.is_available = lambda: False
    assert probe_gpu(["fp32"]) == ({}, None)

    def absent(package: str, extra: str) -> None:
        raise MissingPackageError(package, extra=extra)

    monkeypatch.setattr(gpu, "load_package", absent)
    assert probe_gpu(["fp32"]) == ({}, None)

    def no_driver() -> list[Gpu]:
        raise RtsdbError("no NVIDIA driver")

    monkeypatch.setattr(gpu, "find_gpus", no_driver)
    monkeypatch.setattr(gpu, "load_package", lambda package, extra: pytest.fail("too early"))
    assert probe_gpu(["fp32"]) == ({}, None)
