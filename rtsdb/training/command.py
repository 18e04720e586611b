"""What `rtsdb train` does: data, run, validation."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from rtsdb.classes import CAMVID
from rtsdb.data.datasets import dataset, load_dataset
from rtsdb.data.drawn import draw_scenes
from rtsdb.data.scenes import join
from rtsdb.errors import UsageError
from rtsdb.evaluation.judge import Trial, clean_and, judge
from rtsdb.evaluation.net_subject import NetSubject
from rtsdb.models.checkpoint import save_weights
from rtsdb.models.metadata import read_metadata
from rtsdb.training.device import pick_device, prefers_bf16
from rtsdb.training.loop import WEIGHTS, Progress, TrainConfig, Trainer
from rtsdb.training.phases import IMAGENET
from rtsdb.training.request import TrainRequest, requested_phases, within_frames


@dataclass(frozen=True)
class Finished:
    """Where the weights are, and whether the run was cut short."""

    weights: Path
    interrupted: bool


def run_training(
    request: TrainRequest,
    show: Callable[[int, int, str], None],
    announce: Callable[[str], None],
) -> Finished:
    """Train, then validate; Ctrl-C saves and ends early.

    Raises UsageError for a bad request, for most of what can be wrong with it before data is read.

    show: called after each step with its number, the number of the last and a line of figures.
    announce: for messages.
    """
    device = pick_device(request.device)
    classes = dataset(request.dataset).classes
    phases = requested_phases(request)
    for weights_file in () if request.resume else (request.start, request.segmenters):
        if weights_file is not None and weights_file != IMAGENET:
            read_metadata(Path(weights_file))
    alone = phases[0].alone
    if request.street and classes is not CAMVID:
        raise UsageError(f"--street: drawn streets have CamVid's classes, not {classes.name}'s")
    scenes = load_dataset(request.dataset, request.root, "train", request.sequences)
    held_out = load_dataset(request.dataset, request.root, "val")
    only = f" {' '.join(request.sequences)}" if request.sequences else ""
    data = f"{request.dataset}/train{only} ({len(scenes)} frames)"
    if alone:
        height, width = scenes[0].labels.shape
        whole, phases = phases, within_frames(phases, height, width)
        if phases != whole:
            announce(f"crops are cut to what frames of {width}x{height} hold")
    if request.street:
        scenes = join(scenes, draw_scenes(request.street))
        data += f", {request.street} drawn street frames"
    torch.set_num_threads(request.threads or os.cpu_count() or 1)
    config = TrainConfig(
        phases=phases,
        preset=request.preset,
        segmenters=request.segmenters,
        seed=request.seed,
        start=request.start,
        bf16=prefers_bf16(device),
    )
    weights = request.output / WEIGHTS
    last = sum(phase.steps for phase in phases)
    with Trainer(
        config,
        scenes,
        classes,
        request.output,
        data=data,
        device=device,
        resume=request.resume,
        announce=announce,
    ) as run:
        try:
            for progress in run:
                part = f"{progress.phase}: " if len(phases) > 1 else ""
                show(progress.step, last, part + _figures(progress))
        except KeyboardInterrupt:
            return Finished(weights, interrupted=True)
    net = run.averaged()
    announce(f"validating on {len(held_out)} frames")
    sigmas = phases[0].augment.sigmas[:1] if alone else (25.0, 50.0)
    noises = clean_and(f"awgn:{sigma:g}" for sigma in sigmas)
    subject = NetSubject(net, name=request.preset, stages=tuple(range(1, net.stages + 1)))
    verdict = judge([lambda: subject], Trial(held_out, classes, noises))
    if verdict.interrupted:
        return Finished(weights, interrupted=True)
    metrics = verdict.metrics()
    for name, value in metrics.items():
        announce(f"{name}: {value:.2f}")
    save_weights(net, weights, run.metadata(metrics))
    return Finished(weights, interrupted=False)


def _figures(progress: Progress) -> str:
    figures = []
    if progress.psnr:
        figures.append("PSNR " + " ".join(f"{value:.2f}" for value in progress.psnr) + " dB")
    if progress.cross_entropy:
        figures.append("CE " + " ".join(f"{value:.2f}" for value in progress.cross_entropy))
    if not figures:
        figures.append(f"error {progress.loss:.2f}")
    return ", ".join(figures)
