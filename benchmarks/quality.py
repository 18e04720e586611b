"""PSNR and mIoU of the shipped weights on CamVid, every block, 8-bit white Gaussian noise.

    python benchmarks/quality.py --root ../shared/data/camvid

Prints the table and writes results/quality.md beside this file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rtsdb.data.camvid import load_camvid
from rtsdb.machine import describe_machine
from rtsdb.models.checkpoint import load_weights
from rtsdb.training.validate import validate
from rtsdb.weights import FOLDER

SIGMAS = (25.0, 50.0)
RESULT = Path(__file__).parent / "results" / "quality.md"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="CamVid folder")
    parser.add_argument("--split", default="val", help="val, train or test")
    parser.add_argument("--weights", type=Path, default=FOLDER / "rt.safetensors")
    arguments = parser.parse_args()
    scenes = load_camvid(arguments.root, arguments.split)
    net, metadata = load_weights(arguments.weights)
    metrics = validate(net, scenes, sigmas=SIGMAS)
    machine = describe_machine()
    lines = [
        "# Quality",
        "",
        f"`python benchmarks/quality.py --root {arguments.root} --split {arguments.split}`, "
        f"{machine['date']}, {machine['cpu']}, torch float32. {arguments.weights.name} after "
        f"{metadata.steps} steps on {metadata.data}; {len(scenes)} frames of CamVid "
        f"{arguments.split}; noise clip(round(x + n)), its level given to the network.",
        "",
        "| K | " + " | ".join(f"PSNR, sigma {sigma:g} | mIoU" for sigma in SIGMAS) + " |",
        "|---|" + "---|---|" * len(SIGMAS),
    ]
    for stages in range(1, net.stages + 1):
        cells = [
            f"{metrics[f'K{stages}/awgn{sigma:g}/psnr']:.2f} dB "
            f"| {metrics[f'K{stages}/awgn{sigma:g}/miou']:.1f}"
            for sigma in SIGMAS
        ]
        lines.append(f"| {stages} | " + " | ".join(cells) + " |")
    text = "\n".join(lines) + "\n"
    print(text)
    RESULT.write_text(text)


if __name__ == "__main__":
    main()
