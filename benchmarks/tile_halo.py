"""How much of a tiled frame differs from the whole frame, by halo.

    python benchmarks/tile_halo.py

A demo frame with noise is processed whole, and in tiles with growing halos, by the same engine in
float32. The denoiser sees 28 pixels per block, but the class probabilities that steer it come from
the segmenter, whose context is several hundred pixels wide. Prints, and writes
results/tile_halo.md and .json beside this file.
"""

from __future__ import annotations

import numpy as np
from page import write_page

from rtsdb.bench.frames import SIGMA, draw_frames
from rtsdb.engine import load_engine
from rtsdb.engine.base import Result
from rtsdb.markdown import markdown_table
from rtsdb.tiling import HALO
from rtsdb.video.frame import Image

WIDTH, HEIGHT, TILE = 1024, 512, (512, 256)
HALOS = (0, 32, 64, 96, 128, 160, 192)


def run(frame: Image, stages: int, tile: tuple[int, int] | None, halo: int) -> Result:
    """One frame through an engine of its own."""
    with load_engine("rt", stages=stages, precision="fp32", tile=tile, halo=halo) as engine:
        return engine(frame, sigma=SIGMA)


def main() -> None:
    """Measure, print and write."""
    (frame,) = draw_frames(WIDTH, HEIGHT, count=1)
    rows, same_labels = [], []
    for stages in (1, 3):
        whole = run(frame, stages, None, 0)
        for halo in HALOS:
            tiled = run(frame, stages, TILE, halo)
            difference = np.abs(tiled.denoised.astype(np.int16) - whole.denoised)
            same = float(np.mean(tiled.labels == whole.labels))
            equal, near = (f"{np.mean(difference <= most):.3%}" for most in (0, 1))
            rows.append((str(stages), str(halo), str(difference.max()), equal, near, f"{same:.2%}"))
            same_labels.append({"stages": stages, "halo": halo, "same_labels": same})
    headings = ("K", "halo", "largest difference, grey levels", "equal", "within 1 level")
    lines = [
        f"Demo frame {WIDTH}x{HEIGHT} at sigma {SIGMA:g}, tiles of {TILE[0]}x{TILE[1]} plus halo, "
        f"fp32. The default halo is {HALO}.",
        "",
        *markdown_table((*headings, "same label"), rows),
    ]
    kept = [f"{row['same_labels']:.2%}" for row in same_labels if row["halo"] == HALO]
    write_page(
        "tile_halo",
        "Tiled against whole frame",
        lines,
        {"rows": same_labels},
        headline={"labels in tiles that are those of the whole frame, K = 1, 3": ", ".join(kept)},
    )


if __name__ == "__main__":
    main()
