from __future__ import annotations

from pathlib import Path

import pytest

from rtsdb.bench.load.jetson import JetsonSource
from rtsdb.bench.load.sample import Sample
from tests.bench.load.trees import AGX_ORIN, JETSON_EVENTS, JETSON_GPU, rails, write

ORIN_NANO = {1: ("VDD_IN", 5000, 2000), 2: ("VDD_CPU_GPU_CV", 5000, 900), 3: ("VDD_SOC", 5000, 300)}
AGX_ORIN_MEMORY = {1: ("NC", 0, 0), 2: ("VDDQ_VDD2_1V8AO", 5000, 400), 3: ("NC", 0, 0)}
THOR = {
    1: ("VDD_GPU", 20000, 1000),
    2: ("VDD_CPU_SOC_MSS", 20000, 500),
    3: ("VIN_SYS_5V0", 5000, 1000),
}


@pytest.mark.parametrize(
    ("files", "energy"),
    [
        (rails(ORIN_NANO), {"VDD_IN": 5.0}),
        (
            rails(AGX_ORIN) | rails(AGX_ORIN_MEMORY, monitor=2),
            {"VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0": 10.0},
        ),
        (rails(THOR), {"VDD_GPU + VDD_CPU_SOC_MSS + VIN_SYS_5V0": 17.5}),
    ],
)
def test_the_module_s_energy_is_that_of_its_rails(
    tmp_path: Path, files: dict[str, str], energy: dict[str, float]
) -> None:
    write(tmp_path, files)
    assert JetsonSource(tmp_path).sample(0.5).energy_j == pytest.approx(energy)


def test_a_rail_that_fails_once_counts_at_the_next_value(tmp_path: Path) -> None:
    write(tmp_path, rails(ORIN_NANO))
    source = JetsonSource(tmp_path)
    source.sample(0.0)
    write(tmp_path, {"sys/class/hwmon/hwmon1/curr1_input": "Resource temporarily unavailable"})
    assert source.sample(0.5).energy_j == {}
    write(tmp_path, rails(ORIN_NANO))
    assert source.sample(0.5).energy_j == pytest.approx({"VDD_IN": 10.0})


def test_rails_of_another_board_say_nothing(tmp_path: Path) -> None:
    write(tmp_path, rails({1: ("VDD_GPU_SOC", 5000, 1), 2: ("3V3", 3300, 1), 3: ("5V", 5000, 1)}))
    assert JetsonSource(tmp_path).sample(0.5).energy_j == {}


@pytest.mark.parametrize("name", ["17000000.gpu", "17000000.ga10b", "gpu-gpc-0"])
def test_the_gpu_tells_its_load_and_clock(tmp_path: Path, name: str) -> None:
    gpu = f"sys/class/devfreq/{name}"
    write(tmp_path, {f"{gpu}/device/load": "873", f"{gpu}/cur_freq": "918000000"})
    write(tmp_path, {"sys/class/devfreq/15340000.vic/cur_freq": "1"})
    now = JetsonSource(tmp_path).sample(0.0)
    assert (now.gpu_percent, now.gpu_clock_mhz) == (87.3, 918.0)


def test_a_gpu_that_is_asleep_has_a_clock_only(tmp_path: Path) -> None:
    write(tmp_path, {f"{JETSON_GPU}/cur_freq": "306000000"})
    assert JetsonSource(tmp_path).sample(0.0) == Sample(gpu_clock_mhz=306.0)


def test_over_current_is_told_while_it_happens(tmp_path: Path) -> None:
    counts = {f"{JETSON_EVENTS}/oc{number}_event_cnt": "5" for number in (1, 2, 3)}
    write(tmp_path, counts | {f"{JETSON_EVENTS}/name": "soctherm_oc"})
    source = JetsonSource(tmp_path)
    assert source.sample(0.0).throttled == ()
    write(tmp_path, {f"{JETSON_EVENTS}/oc3_event_cnt": "6"})
    assert source.sample(0.5).throttled == ("instantaneous over-current",)
    assert source.sample(0.5).throttled == ()


def test_no_jetson_no_answer(tmp_path: Path) -> None:
    assert JetsonSource(tmp_path).sample(0.5) == Sample()
