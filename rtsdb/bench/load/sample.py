"""The one protocol of everything that tells about the machine's load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from rtsdb.resource import Resource


@dataclass(frozen=True)
class Sample:
    """What a source tells at a moment; None or nothing where it does not.

    Since the sample before, so that the first has none of them: cpu_s and other_cpu_s, seconds of
    processor time of this process and of all others; swap_mb, moved to and from swap; energy_j,
    by what spent it, which is disjoint; throttled, reasons for lowered clocks.
    At the moment: rss_mb, memory of this process; clocks in MHz; gpu_memory_mb, in use by all;
    temperature_c, of the hottest sensor.
    """

    cpu_s: float | None = None
    other_cpu_s: float | None = None
    swap_mb: float | None = None
    energy_j: Mapping[str, float] = field(default_factory=dict)
    throttled: tuple[str, ...] = ()
    rss_mb: float | None = None
    cpu_clock_mhz: float | None = None
    gpu_percent: float | None = None
    gpu_memory_mb: float | None = None
    gpu_clock_mhz: float | None = None
    temperature_c: float | None = None


class Source(Resource, ABC):
    """One part of the platform that is asked a few times a second. It never raises."""

    @abstractmethod
    def sample(self, seconds: float) -> Sample:
        """Ask now. seconds: since this source's last sample, 0 for the first."""
