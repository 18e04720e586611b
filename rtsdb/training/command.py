"""What `rtsdb train` does: data, run, validation."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from rtsdb.classes import CAMVID
from rtsdb.data.camvid import load_camvid
from rtsdb.data.drawn import draw_scenes
from rtsdb.errors import UsageError
from rtsdb.machine import has_bf16
from rtsdb.models.checkpoint import save_weights
from rtsdb.training.augment import AugmentConfig
from rtsdb.training.loop import WEIGHTS, TrainConfig, Trainer
from rtsdb.training.validate import validate


@dataclass(frozen=True)
class TrainRequest:
    """The arguments of `rtsdb train`, as its help explains them."""

    dataset: str
    root: Path
    output: Path
    preset: str
    stages: int
    steps: int
    batch: int
    crop: int
    window: int
    lr: float
    parts: str
    segmenters: str | None
    seed: int
    start: str | None
    street: int
    threads: int
    resume: bool


@dataclass(frozen=True)
class Finished:
    """Where the weights are, and whether the run was cut short."""

    weights: Path
    interrupted: bool


def run_training(
    request: TrainRequest,
    show: Callable[[int, str], None],
    announce: Callable[[str], None],
) -> Finished:
    """Train, then validate; Ctrl-C saves and ends early. Raises UsageError for a bad request.

    show: called after each step with its number and a line of figures. announce: for messages.
    """
    if request.dataset != CAMVID.name:
        raise UsageError(f"--dataset {request.dataset}: no such data set; choose camvid")
    if request.crop % 32:
        raise UsageError(f"--crop {request.crop}: give a multiple of 32")
    if request.window % 8:
        raise UsageError(f"--window {request.window}: give a multiple of 8")
    scenes = load_camvid(request.root, "train")
    data = f"camvid/train ({len(scenes)} frames)"
    if request.street:
        scenes += draw_scenes(request.street)
        data += f", {request.street} drawn street frames"
    torch.set_num_threads(request.threads or os.cpu_count() or 1)
    config = TrainConfig(
        preset=request.preset,
        stages=request.stages,
        steps=request.steps,
        batch=request.batch,
        window=request.window,
        lr=request.lr,
        parts=request.parts,
        segmenters=request.segmenters,
        seed=request.seed,
        start=request.start,
        warmup=min(300, request.steps // 10),
        bf16=has_bf16(),
        augment=AugmentConfig(crop=request.crop),
    )
    weights = request.output / WEIGHTS
    with Trainer(
        config, scenes, CAMVID, request.output, data=data, resume=request.resume, announce=announce
    ) as run:
        try:
            for progress in run:
                psnr = " ".join(f"{value:.2f}" for value in progress.psnr)
                entropy = " ".join(f"{value:.2f}" for value in progress.cross_entropy)
                show(progress.step, f"PSNR {psnr} dB, CE {entropy}")
        except KeyboardInterrupt:
            return Finished(weights, interrupted=True)
    held_out = load_camvid(request.root, "val")
    net = run.averaged()
    announce(f"validating on {len(held_out)} frames")
    metrics = validate(net, held_out, sigmas=(25.0, 50.0))
    for name, value in metrics.items():
        announce(f"{name}: {value:.2f}")
    save_weights(net, weights, run.metadata(metrics))
    return Finished(weights, interrupted=False)
