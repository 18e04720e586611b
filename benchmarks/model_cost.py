"""What every preset costs: multiply-accumulates per pixel and parameters.

    python benchmarks/model_cost.py

Prints the table and writes results/model_cost.md beside this file.
"""

from __future__ import annotations

from pathlib import Path

from rtsdb.classes import CAMVID
from rtsdb.models.cost import kmacs_per_pixel
from rtsdb.models.presets import PRESETS
from rtsdb.models.sdb import SDBNet

RESULT = Path(__file__).parent / "results" / "model_cost.md"


def main() -> None:
    """Count, print and write."""
    lines = [
        "# Cost of the networks",
        "",
        "`python benchmarks/model_cost.py`; a count, the same on every machine, for the "
        f"{len(CAMVID)} classes of CamVid.",
        "",
        "| preset | K | kMAC per pixel | million parameters |",
        "|---|---|---|---|",
    ]
    for name, config in PRESETS.items():
        for stages in (1, 2, 3):
            net = SDBNet(config, classes=len(CAMVID), stages=stages)
            parameters = sum(parameter.numel() for parameter in net.parameters()) / 1e6
            lines.append(f"| {name} | {stages} | {kmacs_per_pixel(net):.1f} | {parameters:.2f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    RESULT.write_text(text)


if __name__ == "__main__":
    main()
