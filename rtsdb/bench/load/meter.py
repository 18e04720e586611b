"""Samples of all sources, a few times a second, and what they amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from statistics import fmean
from threading import Event, Lock, Thread
from time import perf_counter
from typing import Any

from rtsdb.bench.load.jetson import JetsonSource
from rtsdb.bench.load.linux import LinuxSource
from rtsdb.bench.load.nvml import open_nvml
from rtsdb.bench.load.rapl import RaplSource
from rtsdb.bench.load.sample import Sample, Source
from rtsdb.bench.load.thermal import ThermalSource
from rtsdb.bench.model import Load
from rtsdb.resource import Resource

INTERVAL = 0.25
"""Seconds between samples."""


def open_sources(*, gpu: bool) -> list[Source]:
    """All sources of this platform. gpu: whether a graphics card's load is of interest."""
    nvml = open_nvml() if gpu else None
    sources = [LinuxSource(), ThermalSource(), RaplSource(), JetsonSource()]
    return sources if nvml is None else [*sources, nvml]


class LoadMeter(Resource):
    """Watches from its creation until it is closed, in a thread that sleeps nearly all the time.

    The highest memory is that of the samples, not of the process's life: it misses what came and
    went between two of them. gpu: whether this process computes on a graphics card; otherwise that
    is left out, or its idle power would count as that of the work. sources: closed with the meter.

    >>> with LoadMeter(gpu=False) as meter:
    ...     work = sum(range(1000))
    >>> load = meter.load(frames=1)
    """

    def __init__(self, *, gpu: bool = True, sources: Sequence[Source] | None = None) -> None:
        self._sources = open_sources(gpu=gpu) if sources is None else sources
        self._lock = Lock()
        self._over = Event()
        self._samples: list[Sample] = []
        self._began = self._last = perf_counter()
        self._take()
        self._thread = Thread(target=self._watch, name="load meter", daemon=True)
        self._thread.start()

    def load(self, *, frames: int) -> Load:
        """What was spent until now, or until it was closed, on so many frames."""
        with self._lock:
            if not self._over.is_set():
                self._take()
            return summarize(self._samples, self._last - self._began, frames)

    def close(self) -> None:
        """Take the last sample and stop."""
        with self._lock:
            if self._over.is_set():
                return
            self._take()
            self._over.set()
        self._thread.join()
        for source in self._sources:
            source.close()

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL):
            with self._lock:
                if not self._over.is_set():
                    self._take()

    def _take(self) -> None:
        now = perf_counter()
        seconds = now - self._last if self._samples else 0.0
        self._last = now
        self._samples.append(merge([source.sample(seconds) for source in self._sources]))


def merge(samples: Sequence[Sample]) -> Sample:
    """Samples of several sources as one: the highest temperature, else what the first tells.

    >>> merge([Sample(rss_mb=1, temperature_c=40), Sample(rss_mb=2, temperature_c=50)]).rss_mb
    1
    """
    told: dict[str, Any] = {}
    for entry in fields(Sample):
        told[entry.name] = next(iter(_known(samples, entry.name)), None)
    told["temperature_c"] = max(_known(samples, "temperature_c"), default=None)
    told["energy_j"] = {name: joules for s in samples for name, joules in s.energy_j.items()}
    told["throttled"] = tuple(reason for s in samples for reason in s.throttled)
    return Sample(**told)


def summarize(samples: Sequence[Sample], seconds: float, frames: int) -> Load:
    """The load of some seconds on so many frames; the first sample is of the moment before them."""
    later = samples[1:]
    energies = [sum(joules.values()) for s in later if (joules := s.energy_j)]
    temperatures = _known(samples, "temperature_c")
    other = _percent(later, "other_cpu_s", seconds)
    return Load(
        cpu_percent=_percent(later, "cpu_s", seconds),
        other_cpu_percent=None if other is None else max(other, 0.0),  # two clocks, two roundings
        rss_mb=max(_known(samples, "rss_mb"), default=None),
        swap_mb=_total(later, "swap_mb"),
        cpu_clock_mhz=_mean(later, "cpu_clock_mhz"),
        gpu_percent=_mean(later, "gpu_percent"),
        gpu_memory_mb=_mean(later, "gpu_memory_mb"),
        gpu_clock_mhz=_mean(later, "gpu_clock_mhz"),
        power_w=sum(energies) / seconds if energies and seconds else None,
        power_of=" + ".join(dict.fromkeys(name for s in later for name in s.energy_j)) or None,
        energy_per_frame_j=sum(energies) / frames if energies and frames else None,
        temperature_c=(temperatures[0], temperatures[-1]) if temperatures else None,
        throttled=tuple(dict.fromkeys(reason for s in later for reason in s.throttled)),
    )


def _known(samples: Sequence[Sample], name: str) -> list[Any]:
    return [value for sample in samples if (value := getattr(sample, name)) is not None]


def _total(samples: Sequence[Sample], name: str) -> float | None:
    known = _known(samples, name)
    return sum(known) if known else None


def _mean(samples: Sequence[Sample], name: str) -> float | None:
    known = _known(samples, name)
    return fmean(known) if known else None


def _percent(samples: Sequence[Sample], name: str, seconds: float) -> float | None:
    spent = _total(samples, name)
    return 100 * spent / seconds if spent is not None and seconds else None
