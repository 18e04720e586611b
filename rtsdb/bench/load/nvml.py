"""The NVIDIA GPU, by the NVIDIA Management Library (NVML); needs the extra `bench`.

Tested on a double whose functions are those of nvidia-ml-py; not yet run on a GPU.
"""

from __future__ import annotations

from typing import Any

from rtsdb.bench.load.amounts import Counter, Integral
from rtsdb.bench.load.sample import Sample, Source
from rtsdb.errors import RtsdbError
from rtsdb.gpu import find_gpus, first_gpu_address
from rtsdb.optional import load_package

THROTTLING = {
    "nvmlClocksEventReasonSwPowerCap": "gpu power limit",
    "nvmlClocksEventReasonHwSlowdown": "gpu hardware slowdown",
    "nvmlClocksEventReasonSwThermalSlowdown": "gpu temperature",
    "nvmlClocksEventReasonHwThermalSlowdown": "gpu temperature, by its hardware",
    "nvmlClocksEventReasonHwPowerBrakeSlowdown": "gpu power brake",
}
"""Those of NVML's reasons for a clock below the highest that nobody asked for."""


def open_nvml() -> Source | None:
    """The first GPU that CUDA sees; None without a driver, a GPU, or the package."""
    try:
        gpu, address = find_gpus()[0], first_gpu_address()
        nvml = load_package("pynvml", extra="bench")
    except RtsdbError:
        return None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    try:
        handle = nvml.nvmlDeviceGetHandleByPciBusId(address)
    except nvml.NVMLError:
        nvml.nvmlShutdown()
        return None
    return NvmlSource(nvml, handle, has_own_power=not gpu.integrated)


class NvmlSource(Source):
    """Utilisation, memory, clock, energy, temperature and throttling of one GPU.

    nvml: the module, initialised. has_own_power: whether its power is not the board's, as an
    integrated GPU's is.
    """

    def __init__(self, nvml: Any, handle: Any, *, has_own_power: bool) -> None:
        self._nvml, self._handle, self._has_own_power = nvml, handle, has_own_power
        self._counted, self._summed = Counter(), Integral()

    def sample(self, seconds: float) -> Sample:
        """Ask now."""
        nvml = self._nvml
        rates = self._ask("nvmlDeviceGetUtilizationRates")
        memory = self._ask("nvmlDeviceGetMemoryInfo")
        clock = self._ask("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM)
        energy = self._energy_j(seconds) if self._has_own_power else None
        return Sample(
            energy_j={} if energy is None else {"gpu": energy},
            throttled=self._reasons(),
            gpu_percent=None if rates is None else float(rates.gpu),
            gpu_memory_mb=None if memory is None else memory.used / 1e6,
            gpu_clock_mhz=None if clock is None else float(clock),
            temperature_c=self._temperature(),
        )

    def close(self) -> None:
        """Leave the library; what it says then no longer matters."""
        try:
            self._nvml.nvmlShutdown()
        except self._nvml.NVMLError:
            return

    def _ask(self, function: str, *arguments: Any) -> Any:
        """What NVML answers about the GPU; None where package, driver or GPU does not know."""
        try:
            return getattr(self._nvml, function)(self._handle, *arguments)
        except (AttributeError, self._nvml.NVMLError):
            return None

    def _energy_j(self, seconds: float) -> float | None:
        """Since the last sample: by the counter that GPUs have from Volta on, else by the power."""
        counted = self._ask("nvmlDeviceGetTotalEnergyConsumption")  # mJ
        if counted is not None:
            grown = self._counted.growth(counted)
            return None if grown is None else grown / 1000
        power = self._ask("nvmlDeviceGetPowerUsage")  # mW
        return self._summed.growth(None if power is None else power / 1000, seconds)

    def _temperature(self) -> float | None:
        sensor = self._nvml.NVML_TEMPERATURE_GPU
        # The second is for older drivers; nvidia-ml-py announces its end for CUDA 14.
        for function in ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"):
            degrees = self._ask(function, sensor)
            if degrees is not None:
                return float(degrees)
        return None

    def _reasons(self) -> tuple[str, ...]:
        mask = self._ask("nvmlDeviceGetCurrentClocksEventReasons") or 0
        names = THROTTLING.items()
        return tuple(reason for name, reason in names if mask & getattr(self._nvml, name))
