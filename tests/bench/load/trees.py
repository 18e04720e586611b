"""A machine's /proc and /sys, as far as a test needs it."""

from pathlib import Path

JETSON_GPU = "sys/class/devfreq/17000000.gpu"
JETSON_EVENTS = "sys/class/hwmon/hwmon3"

AGX_ORIN = {
    1: ("VDD_GPU_SOC", 20000, 500),
    2: ("VDD_CPU_CV", 20000, 250),
    3: ("VIN_SYS_5V0", 5000, 1000),
}
"""Labels, mV and mA of the channels of its first power monitor."""


def write(root: Path, files: dict[str, str]) -> None:
    """Files by their path in /proc and /sys without the first slash; existing ones change."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")


def package(name: str, kind: str, microjoules: str) -> dict[str, str]:
    """A powercap zone of that name and kind."""
    folder = f"sys/class/powercap/{name}"
    return {
        f"{folder}/name": kind,
        f"{folder}/energy_uj": microjoules,
        f"{folder}/max_energy_range_uj": "9999999",
    }


def rails(channels: dict[int, tuple[str, int, int]], monitor: int = 1) -> dict[str, str]:
    """An INA3221. channels: label, mV and mA of each."""
    folder = f"sys/class/hwmon/hwmon{monitor}"
    files = {f"{folder}/name": "ina3221", f"{folder}/in7_label": "sum of shunt voltages"}
    for channel, (label, millivolts, milliamperes) in channels.items():
        files |= {
            f"{folder}/in{channel}_label": label,
            f"{folder}/in{channel}_input": str(millivolts),
            f"{folder}/curr{channel}_input": str(milliamperes),
        }
    return files
