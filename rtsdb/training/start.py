"""Where a run can start from: other runs' weights, or an encoder from ImageNet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rtsdb.classes import ClassSet
from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import load_weights
from rtsdb.models.presets import RtConfig
from rtsdb.models.sdb import SDBNet
from rtsdb.training.augment import Batch
from rtsdb.training.muon import Muon
from rtsdb.training.phases import Phase
from rtsdb.training.pretrained import (
    Teacher,
    first_segmenter,
    load_lite0,
    start_encoder,
    teacher_loss,
)

FIT_LR = 3e-3


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
    """Give the encoder ImageNet's weights, and fit the segmenter to them in `steps` steps.

    Stem and encoder learn to find in noisy frames what ImageNet's encoder finds in clean ones.
    draw: gives the batch of a step. Raises MissingPackageError, and UsageError for a net without
    such an encoder.
    """
    if not isinstance(net.config, RtConfig):
        raise UsageError("--start imagenet: is for rt; give a weights file or nothing")
    state = load_lite0()
    segmenter = first_segmenter(net)
    start_encoder(segmenter, net.config, state)
    teacher = Teacher(segmenter, state)
    course = Phase(steps=steps, lr=FIT_LR, warmup=steps // 30)
    stem = [*segmenter.stem.parameters(), *segmenter.stem_out.parameters()]
    optimizer = Muon(
        [
            {"params": stem, "factor": 1.0},
            {"params": segmenter.encoder.parameters(), "factor": course.encoder_lr},
        ]
    )
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = course.learning_rate(step) * group["factor"]
        loss = teacher_loss(net, teacher, draw(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            announce(f"from ImageNet {step + 1}/{steps}: {loss.item():.3f}")
