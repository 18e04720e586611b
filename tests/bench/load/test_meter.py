from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtsdb.bench.load import LoadMeter, meter
from rtsdb.bench.load.jetson import JetsonSource
from rtsdb.bench.load.linux import LinuxSource
from rtsdb.bench.load.meter import merge, summarize
from rtsdb.bench.load.rapl import RaplSource
from rtsdb.bench.load.sample import Sample, Source
from rtsdb.bench.load.thermal import ThermalSource
from rtsdb.bench.model import Load
from tests.bench.load.trees import (
    AGX_ORIN,
    JETSON_EVENTS,
    JETSON_GPU,
    package,
    rails,
    write,
)


class Script(Source):
    """Tells what it is given, the last again and again; `asked` is set when all was told."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = list(samples)
        self.asked = threading.Event()
        self.seconds: list[float] = []
        self.closed = 0

    def sample(self, seconds: float) -> Sample:
        assert not self.closed
        self.seconds.append(seconds)
        if len(self.samples) > 1:
            return self.samples.pop(0)
        self.asked.set()
        return self.samples[0]

    def close(self) -> None:
        self.closed += 1


def test_amounts_are_summed_and_states_averaged() -> None:
    before = Sample(rss_mb=900, gpu_percent=0, temperature_c=40, throttled=("earlier",))
    samples = [
        before,
        Sample(cpu_s=1.5, other_cpu_s=0.2, swap_mb=3, rss_mb=500, gpu_percent=80, gpu_clock_mhz=1),
        Sample(cpu_s=2.5, other_cpu_s=0.3, swap_mb=4, gpu_percent=90, temperature_c=60),
    ]
    assert summarize(samples, 2.0, frames=10) == Load(
        cpu_percent=200.0,
        other_cpu_percent=25.0,
        swap_mb=7,
        rss_mb=900,
        gpu_percent=85,
        gpu_clock_mhz=1,
        temperature_c=(40, 60),
    )


def test_power_is_that_of_everything_that_has_a_meter() -> None:
    samples = [
        Sample(),
        Sample(energy_j={"cpu package": 20.0, "gpu": 100.0}, throttled=("hot",)),
        Sample(energy_j={"cpu package": 10.0, "gpu": 110.0}, throttled=("hot", "power")),
    ]
    load = summarize(samples, 2.0, frames=60)
    assert (load.power_w, load.power_of) == (120.0, "cpu package + gpu")
    assert load.energy_per_frame_j == 4.0
    assert load.throttled == ("hot", "power")
    assert summarize(samples, 2.0, frames=0).energy_per_frame_j is None


def test_nothing_known_nothing_told() -> None:
    assert summarize([Sample(), Sample()], 1.0, frames=1) == Load()
    assert summarize([Sample()], 0.0, frames=1) == Load()


def test_two_clocks_that_disagree_make_no_negative_time() -> None:
    samples = [Sample(), Sample(cpu_s=1.0, other_cpu_s=-0.01)]
    assert summarize(samples, 1.0, frames=1).other_cpu_percent == 0.0


SAMPLES = st.builds(
    Sample,
    rss_mb=st.none() | st.floats(0, 1e5),
    gpu_clock_mhz=st.none() | st.floats(0, 5e3),
    temperature_c=st.none() | st.floats(-20, 120),
    throttled=st.lists(st.sampled_from("ab")).map(tuple),
)


@given(st.lists(SAMPLES, max_size=4))
@settings(max_examples=30)
def test_merging_loses_nothing_that_was_told(samples: list[Sample]) -> None:
    one = merge(samples)
    assert one.rss_mb == next((s.rss_mb for s in samples if s.rss_mb is not None), None)
    known = [s.temperature_c for s in samples if s.temperature_c is not None]
    assert one.temperature_c == (max(known) if known else None)
    assert len(one.throttled) == sum(len(s.throttled) for s in samples)


def test_sources_are_asked_until_the_meter_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "INTERVAL", 0.001)
    source = Script([Sample(rss_mb=mb, swap_mb=1) for mb in (1, 2, 7, 3)])
    with LoadMeter(sources=[source]) as watch:
        assert source.asked.wait(300)  # the watching thread's doing
        inside = watch.load(frames=1)
        assert source.closed == 0
    assert inside.rss_mb == 7
    after = watch.load(frames=1)
    assert after == watch.load(frames=1)
    assert after.swap_mb == len(source.seconds) - 1
    assert source.seconds[0] == 0.0
    assert source.closed == 1
    watch.close()
    assert source.closed == 1
    assert not any(thread.name == "load meter" for thread in threading.enumerate())


def test_work_is_seen_on_this_machine() -> None:
    with LoadMeter(gpu=False) as watch:
        held = bytearray(range(256)) * 200_000  # 51 MB
    load = watch.load(frames=1)
    assert load.rss_mb is not None
    assert load.rss_mb > len(held) / 1e6
    assert load.cpu_percent is not None
    assert load.cpu_percent > 0


TREE = {
    "proc/stat": "",
    "proc/self/statm": "",
    "proc/vmstat": "pswpin 1",
    "proc/cpuinfo": "flags : aperfmperf",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "",
    "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "",
    "sys/class/thermal/thermal_zone0/type": "cpu",
    "sys/class/thermal/thermal_zone0/temp": "",
    "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0",
    "sys/class/thermal/cooling_device0/cur_state": "",
    f"{JETSON_GPU}/device/load": "",
    f"{JETSON_GPU}/cur_freq": "",
    f"{JETSON_EVENTS}/name": "soctherm_oc",
    f"{JETSON_EVENTS}/oc1_event_cnt": "",
    **package("intel-rapl:0", "package-0", "1"),
    **rails(AGX_ORIN),
}
KEPT = ("type", "name", "label")
"""Ends of the names of files that decide what is read."""


@given(st.dictionaries(st.sampled_from(sorted(TREE)), st.text(), min_size=1))
@settings(max_examples=30)
def test_whatever_the_kernel_writes_no_source_fails(
    tmp_path_factory: pytest.TempPathFactory, strange: dict[str, str]
) -> None:
    root: Path = tmp_path_factory.mktemp("root")
    write(root, TREE)
    sources = [kind(root) for kind in (LinuxSource, ThermalSource, RaplSource, JetsonSource)]
    write(root, {name: text for name, text in strange.items() if not name.endswith(KEPT)})
    for source in (*sources, LinuxSource(root)):
        source.sample(0.0)
        source.sample(1.0)
