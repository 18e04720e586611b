from __future__ import annotations

import inspect
from typing import Any

import pytest

from rtsdb.bench.load import nvml
from rtsdb.bench.load.nvml import THROTTLING, NvmlSource, open_nvml
from rtsdb.bench.load.sample import Sample
from rtsdb.errors import MissingPackageError, RtsdbError
from rtsdb.gpu import Gpu
from tests.bench.load.nvml_double import ADDRESS, FakeNvml, NewNvml

ADA = Gpu("NVIDIA GeForce RTX 4090", "sm89", 24 << 30, integrated=False, cuda="13.0")


def functions(double: type[FakeNvml]) -> list[str]:
    return [name for name, _ in inspect.getmembers(double, inspect.isfunction) if name[0] != "_"]


def arguments(function: Any) -> list[tuple[str, Any]]:
    """Names and defaults; a method's first is its object."""
    return [(p.name, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize(
    ("double", "name"), [(kind, name) for kind in (FakeNvml, NewNvml) for name in functions(kind)]
)
def test_the_double_s_functions_are_those_of_the_package(double: Any, name: str) -> None:
    pynvml = pytest.importorskip("pynvml")
    assert arguments(getattr(double, name))[1:] == arguments(getattr(pynvml, name))


def test_the_double_s_constants_are_those_of_the_package() -> None:
    pynvml = pytest.importorskip("pynvml")
    constants = {name: what for name, what in vars(FakeNvml).items() if isinstance(what, int)}
    assert constants.keys() >= THROTTLING.keys()
    assert {name: getattr(pynvml, name) for name in constants} == constants


def source(double: FakeNvml, *, has_own_power: bool = True) -> NvmlSource:
    double.nvmlInit()
    return NvmlSource(double, "gpu", has_own_power=has_own_power)


def test_a_gpu_tells_everything() -> None:
    double = FakeNvml()
    gpu = source(double)
    first = gpu.sample(0.0)
    assert first == Sample(
        gpu_percent=93.0, gpu_memory_mb=1500.0, gpu_clock_mhz=2520.0, temperature_c=66.0
    )
    double.energy_mj += 21_000
    assert gpu.sample(0.25).energy_j == {"gpu": 21.0}


def test_a_gpu_before_volta_has_its_power_summed() -> None:
    gpu = source(FakeNvml("nvmlDeviceGetTotalEnergyConsumption"))
    gpu.sample(0.0)
    assert gpu.sample(0.25).energy_j == {"gpu": 20.0}


def test_an_integrated_gpu_s_power_is_the_board_s() -> None:
    double = FakeNvml()
    gpu = source(double, has_own_power=False)
    gpu.sample(0.0)
    double.energy_mj += 21_000
    assert gpu.sample(0.25).energy_j == {}


def test_a_newer_nvml_is_understood() -> None:
    assert source(NewNvml()).sample(0.0).temperature_c == 67.0


@pytest.mark.parametrize(
    ("mask", "reasons"),
    [
        (0x1, ()),  # idle
        (0x2, ()),  # clocks that the user set
        (0x4, ("gpu power limit",)),
        (0x60, ("gpu temperature", "gpu temperature, by its hardware")),
    ],
)
def test_reasons_for_low_clocks_are_told_but_for_those_that_were_asked_for(
    mask: int, reasons: tuple[str, ...]
) -> None:
    double = FakeNvml()
    double.reasons = mask
    assert source(double).sample(0.0).throttled == reasons


def test_what_a_gpu_does_not_support_is_unknown() -> None:
    gpu = source(FakeNvml(*(name for name in functions(FakeNvml) if "Device" in name)))
    gpu.sample(0.0)
    assert gpu.sample(0.25) == Sample()


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "find_gpus", lambda: [ADA])
    monkeypatch.setattr(nvml, "first_gpu_address", lambda: ADDRESS)


def install(monkeypatch: pytest.MonkeyPatch, double: FakeNvml) -> None:
    monkeypatch.setattr(nvml, "load_package", lambda package, extra: double)


def test_the_first_gpu_of_cuda_is_opened_and_closed(
    driver: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    double = FakeNvml("nvmlShutdown")  # whose failure nobody needs to know
    install(monkeypatch, double)
    opened = open_nvml()
    assert opened is not None
    with opened:
        assert opened.sample(0.0).gpu_percent == 93.0
        assert double.opened == 1
    assert double.opened == 0


@pytest.mark.parametrize("broken", ["nvmlInit", "nvmlDeviceGetHandleByPciBusId"])
def test_a_library_that_fails_is_no_source(
    driver: None, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    double = FakeNvml(broken)
    install(monkeypatch, double)
    assert open_nvml() is None
    assert double.opened == 0


def test_without_package_or_driver_there_is_no_source(
    driver: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(package: str, extra: str) -> None:
        raise MissingPackageError(package, extra=extra)

    monkeypatch.setattr(nvml, "load_package", absent)
    assert open_nvml() is None

    def no_driver() -> list[Gpu]:
        raise RtsdbError("no NVIDIA driver")

    install(monkeypatch, FakeNvml())
    monkeypatch.setattr(nvml, "find_gpus", no_driver)
    assert open_nvml() is None


def test_the_real_package_without_a_gpu_is_no_source(driver: None) -> None:
    pynvml = pytest.importorskip("pynvml")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        assert open_nvml() is None
    else:
        pynvml.nvmlShutdown()
        pytest.skip("this machine has an NVIDIA GPU")
