from __future__ import annotations

from pathlib import Path

import pytest

from rtsdb.bench.load.sample import Sample
from rtsdb.bench.load.thermal import ThermalSource, hottest, temperature_files
from tests.bench.load.trees import write


def zone(number: int, kind: str, temperature: str) -> dict[str, str]:
    folder = f"sys/class/thermal/thermal_zone{number}"
    return {f"{folder}/type": kind, f"{folder}/temp": temperature}


@pytest.mark.parametrize("kind", ["x86_pkg_temp", "CPU-therm", "gpu-thermal", "tj-thermal"])
def test_zones_of_processor_and_gpu_are_read(tmp_path: Path, kind: str) -> None:
    write(
        tmp_path,
        zone(0, kind, "61500") | zone(1, "PMIC-Die", "100000") | zone(2, "iwlwifi_1", "70000"),
    )
    assert hottest(temperature_files(tmp_path)) == 61.5


def test_a_zone_that_is_off_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, zone(0, "cpu-thermal", "50000") | zone(1, "gpu-thermal", "unavailable"))
    write(tmp_path, zone(2, "soc0-thermal", "-256000"))
    assert hottest(temperature_files(tmp_path)) == 50


def test_processors_without_a_zone_have_a_chip(tmp_path: Path) -> None:
    chips = "sys/class/hwmon"
    write(
        tmp_path,
        {
            f"{chips}/hwmon0/name": "nvme",
            f"{chips}/hwmon0/temp1_input": "80000",
            f"{chips}/hwmon1/name": "k10temp",
            f"{chips}/hwmon1/temp1_input": "45000",
            f"{chips}/hwmon1/temp3_input": "47250",
            f"{chips}/hwmon1/temp3_crit": "99000",
        },
    )
    assert hottest(temperature_files(tmp_path)) == 47.25


def test_counted_throttling_is_told_while_it_grows(tmp_path: Path) -> None:
    count = "sys/devices/system/cpu/cpu1/thermal_throttle/package_throttle_count"
    write(tmp_path, {count: "12"})
    source = ThermalSource(tmp_path)
    assert source.sample(0.0) == Sample()
    assert source.sample(1.0).throttled == ()
    write(tmp_path, {count: "13"})
    assert source.sample(1.0).throttled == ("processor temperature",)
    assert source.sample(1.0).throttled == ()


def test_cooling_by_lower_clocks_is_told_and_by_fans_is_not(tmp_path: Path) -> None:
    folder = "sys/class/thermal"
    state = {
        f"{folder}/cooling_device0/type": "pwm-fan",
        f"{folder}/cooling_device0/cur_state": "3",
        f"{folder}/cooling_device1/type": "cpufreq-cpu0",
        f"{folder}/cooling_device1/cur_state": "0",
        f"{folder}/cooling_device2/type": "devfreq-17000000.gpu",
        f"{folder}/cooling_device2/cur_state": "2",
    }
    write(tmp_path, state)
    source = ThermalSource(tmp_path)
    assert source.sample(0.0).throttled == ("temperature, by devfreq-17000000.gpu",)


def test_a_machine_without_sensors_tells_nothing(tmp_path: Path) -> None:
    assert ThermalSource(tmp_path).sample(0.0) == Sample()
