"""GPU, power and over-current events of a Jetson, from sysfs.

jetson-stats reads the same files, by a service that root must install; here nothing is needed.

See "Jetson Orin NX and AGX Orin, Platform Power and Performance" of NVIDIA's Jetson Linux Developer
Guide: its tables of INA3221 rails, and of over-current events. Not yet run on a Jetson.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rtsdb.bench.load.amounts import Counter, Integral
from rtsdb.bench.load.kernel_files import ROOT, read_number, read_text
from rtsdb.bench.load.sample import Sample, Source

MODULE_RAILS = (
    ("VDD_IN",),
    ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),
    ("VDD_GPU", "VDD_CPU_SOC_MSS", "VIN_SYS_5V0"),
)
"""Rails that make up a module's power: Orin NX and Nano, AGX Orin, Thor. Other rails, such as that
of AGX Orin's memory, are fed by these."""

OVERCURRENT = {
    "oc1_event_cnt": "under-voltage",
    "oc2_event_cnt": "average over-current",
    "oc3_event_cnt": "instantaneous over-current",
}

_GPUS = ("*.gpu", "*.ga10b", "gpu-gpc-0")
"""Names of GPUs among devices with several clocks: Orin's by JetPack 6, by 5, Thor's."""


class JetsonSource(Source):
    """GPU load and clock, energy of the module's rails, and events that lower all clocks."""

    def __init__(self, root: Path = ROOT) -> None:
        devfreq = root / "sys/class/devfreq"
        self._gpu = next((gpu for name in _GPUS for gpu in devfreq.glob(name)), None)
        rails = dict(_rails(root))
        names = next((names for names in MODULE_RAILS if rails.keys() >= set(names)), ())
        self._name = " + ".join(names)
        self._rails = [rails[name] for name in names]
        self._energy = Integral()
        self._events = {
            monitor / name: (reason, Counter())
            for monitor in _monitors(root, "soctherm_oc")
            for name, reason in OVERCURRENT.items()
        }

    def sample(self, seconds: float) -> Sample:
        """Ask now."""
        energy = self._energy.growth(self._power(), seconds)
        load = clock = None
        if self._gpu is not None:
            load = read_number(self._gpu / "device/load")  # thousandths
            clock = read_number(self._gpu / "cur_freq")  # Hz
        return Sample(
            energy_j={} if energy is None else {self._name: energy},
            throttled=tuple(self._reasons()),
            gpu_percent=None if load is None else load / 10,
            gpu_clock_mhz=None if clock is None else clock / 1e6,
        )

    def _power(self) -> float | None:
        """Watts of the module; None unless all of its rails can be read."""
        total = 0.0
        for volts, amperes in self._rails:
            millivolts, milliamperes = read_number(volts), read_number(amperes)
            if millivolts is None or milliamperes is None:
                return None
            total += millivolts * milliamperes / 1e6
        return total if self._rails else None

    def _reasons(self) -> Iterator[str]:
        for file, (reason, counter) in self._events.items():
            if counter.growth(read_number(file)):
                yield reason


def _monitors(root: Path, name: str) -> list[Path]:
    """hwmon folders of a driver."""
    folders = sorted(root.glob("sys/class/hwmon/hwmon*"))
    return [folder for folder in folders if read_text(folder / "name") == name]


def _rails(root: Path) -> Iterator[tuple[str, tuple[Path, Path]]]:
    """Names of all rails, and the files with their voltage in mV and current in mA."""
    for monitor in _monitors(root, "ina3221"):
        for channel in (1, 2, 3):
            label = read_text(monitor / f"in{channel}_label")
            if label:
                yield label, (monitor / f"in{channel}_input", monitor / f"curr{channel}_input")
