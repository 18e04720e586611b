"""How much of a tiled frame differs from the whole frame, by halo.

    python benchmarks/tile_halo.py

A demo frame with noise is processed whole, and in tiles with growing halos, by the same engine in
float32. The denoiser sees 28 pixels per block, but the class probabilities that steer it come from
the segmenter, whose context is several hundred pixels wide. Prints the table and writes
results/tile_halo.md beside this file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtsdb.data.noise_models import GaussianNoise, NoiseSimulator
from rtsdb.engine import load_engine
from rtsdb.engine.base import Result
from rtsdb.machine import describe_machine
from rtsdb.tiling import HALO
from rtsdb.video.frame import Image
from rtsdb.video.sources.demo import DemoSource

WIDTH, HEIGHT, TILE, SIGMA = 1024, 512, (512, 256), 25.0
HALOS = (0, 32, 64, 96, 128, 160, 192)
RESULT = Path(__file__).parent / "results" / "tile_halo.md"


def noisy_frame() -> Image:
    """The first demo frame with 8-bit noise."""
    frame = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    with DemoSource(width=WIDTH, height=HEIGHT, frames=1) as source:
        source.read(frame)
    NoiseSimulator(GaussianNoise.awgn(SIGMA), seed=0).apply(frame, frame, 0)
    return frame


def run(frame: Image, stages: int, tile: tuple[int, int] | None, halo: int) -> Result:
    """One frame through an engine of its own."""
    with load_engine("rt", stages=stages, precision="fp32", tile=tile, halo=halo) as engine:
        return engine(frame, sigma=SIGMA)


def main() -> None:
    """Measure, print and write."""
    frame = noisy_frame()
    machine = describe_machine()
    lines = [
        "# Tiled against whole frame",
        "",
        f"`python benchmarks/tile_halo.py`, {machine['date']}, {machine['cpu']}. Demo frame "
        f"{WIDTH}x{HEIGHT} at sigma {SIGMA:g}, tiles of {TILE[0]}x{TILE[1]} plus halo, OpenVINO "
        f"fp32. The default halo is {HALO}.",
        "",
        "| K | halo | largest difference, grey levels | equal | within 1 level | same label |",
        "|---|---|---|---|---|---|",
    ]
    for stages in (1, 3):
        whole = run(frame, stages, None, 0)
        for halo in HALOS:
            tiled = run(frame, stages, TILE, halo)
            difference = np.abs(tiled.denoised.astype(np.int16) - whole.denoised)
            lines.append(
                f"| {stages} | {halo} | {difference.max()} | {np.mean(difference == 0):.2%} "
                f"| {np.mean(difference <= 1):.3%} | {np.mean(tiled.labels == whole.labels):.2%} |"
            )
    text = "\n".join(lines) + "\n"
    print(text)
    RESULT.write_text(text)


if __name__ == "__main__":
    main()
