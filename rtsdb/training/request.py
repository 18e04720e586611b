"""The arguments of `rtsdb train`, and the phases of training that they ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from rtsdb.errors import UsageError
from rtsdb.models.presets import SdabnConfig, preset
from rtsdb.training.augment import AugmentConfig
from rtsdb.training.phases import (
    DENOISER,
    IMAGENET,
    SEGMENTER,
    Learning,
    Parts,
    Phase,
    fit_to_imagenet,
    part_by_part,
)
from rtsdb.training.windows import STRIDE

VARIETY = {
    Parts.ALL: AugmentConfig(),
    Parts.SEGMENTERS: AugmentConfig(bleeding=0.15, mix_share=0.5),
    Parts.DENOISERS: AugmentConfig(
        plain_share=0.85, camera_share=0.15, float_share=0.0, shot_share=0.1
    ),
}
"""How crops vary, by what learns: segmenters lack variety, denoisers want true frames."""

SIGMA = 50.0
"""Noise level of `sdabn` where none is asked for, in grey levels: the paper's headline."""


@dataclass(frozen=True)
class TrainRequest:
    """The arguments of `rtsdb train`, as its help explains them; None for the preset's default."""

    dataset: str
    root: Path
    sequences: tuple[str, ...]
    output: Path
    preset: str
    stages: int
    steps: int | None
    batch: int | None
    crop: str | None
    window: int | None
    lr: float | None
    sigma: float | None
    parts: str
    first: int
    segmenters: str | None
    seed: int
    start: str | None
    street: int
    device: str
    threads: int
    resume: bool


def requested_phases(request: TrainRequest) -> tuple[Phase, ...]:
    """What learns when; raises UsageError for arguments that make no sense for the network."""
    if isinstance(preset(request.preset), SdabnConfig):
        return _phases_of_parts(request)
    phase = _joint_phase(request)
    if request.start == IMAGENET and request.segmenters is not None:
        raise UsageError(f"--segmenters: --start {IMAGENET} makes one anew; leave either out")
    return (fit_to_imagenet(phase), phase) if request.start == IMAGENET else (phase,)


def _joint_phase(request: TrainRequest) -> Phase:
    """`rt`: one phase in which all parts learn together, or all segmenters, or all denoisers."""
    if request.sigma is not None:
        raise UsageError(
            f"--sigma {request.sigma:g}: {request.preset} learns all noise levels at once; "
            "leave it out"
        )
    try:
        parts = Parts(request.parts)
    except ValueError:
        known = ", ".join(parts.value for parts in Parts)
        raise UsageError(f"--parts {request.parts}: choose one of: {known}") from None
    if request.first > request.stages:
        raise UsageError(f"--first {request.first}: there are {request.stages} blocks (--stages)")
    if parts is Parts.SEGMENTERS and request.first > 1:
        raise UsageError(
            f"--first {request.first}: {request.preset} has one segmenter, in block 1; leave it out"
        )
    default = Phase(stages=request.stages, parts=parts, first=request.first)
    width, height = _crop(request.crop) or (default.augment.width, default.augment.height)
    if width != height:
        raise UsageError(f"--crop {request.crop}: {request.preset} learns on squares; give a side")
    if request.lr is not None and not 0 <= request.lr < math.inf:
        raise UsageError(f"--lr {request.lr:g}: give a number from 0 on, such as {default.lr:g}")
    window = request.window or default.window
    if window % STRIDE:
        raise UsageError(f"--window {window}: give a multiple of {STRIDE}")
    steps = request.steps or default.steps
    return replace(
        default,
        steps=steps,
        batch=request.batch or default.batch,
        lr=default.lr if request.lr is None else request.lr,
        warmup=min(default.warmup, steps // 10),
        window=window,
        augment=replace(VARIETY[parts], height=height, width=width),
    )


def _phases_of_parts(request: TrainRequest) -> tuple[Phase, ...]:
    """`sdabn`: one part after the other, as its authors train it."""
    for option, given in (
        ("--lr", request.lr is not None),
        ("--parts", request.parts != Parts.ALL.value),
        ("--first", request.first != 1),
        ("--segmenters", request.segmenters is not None),
    ):
        if given:
            raise UsageError(f"{option}: {request.preset} is trained part by part; leave it out")
    if request.start == IMAGENET:
        raise UsageError(f"--start {IMAGENET}: is for rt; give a weights file or nothing")
    if request.window is not None and request.window % 32:
        raise UsageError(f"--window {request.window}: give a multiple of 32")
    width, height = _crop(request.crop) or (SEGMENTER.width, SEGMENTER.height)
    side = request.window or DENOISER.width
    return part_by_part(
        request.stages,
        SIGMA if request.sigma is None else request.sigma,
        Learning(request.steps or SEGMENTER.steps, request.batch or SEGMENTER.batch, height, width),
        Learning(request.steps or DENOISER.steps, request.batch or DENOISER.batch, side, side),
    )


def _crop(text: str | None) -> tuple[int, int] | None:
    """Width and height of `--crop`: '256' or '1024x512'."""
    if text is None:
        return None
    sides = text.lower().split("x")
    if not (len(sides) <= 2 and all(s.isdecimal() and int(s) and not int(s) % 32 for s in sides)):
        raise UsageError(f"--crop {text}: give a multiple of 32, or two such as 1024x512")
    return int(sides[0]), int(sides[-1])


def within_frames(phases: tuple[Phase, ...], height: int, width: int) -> tuple[Phase, ...]:
    """The phases with crops cut to what frames of a height and width hold."""
    rows, columns = (max(side // 32 * 32, 32) for side in (height, width))
    crops = [
        replace(p.augment, height=min(p.augment.height, rows), width=min(p.augment.width, columns))
        for p in phases
    ]
    return tuple(replace(p, augment=crop) for p, crop in zip(phases, crops, strict=True))
