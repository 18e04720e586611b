"""An NVML with one GPU: test_nvml.py compares its names and arguments with nvidia-ml-py's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

ADDRESS = "0000:01:00.0"


class FakeNvml:
    """The module `pynvml`. broken: functions that raise NVMLError. energy_mj, power_mw: of now."""

    class NVMLError(Exception):
        """What every call may raise."""

    NVML_CLOCK_SM = 1
    NVML_TEMPERATURE_GPU = 0
    nvmlClocksEventReasonSwPowerCap = 0x4
    nvmlClocksEventReasonHwSlowdown = 0x8
    nvmlClocksEventReasonSwThermalSlowdown = 0x20
    nvmlClocksEventReasonHwThermalSlowdown = 0x40
    nvmlClocksEventReasonHwPowerBrakeSlowdown = 0x80

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        self.opened = 0
        self.energy_mj, self.power_mw, self.reasons = 1000, 80_000, 0x1

    def _answer(self, function: str, handle: Any, value: Any) -> Any:
        if function in self.broken or handle != "gpu":
            raise self.NVMLError(function)
        return value

    def nvmlInit(self) -> None:
        self._answer("nvmlInit", "gpu", None)
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.opened -= 1
        self._answer("nvmlShutdown", "gpu", None)

    def nvmlDeviceGetHandleByPciBusId(self, pciBusId: str) -> Any:
        assert pciBusId == ADDRESS
        return self._answer("nvmlDeviceGetHandleByPciBusId", "gpu", "gpu")

    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> Any:
        rates = SimpleNamespace(gpu=93, memory=40)
        return self._answer("nvmlDeviceGetUtilizationRates", handle, rates)

    def nvmlDeviceGetMemoryInfo(self, handle: Any, version: Any = None) -> Any:
        info = SimpleNamespace(total=24_000_000_000, free=22_500_000_000, used=1_500_000_000)
        return self._answer("nvmlDeviceGetMemoryInfo", handle, info)

    def nvmlDeviceGetClockInfo(self, handle: Any, type: int) -> int:
        clock: int = self._answer("nvmlDeviceGetClockInfo", handle, {1: 2520}[type])
        return clock

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any) -> int:
        total: int = self._answer("nvmlDeviceGetTotalEnergyConsumption", handle, self.energy_mj)
        return total

    def nvmlDeviceGetPowerUsage(self, handle: Any) -> int:
        power: int = self._answer("nvmlDeviceGetPowerUsage", handle, self.power_mw)
        return power

    def nvmlDeviceGetTemperature(self, handle: Any, sensor: int) -> int:
        degrees: int = self._answer("nvmlDeviceGetTemperature", handle, {0: 66}[sensor])
        return degrees

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle: Any) -> int:
        mask: int = self._answer("nvmlDeviceGetCurrentClocksEventReasons", handle, self.reasons)
        return mask


class NewNvml(FakeNvml):
    """As from CUDA 14 on, where the deprecated function is gone."""

    @property
    def nvmlDeviceGetTemperature(self) -> Any:
        raise AttributeError

    def nvmlDeviceGetTemperatureV(self, handle: Any, sensor: int, version: int = 0x100000C) -> int:
        degrees: int = self._answer("nvmlDeviceGetTemperatureV", handle, {0: 67}[sensor])
        return degrees
