"""The load of several turns as one."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from rtsdb.bench.model import Load


def mean_load(loads: Sequence[Load]) -> Load:
    """Means of what the turns of a side spent, which take equally long.

    Of memory the most, of swapping all, of temperatures the first and the last, and every reason
    for throttling.

    >>> mean_load([Load(power_w=10.0, temperature_c=(40, 50)), Load(power_w=20.0)]).power_w
    15.0
    """

    def mean(name: str) -> float | None:
        values = [value for load in loads if (value := getattr(load, name)) is not None]
        return fmean(values) if values else None

    temperatures = [load.temperature_c for load in loads if load.temperature_c is not None]
    swapped = [load.swap_mb for load in loads if load.swap_mb is not None]
    return Load(
        cpu_percent=mean("cpu_percent"),
        other_cpu_percent=mean("other_cpu_percent"),
        rss_mb=max((load.rss_mb for load in loads if load.rss_mb is not None), default=None),
        swap_mb=sum(swapped) if swapped else None,
        cpu_clock_mhz=mean("cpu_clock_mhz"),
        gpu_percent=mean("gpu_percent"),
        gpu_memory_mb=mean("gpu_memory_mb"),
        gpu_clock_mhz=mean("gpu_clock_mhz"),
        power_w=mean("power_w"),
        power_of=next((load.power_of for load in loads if load.power_of), None),
        energy_per_frame_j=mean("energy_per_frame_j"),
        temperature_c=(temperatures[0][0], temperatures[-1][1]) if temperatures else None,
        throttled=tuple(dict.fromkeys(reason for load in loads for reason in load.throttled)),
    )
