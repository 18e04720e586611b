"""A short training of `sdabn` on CamVid, to show that every part learns.

    python benchmarks/sdabn_training.py --root ../shared/data/camvid

It is `rtsdb train --preset sdabn` with small crops, few steps and few frames, on one core in
minutes. Writes results/sdabn_training.md beside this file: the loss of every part.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import mean

import torch

from rtsdb.classes import CAMVID
from rtsdb.data.datasets import load_dataset
from rtsdb.machine import describe_machine
from rtsdb.training.loop import Progress, TrainConfig, Trainer
from rtsdb.training.phases import Learning, Phase, part_by_part

FRAMES = 8
STAGES = 2
SIGMA = 50.0
SEGMENTER = Learning(steps=150, batch=4, height=96, width=128)
DENOISER = Learning(steps=40, batch=4, height=64, width=64)
RESULT = Path(__file__).parent / "results" / "sdabn_training.md"


def main() -> None:
    """Train, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="CamVid folder")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    everything = load_dataset("camvid", arguments.root, "train")
    scenes = everything[:: len(everything) // FRAMES][:FRAMES]
    phases = part_by_part(STAGES, SIGMA, SEGMENTER, DENOISER)
    config = TrainConfig(phases, preset="sdabn")
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        Trainer(config, scenes, CAMVID, Path(folder)) as run,
    ):
        progress = [_shown(step) for step in run]
    minutes = (time.monotonic() - started) / 60

    machine = describe_machine()
    lines = [
        "# Training of sdabn, part by part",
        "",
        f"`python benchmarks/sdabn_training.py --root {arguments.root}`, {machine['date']}, one "
        f"thread of {machine['cpu']}, {minutes:.0f} minutes.",
        "",
        f"Too short to be of use; it shows that every part learns. {len(scenes)} frames of CamVid "
        f"train, float noise of sigma {SIGMA:g}. The mean loss of the first and of the last "
        "quarter of each part's steps: cross-entropy of segmenters, half the squared error per "
        "crop of denoisers.",
        "",
        "| part | steps | crops | loss, first quarter | loss, last quarter |",
        "|---|---|---|---|---|",
        *(_row(phase, progress) for phase in phases),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    RESULT.write_text(text)


def _shown(progress: Progress) -> Progress:
    print(f"{progress.phase} step {progress.step}: loss {progress.loss:.3f}", flush=True)
    return progress


def _row(phase: Phase, progress: list[Progress]) -> str:
    losses = [step.loss for step in progress if step.phase == phase.name]
    quarter = phase.steps // 4
    crops = f"{phase.batch} of {phase.augment.width}x{phase.augment.height}"
    return (
        f"| {phase.name} | {phase.steps} | {crops} | {mean(losses[:quarter]):.3f} | "
        f"{mean(losses[-quarter:]):.3f} |"
    )


if __name__ == "__main__":
    main()
