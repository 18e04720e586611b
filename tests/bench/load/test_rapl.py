from __future__ import annotations

from pathlib import Path

import pytest

from rtsdb.bench.load.rapl import RaplSource
from rtsdb.bench.load.sample import Sample
from tests.bench.load.trees import package, write


def test_energy_is_that_of_all_packages(tmp_path: Path) -> None:
    parts = (
        package("intel-rapl:0:0", "core", "77")
        | package("intel-rapl:2", "psys", "5")
        | package("intel-rapl-mmio:0", "package-0", "1000000")
    )
    write(tmp_path, parts | package("intel-rapl:0", "package-0", "1000000"))
    write(tmp_path, package("intel-rapl:1", "package-1", "2000000"))
    source = RaplSource(tmp_path)
    assert source.sample(0.0) == Sample()
    write(tmp_path, package("intel-rapl:0", "package-0", "4500000"))
    write(tmp_path, package("intel-rapl:1", "package-1", "2250000"))
    assert source.sample(0.5).energy_j == pytest.approx({"cpu package": 3.75})


def test_the_counter_wraps(tmp_path: Path) -> None:
    write(tmp_path, package("intel-rapl:0", "package-0", "9000000"))
    source = RaplSource(tmp_path)
    source.sample(0.0)
    write(tmp_path, package("intel-rapl:0", "package-0", "1000000"))
    assert source.sample(1.0).energy_j == pytest.approx({"cpu package": 2.0})


def test_what_only_root_may_read_is_unknown(tmp_path: Path) -> None:
    write(tmp_path, package("intel-rapl:0", "package-0", "1000000"))
    write(tmp_path, package("intel-rapl:1", "package-1", "permission denied"))
    source = RaplSource(tmp_path)
    source.sample(0.0)
    write(tmp_path, package("intel-rapl:0", "package-0", "2000000"))
    assert source.sample(1.0) == Sample()  # not the half of it
    assert RaplSource(tmp_path / "nothing").sample(0.0) == Sample()
