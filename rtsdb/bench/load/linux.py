"""Processor time, memory, swap and clock, from Linux's /proc and cpufreq.

See `proc_stat(5)`, `proc_pid_statm(5)`, and "CPU Performance Scaling" of the kernel's admin guide.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from statistics import fmean

from rtsdb.bench.load.amounts import Counter
from rtsdb.bench.load.kernel_files import ROOT, read_numbers, read_text
from rtsdb.bench.load.sample import Sample, Source

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class LinuxSource(Source):
    """Processor time of this process and of others, its memory, swapping, the cores' mean clock.

    The first is known on other systems too. Time that a hypervisor stole is others' time. The
    clock is what the processor ran at; a nominal clock, as virtual machines have it, is no answer.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._proc = root / "proc"
        cpus = root / "sys/devices/system/cpu"
        self._clocks = sorted(cpus.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))
        # Without this feature x86 kernels print the time stamp counter's rate as each core's clock.
        flags = re.search(r"^flags\b.*", read_text(self._proc / "cpuinfo") or "", re.M)
        self._cpuinfo_has_clocks = flags is not None and "aperfmperf" in flags[0].split()
        self._own, self._all, self._swapped = Counter(), Counter(), Counter()

    def sample(self, seconds: float) -> Sample:
        """Ask now."""
        own = self._own.growth(time.process_time())
        every = self._all.growth(self._busy())
        return Sample(
            cpu_s=own,
            other_cpu_s=None if own is None or every is None else every - own,
            swap_mb=self._swapped.growth(self._swap()),
            rss_mb=self._memory(),
            cpu_clock_mhz=self._clock(),
        )

    def _busy(self) -> float | None:
        """Seconds that all cores together were busy since the machine started."""
        told = re.match(r"cpu((?: +\d+){8})", read_text(self._proc / "stat") or "")
        if told is None:
            return None
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, told[1].split())
        return (user + nice + system + irq + softirq + steal) / _TICKS

    def _memory(self) -> float | None:
        told = re.match(r"\d+ (\d+)", read_text(self._proc / "self/statm") or "")
        return None if told is None else int(told[1]) * _PAGE / 1e6

    def _swap(self) -> float | None:
        """MB moved to and from swap since the machine started."""
        text = read_text(self._proc / "vmstat") or ""
        pages = re.findall(r"^pswp(?:in|out) (\d+)$", text, re.M)
        return sum(map(int, pages)) * _PAGE / 1e6 if pages else None

    def _clock(self) -> float | None:
        clocks = [khz / 1000 for khz in read_numbers(self._clocks)]
        if not clocks and self._cpuinfo_has_clocks:
            text = read_text(self._proc / "cpuinfo") or ""
            clocks = [float(mhz) for mhz in re.findall(r"^cpu MHz\s*: (\d+\.\d+)$", text, re.M)]
        return fmean(clocks) if clocks else None
