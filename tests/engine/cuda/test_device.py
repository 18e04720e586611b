"""What is said where there is no pycuda, no driver or no GPU."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rtsdb.engine.cuda.device import open_device
from rtsdb.engine.cuda.driver import driver
from rtsdb.errors import MissingPackageError, RtsdbError
from tests.cuda_double.harness import on_double


def test_pycuda_that_is_absent_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycuda", None)
    with pytest.raises(MissingPackageError, match=r"pycuda.*rtsdb\[cuda\]"):
        driver()


def test_pycuda_that_does_not_load_is_said_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "pycuda"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "driver.py").write_text("raise ImportError('undefined symbol: cuCtxCreate_v4')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("pycuda", "pycuda.driver"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(RtsdbError, match="does not load: undefined symbol: cuCtxCreate"):
        driver()


@on_double(devices="0")
def test_a_machine_without_a_gpu_is_told_so() -> None:
    with pytest.raises(RtsdbError, match="no GPU"):
        open_device()


@on_double(name="Orin", capability="8.7", memory=str(2**33), integrated="1")
def test_the_device_is_described() -> None:
    gpu = open_device().gpu
    assert (gpu.name, gpu.sm, gpu.memory, gpu.integrated) == ("Orin", "sm87", 2**33, True)


@on_double()
def test_all_engines_share_one_device() -> None:
    from tests.cuda_double import control

    assert open_device() is open_device()
    assert control.counts().retained == 1


@on_double(name="Orin")
def test_a_gpu_without_room_for_a_context_is_named() -> None:
    from tests.cuda_double import control

    control.refuse_allocations_after(0)
    with pytest.raises(RtsdbError, match=r"Orin: .*out of memory"):
        open_device()
