"""Torch-TensorRT cannot run here: its guard, its probe, and the call that it gets."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rtsdb import gpu  # noqa: E402
from rtsdb.engine import load_engine, torch_tensorrt  # noqa: E402
from rtsdb.engine.registry import ENGINES  # noqa: E402
from rtsdb.errors import MissingPackageError, RtsdbError  # noqa: E402
from rtsdb.noise import NoiseLevel  # noqa: E402


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    """What a Torch-TensorRT is called with that gives modules back as they are."""
    fake = ModuleType("torch_tensorrt")
    fake.__version__ = "2.14.0"  # type: ignore[attr-defined]
    made: list[tuple[Any, dict[str, Any]]] = []

    def compile_(module: Any, **settings: Any) -> Any:
        made.append((module, settings))
        return module

    fake.compile = compile_  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_tensorrt", fake)
    return made


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_tensorrt", None)
    for use in (ENGINES["torch-tensorrt"].probe, lambda: load_engine(engine="torch-tensorrt")):
        with pytest.raises(MissingPackageError, match=r"rtsdb\[torchtrt\]"):
            use()


def test_it_is_compiled_in_float16_for_the_size_of_tiles(
    calls: list[tuple[Any, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(torch_tensorrt.TorchTensorRtEngine, "device", "cpu")
    engine = load_engine(engine="torch-tensorrt", precision="fp16")
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 255, (70, 90, 3), np.uint8)
    denoised, labels, _ = engine(frame, sigma=25)
    ((module, settings),) = calls
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float16}
    assert settings.pop("ir") == "dynamo"
    assert settings.pop("use_explicit_typing")
    (example,) = settings.values()
    assert [(tuple(tensor.shape), tensor.dtype) for tensor in example] == [
        ((1, 96, 96, 3), torch.uint8),
        ((1, 2), torch.float32),
    ]
    assert denoised.shape == frame.shape
    assert labels.shape == (70, 90)
    assert (engine.info.name, engine.info.precision) == ("torch-tensorrt", "fp16")
    assert engine.info.versions["torch-tensorrt"] == "2.14.0"
    engine.prepare(70, 90)
    engine.release(engine.submit(frame, NoiseLevel.awgn(25)))
    assert len(calls) == 1
    engine.prepare(128, 64)
    assert len(calls) == 2


def test_a_probe_needs_a_gpu_and_a_torch_that_can_use_it(
    calls: list[tuple[Any, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> list[gpu.Gpu]:
        raise RtsdbError("no NVIDIA driver")

    monkeypatch.setattr(torch_tensorrt, "find_gpus", none)
    with pytest.raises(RtsdbError, match="no NVIDIA driver"):
        ENGINES["torch-tensorrt"].probe()
    monkeypatch.setattr(torch_tensorrt, "find_gpus", list)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RtsdbError, match="without CUDA"):
        ENGINES["torch-tensorrt"].probe()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    ENGINES["torch-tensorrt"].probe()
