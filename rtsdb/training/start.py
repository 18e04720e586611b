"""Where a run can start from: other runs' weights, or an encoder from ImageNet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from rtsdb.classes import ClassSet
from rtsdb.errors import UsageError
from rtsdb.models.blocks import RtBlock
from rtsdb.models.checkpoint import load_weights
from rtsdb.models.presets import RtConfig
from rtsdb.models.sdb import SDBNet
from rtsdb.models.segmenter import Segmenter
from rtsdb.training.augment import Batch
from rtsdb.training.pretrained import StemTeacher, load_lite0, start_encoder, stem_loss

STEM_LR = 2e-3


def from_weights(path: Path, preset: str, classes: ClassSet, stages: int) -> tuple[SDBNet, int]:
    """The net of a weights file, grown or cut to `stages` blocks, and its steps so far.

    Raises UsageError when the file cannot be loaded, does not fit the preset, or tells other
    classes apart.
    """
    net, metadata = load_weights(path, preset=preset)
    if metadata.classes != classes.name:
        raise UsageError(
            f"{path}: trained on {metadata.classes}, this run is on {classes.name}; "
            "start from weights with the same classes"
        )
    return net.grow(stages), metadata.steps


def take_segmenters(net: SDBNet, other: SDBNet) -> None:
    """Give `net` the segmenters of another net with as many blocks."""
    for block, source in zip(net.sdbs(), other.sdbs(), strict=True):
        block.segmenter = source.segmenter


def from_imagenet(
    net: SDBNet, steps: int, draw: Callable[[int], Batch], announce: Callable[[str], None]
) -> None:
    """Give the encoder ImageNet's weights, and fit the first stem to them in `steps` steps.

    The stem learns, on noisy frames, the features that ImageNet's encoder expects. draw: gives
    the batch of a step. Raises MissingPackageError, and UsageError for a net without such an
    encoder.
    """
    first = net.sdbs()[0]
    if not isinstance(first, RtBlock) or not isinstance(net.config, RtConfig):
        raise UsageError("--start imagenet: is for rt; give a weights file or nothing")
    state = load_lite0()
    start_encoder(net, state)
    teacher = StemTeacher(net.config, state)
    segmenter = first.segmenter
    assert isinstance(segmenter, Segmenter)
    parameters = [*segmenter.stem.parameters(), *segmenter.stem_out.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=STEM_LR)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = STEM_LR * (1 - step / steps)
        loss = stem_loss(net, teacher, draw(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            announce(f"stem {step + 1}/{steps}: {loss.item():.3f}")
