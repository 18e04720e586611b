"""Temperatures of processor and GPU on Linux, and clocks that were lowered because of them.

See "Thermal" and "hwmon sysfs interface" of the kernel's documentation, and, for Intel's counters,
`arch/x86/kernel/cpu/mce/therm_throt.c`; those files are in /sys/class/thermal, /sys/class/hwmon
and /sys/devices/system/cpu/cpu*/thermal_throttle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rtsdb.bench.load.amounts import Counter
from rtsdb.bench.load.kernel_files import ROOT, read_number, read_numbers, read_text
from rtsdb.bench.load.sample import Sample, Source

CHIPS = ("coretemp", "k10temp", "zenpower")
"""hwmon drivers of processors: Intel, AMD, AMD."""

_ZONE = re.compile("cpu|gpu|soc|tj|pkg", re.I)
"""What zones of processor and GPU have in their names; others are of power supplies, radios."""


def temperature_files(root: Path = ROOT) -> list[Path]:
    """Files with the temperatures, in thousandths of a degree, of processor and GPU."""
    zones = root.glob("sys/class/thermal/thermal_zone*")
    chips = root.glob("sys/class/hwmon/hwmon*")
    return [
        *(zone / "temp" for zone in zones if _ZONE.search(read_text(zone / "type") or "")),
        *(
            file
            for chip in chips
            if read_text(chip / "name") in CHIPS
            for file in chip.glob("temp*_input")
        ),
    ]


def hottest(files: list[Path]) -> float | None:
    """Highest of some temperatures in degrees Celsius; None where none can be read."""
    return max((value / 1000 for value in read_numbers(files)), default=None)


class ThermalSource(Source):
    """The hottest sensor; whether the processor throttled itself, or the kernel a device."""

    def __init__(self, root: Path = ROOT) -> None:
        self._temperatures = temperature_files(root)
        counts = root.glob("sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count")
        self._counts = {file: Counter() for file in sorted(counts)}
        devices = sorted(root.glob("sys/class/thermal/cooling_device*"))
        kinds = {device: read_text(device / "type") or "" for device in devices}
        self._limited = {d: kind for d, kind in kinds.items() if re.search("cpufreq|devfreq", kind)}

    def sample(self, seconds: float) -> Sample:
        """Ask now."""
        return Sample(temperature_c=hottest(self._temperatures), throttled=tuple(self._reasons()))

    def _reasons(self) -> Iterator[str]:
        grown = [counter.growth(read_number(file)) for file, counter in self._counts.items()]
        if any(grown):
            yield "processor temperature"
        for device, kind in self._limited.items():
            if read_number(device / "cur_state"):
                yield f"temperature, by {kind}"
