"""The machine and its settings on which a benchmark's figures depend: the head of its report."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from rtsdb.bench.load.kernel_files import ROOT, read_number, read_text
from rtsdb.bench.load.thermal import hottest, temperature_files
from rtsdb.doctor import driver_version
from rtsdb.gpu import gpu_names
from rtsdb.machine import describe_machine, usable_cpus

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder that holds the package: a checkout, or where packages are installed."""

PATIENCE = 10.0
"""Seconds that a command may take to tell something."""

_CPUS = "sys/devices/system/cpu"


def describe_host(root: Path = ROOT) -> dict[str, object]:
    """`rtsdb.machine.describe_machine` and what else speeds depend on; None for what is not told.

    git_commit, git_dirty: of the package, where it is a checkout. cpus, usable_cpus: logical
    processors, and those of them that this process may use. memory_mb: installed. governor: of
    the processors' clocks. turbo: whether they may exceed the nominal one. power_mode: of Jetson's
    nvpmodel, else the system's power profile. gpus, gpu_driver: of NVIDIA. temperature_c: now, of
    the hottest sensor. load_average: of the last minute, in processes that want to run.
    """
    gpus = gpu_names()
    changes = _git("status", "--porcelain")
    return {
        **describe_machine(),
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": None if changes is None else bool(changes),
        "cpus": os.cpu_count(),
        "usable_cpus": usable_cpus(),
        "memory_mb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6),
        "governor": governor(root),
        "turbo": turbo(root),
        "power_mode": power_mode(root),
        "gpus": gpus,
        "gpu_driver": driver_version() if gpus else None,
        "temperature_c": hottest(temperature_files(root)),
        "load_average": os.getloadavg()[0],
    }


def governor(root: Path = ROOT) -> str | None:
    """The cpufreq governors of all processors, such as 'performance'; None without cpufreq."""
    files = sorted(root.glob(f"{_CPUS}/cpu[0-9]*/cpufreq/scaling_governor"))
    return ", ".join(dict.fromkeys(filter(None, map(read_text, files)))) or None


def turbo(root: Path = ROOT) -> bool | None:
    """Whether processors may run faster than their nominal clock; None where it is not told."""
    forbidden = read_number(root / _CPUS / "intel_pstate/no_turbo")
    if forbidden is not None:
        return not forbidden
    allowed = read_number(root / _CPUS / "cpufreq/boost")
    return None if allowed is None else bool(allowed)


def power_mode(root: Path = ROOT) -> str | None:
    """Jetson's mode, such as 'MAXN', else the ACPI platform profile, such as 'balanced'."""
    told = re.search(r"NV Power Mode: *(\S+)", _run("nvpmodel", "-q") or "")
    return told[1] if told else read_text(root / "sys/firmware/acpi/platform_profile")


def _git(*command: str) -> str | None:
    """What git says of the package; None where it is installed, be that inside another checkout."""
    if not (CHECKOUT / ".git").exists():
        return None
    return _run("git", "--no-optional-locks", "-C", str(CHECKOUT), *command)


def _run(*command: str) -> str | None:
    """What a command prints; None where it is absent or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
