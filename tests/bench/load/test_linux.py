from __future__ import annotations

import os
from pathlib import Path

import pytest

from rtsdb.bench.load import linux
from rtsdb.bench.load.linux import LinuxSource
from rtsdb.bench.load.sample import Sample
from tests.bench.load.trees import write

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def stat(*ticks: int) -> str:
    """/proc/stat with user, nice, system, idle, iowait, irq, softirq, steal, then guests."""
    return "cpu  " + " ".join(map(str, ticks)) + " 7 7\ncpu0 1 2 3\nintr 5"


@pytest.fixture
def own_seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What this process's clock says next."""
    seconds = [10.0, 11.5]
    monkeypatch.setattr(linux.time, "process_time", lambda: seconds.pop(0))
    return seconds


def test_others_time_is_all_but_idle_and_own(tmp_path: Path, own_seconds: list[float]) -> None:
    write(tmp_path, {"proc/stat": stat(100, 10, 20, 5000, 300, 1, 2, 3)})
    source = LinuxSource(tmp_path)
    assert source.sample(0.0).other_cpu_s is None
    busy = [number * TICKS for number in (2, 1, 1, 40, 30, 0, 0, 1)]  # 5 seconds, of which 1 stolen
    before = (100, 10, 20, 5000, 300, 1, 2, 3)
    write(tmp_path, {"proc/stat": stat(*(a + b for a, b in zip(before, busy, strict=True)))})
    now = source.sample(1.0)
    assert now.cpu_s == pytest.approx(1.5)
    assert now.other_cpu_s == pytest.approx(3.5)


def test_memory_is_the_resident_part(tmp_path: Path) -> None:
    write(tmp_path, {"proc/self/statm": "9999 1000 300 1 0 5 0"})
    assert LinuxSource(tmp_path).sample(0.0).rss_mb == pytest.approx(1000 * PAGE / 1e6)


def test_swap_counts_both_ways(tmp_path: Path) -> None:
    write(tmp_path, {"proc/vmstat": "nr_free_pages 7\npswpin 100\npswpout 50\npswpinx 9"})
    source = LinuxSource(tmp_path)
    source.sample(0.0)
    write(tmp_path, {"proc/vmstat": "nr_free_pages 7\npswpin 300\npswpout 51\npswpinx 9"})
    assert source.sample(1.0).swap_mb == pytest.approx(201 * PAGE / 1e6)


def test_the_clock_is_the_mean_of_the_cores_that_tell(tmp_path: Path) -> None:
    folder = "sys/devices/system/cpu"
    write(
        tmp_path,
        {
            f"{folder}/cpu0/cpufreq/scaling_cur_freq": "2000000",
            f"{folder}/cpu1/cpufreq/scaling_cur_freq": "3000000",
            f"{folder}/cpu2/cpufreq/scaling_cur_freq": "<unknown>",
            "proc/cpuinfo": "flags : fpu aperfmperf\ncpu MHz\t\t: 1111.000",
        },
    )
    assert LinuxSource(tmp_path).sample(0.0).cpu_clock_mhz == pytest.approx(2500)


@pytest.mark.parametrize(
    ("flags", "mhz"), [("fpu aperfmperf sse", 2100.0), ("fpu sse", None), ("aperfmperfs", None)]
)
def test_cpuinfo_is_believed_where_its_clock_is_measured(
    tmp_path: Path, flags: str, mhz: float | None
) -> None:
    core = "cpu MHz\t\t: {}\nflags\t\t: " + flags + "\n"
    write(tmp_path, {"proc/cpuinfo": core.format("2000.000") + core.format("2200.000")})
    assert LinuxSource(tmp_path).sample(0.0).cpu_clock_mhz == mhz


def test_elsewhere_only_the_own_time_is_known(tmp_path: Path, own_seconds: list[float]) -> None:
    source = LinuxSource(tmp_path)
    source.sample(0.0)
    assert source.sample(1.0) == Sample(cpu_s=1.5)


def test_this_machine_is_read() -> None:
    source = LinuxSource()
    source.sample(0.0)
    now = source.sample(0.1)
    assert now.rss_mb is not None
    assert now.rss_mb > 10
    assert now.other_cpu_s is not None
