from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from rtsdb import machine


def test_machine_is_described_in_json() -> None:
    before = datetime.now(timezone.utc).replace(microsecond=0)
    facts = json.loads(json.dumps(machine.describe_machine()))
    assert set(facts) == {"cpu", "system", "versions", "date"}
    assert facts["cpu"]
    assert {"python", "numpy", "openvino"} <= set(facts["versions"])
    assert before <= datetime.fromisoformat(facts["date"]) <= datetime.now(timezone.utc)


def test_the_processor_has_a_name_where_there_is_no_cpuinfo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert machine.cpu_name()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor : 0\nmodel name\t: Fast CPU @ 3: GHz\n", "Fast CPU @ 3: GHz"),
        ("Hardware : x", "arm"),
    ],
)
def test_the_processor_s_name_is_read_from_cpuinfo(
    monkeypatch: pytest.MonkeyPatch, text: str, name: str
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: text)
    monkeypatch.setattr(machine.platform, "machine", lambda: "arm")
    assert machine.cpu_name() == name


def test_packages_that_are_absent_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PACKAGES", ("numpy", "no-such-package-here"))
    assert set(machine.versions()) == {"python", "numpy"}
