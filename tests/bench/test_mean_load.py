from dataclasses import fields

from rtsdb.bench.mean_load import mean_load
from rtsdb.bench.model import Load

FULL = Load(
    cpu_percent=100,
    other_cpu_percent=5,
    rss_mb=400,
    swap_mb=2,
    cpu_clock_mhz=2000,
    gpu_percent=50,
    gpu_memory_mb=300,
    gpu_clock_mhz=1500,
    power_w=30,
    power_of="gpu",
    energy_per_frame_j=0.5,
    temperature_c=(40, 60),
    throttled=("hot",),
)


def test_the_load_of_one_turn_is_its_own() -> None:
    assert None not in [getattr(FULL, entry.name) for entry in fields(Load)]
    assert mean_load([FULL]) == FULL


def test_what_a_turn_does_not_tell_does_not_count() -> None:
    assert mean_load([Load(), FULL, Load()]) == FULL
    assert mean_load([Load()]) == Load()


def test_peaks_stay_peaks_and_the_temperature_is_of_the_whole_time() -> None:
    cooler = Load(cpu_percent=50, rss_mb=300, swap_mb=1, temperature_c=(30, 45), throttled=("hot",))
    found = mean_load([cooler, FULL])
    assert found.cpu_percent == 75
    assert found.rss_mb == 400
    assert found.swap_mb == 3
    assert found.temperature_c == (30, 60)
    assert found.throttled == ("hot",)
