from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from rtsdb.bench import host
from rtsdb.bench.host import describe_host, governor, power_mode, turbo
from tests.bench.load.trees import write

CPU = "sys/devices/system/cpu"
ADA = "NVIDIA GeForce RTX 4090"


@pytest.fixture(autouse=True)
def _no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a test puts commands, which may take their time."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(host, "PATIENCE", 300.0)


def test_the_description_is_json_and_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "gpu_names", lambda: [ADA])
    monkeypatch.setattr(host, "driver_version", lambda: "570.1")
    facts = json.loads(json.dumps(describe_host(tmp_path)))
    assert {"cpu", "system", "versions", "date"} <= facts.keys()
    assert facts["gpus"] == [ADA]
    assert facts["gpu_driver"] == "570.1"
    assert 0 < facts["usable_cpus"] <= facts["cpus"]
    assert facts["memory_mb"] > 100
    assert facts["load_average"] >= 0
    assert facts["governor"] is facts["turbo"] is facts["temperature_c"] is None


def test_without_a_gpu_no_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "gpu_names", list)
    facts = describe_host()
    assert facts["gpus"] == []
    assert facts["gpu_driver"] is None


def git(folder: Path, *command: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(
        ["git", *identity, *command], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_commit_and_changes_after_it_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "site-packages").mkdir(parents=True)
    monkeypatch.setattr(host, "CHECKOUT", checkout)
    assert describe_host()["git_commit"] is None
    git(checkout, "init")
    (checkout / "a.py").write_text("1")
    git(checkout, "add", "a.py")
    git(checkout, "commit", "-m", "a")
    facts = describe_host()
    assert facts["git_commit"] == git(checkout, "rev-parse", "HEAD")
    assert facts["git_dirty"] is False
    (checkout / "a.py").write_text("2")
    assert describe_host()["git_dirty"] is True
    monkeypatch.setattr(host, "CHECKOUT", checkout / "site-packages")  # installed inside another's
    facts = describe_host()
    assert facts["git_commit"] is facts["git_dirty"] is None


@pytest.mark.parametrize(
    ("governors", "told"),
    [
        ((), None),
        (("performance", "performance"), "performance"),
        (("performance", "powersave"), "performance, powersave"),
    ],
)
def test_governors_of_all_processors_count(
    tmp_path: Path, governors: tuple[str, ...], told: str | None
) -> None:
    for number, name in enumerate(governors):
        write(tmp_path, {f"{CPU}/cpu{number}/cpufreq/scaling_governor": name})
    assert governor(tmp_path) == told


@pytest.mark.parametrize(
    ("files", "allowed"),
    [
        ({}, None),
        ({f"{CPU}/intel_pstate/no_turbo": "1"}, False),
        ({f"{CPU}/intel_pstate/no_turbo": "0"}, True),
        ({f"{CPU}/cpufreq/boost": "1"}, True),
        ({f"{CPU}/cpufreq/boost": "0"}, False),
    ],
)
def test_turbo_is_read_as_intel_and_others_write_it(
    tmp_path: Path, files: dict[str, str], allowed: bool | None
) -> None:
    write(tmp_path, files)
    assert turbo(tmp_path) is allowed


def test_the_power_mode_is_jetson_s_before_the_system_s(tmp_path: Path) -> None:
    assert power_mode(tmp_path) is None
    write(tmp_path, {"sys/firmware/acpi/platform_profile": "balanced"})
    assert power_mode(tmp_path) == "balanced"
    tool = tmp_path / "bin/nvpmodel"
    for script, mode in (
        (
            "echo 'NVPM WARN: fan mode is not set!'; echo 'NV Power Mode: MODE_30W'; echo 2",
            "MODE_30W",
        ),
        ("echo 'NVPM ERROR'; exit 1", "balanced"),
    ):
        write(tmp_path, {"bin/nvpmodel": f"#!/bin/sh\n{script}"})
        tool.chmod(0o755)
        assert power_mode(tmp_path) == mode
