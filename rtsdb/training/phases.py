"""What learns when, on what and how: a run of training is a row of phases."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum

from rtsdb.training.augment import AugmentConfig

IMAGENET = "imagenet"
"""What a run starts from that begins with `fit_to_imagenet`, and the name of that phase."""


class Parts(Enum):
    """The parts of a network that can learn while the others stay as they are."""

    ALL = "all"
    SEGMENTERS = "segmenters"
    DENOISERS = "denoisers"


class Rule(Enum):
    """Optimisers: Muon (`rtsdb.training.muon`), Adam with L2 decay, SGD with momentum 0.9."""

    MUON = "muon"
    ADAM = "adam"
    SGD = "sgd"


@dataclass(frozen=True)
class Cosine:
    """Learning rate falling to zero on half a cosine (Loshchilov and Hutter, ICLR 2017)."""

    def factor(self, done: float) -> float:
        """Share of the peak rate when `done` (0..1) of the way is behind.

        >>> round(Cosine().factor(0.5), 6)
        0.5
        """
        return 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Poly:
    """Learning rate falling as (1 - done)^power to `end`, a share of the peak rate."""

    power: float
    end: float = 0.0

    def factor(self, done: float) -> float:
        """Share of the peak rate when `done` (0..1) of the way is behind.

        >>> Poly(2.0, end=0.2).factor(0.5)
        0.4
        """
        return float(self.end + (1 - self.end) * (1 - done) ** self.power)


@dataclass(frozen=True)
class Phase:
    """One stretch of training.

    parts: what learns, jointly in the blocks from number `first` (from 1) to the last of the
    `stages` that the net has by then; with `alone` it is one kind of part, and only that of the
    last block learns, by a loss of its own. taught: the segmenter learns no labels, but to find in
    noisy frames what ImageNet's encoder finds in clean ones (`rtsdb.training.pretrained`).
    steps: optimiser steps, each on `batch` crops. window: side, in pixels, of the square of each
    crop on which denoisers learn in joint training.
    lr rises to its peak over `warmup` steps and then falls as `decay` says; encoder_lr is the
    factor for parameters that came from ImageNet. clip: largest norm of the gradient, if any.
    ema: decay of the average of the weights that is kept; with 0 they are kept as they are.
    """

    name: str = "all"
    parts: Parts = Parts.ALL
    first: int = 1
    alone: bool = False
    taught: bool = False
    stages: int = 3
    steps: int = 20_000
    batch: int = 4
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    window: int = 128
    rule: Rule = Rule.MUON
    lr: float = 4e-3
    encoder_lr: float = 0.1
    weight_decay: float = 0.01
    warmup: int = 300
    decay: Cosine | Poly = Cosine()
    clip: float | None = 1.0
    ema: float = 0.999

    def learning_rate(self, step: int) -> float:
        """Learning rate of the phase's step number `step` (from 0)."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        done = (step - self.warmup) / max(self.steps - self.warmup, 1)
        return self.lr * self.decay.factor(min(done, 1.0))


def fit_to_imagenet(phase: Phase) -> Phase:
    """What goes before `phase` in a run that starts from ImageNet, on the same kind of crops.

    >>> fit_to_imagenet(Phase()).steps
    1500
    """
    return replace(
        phase,
        name=IMAGENET,
        parts=Parts.SEGMENTERS,
        first=1,
        taught=True,
        steps=1500,
        lr=3e-3,
        warmup=50,
        clip=None,
        ema=0.0,
    )


@dataclass(frozen=True)
class Learning:
    """How much one kind of part learns: optimiser steps, crops per step, their size in pixels."""

    steps: int
    batch: int
    height: int
    width: int


SEGMENTER = Learning(steps=484 * (2975 // 40), batch=40, height=512, width=1024)
"""484 epochs of Cityscapes' 2975 frames, as the authors' configuration has it."""

DENOISER = Learning(steps=2000 * (2975 // 64), batch=64, height=192, width=192)
"""2000 epochs of Cityscapes' 2975 frames, as the authors' configuration has it."""


def part_by_part(
    stages: int,
    sigma: float,
    segmenter: Learning = SEGMENTER,
    denoiser: Learning = DENOISER,
) -> tuple[Phase, ...]:
    """The training of SDABN: S1, D1, S2, D2, ..., each alone, the ones before it frozen.

    Xu et al., arXiv 2102.12095, with the figures of the authors' code (github.com/powder21/SDABN).
    A segmenter learns by SGD on cross-entropy over crops at 0.5 to 2.1 times their size, a
    denoiser by Adam on the squared error over crops as they are; the learning rates fall
    polynomially. The noise has one level, `sigma` grey levels, and is not rounded or clipped.
    Unlike there, classes count alike, and denoisers see no crops that are turned upside down.

    >>> [phase.name for phase in part_by_part(2, 50.0)]
    ['S1', 'D1', 'S2', 'D2']
    """
    phases = []
    for block in range(1, stages + 1):
        phases += [
            Phase(
                name=f"S{block}",
                parts=Parts.SEGMENTERS,
                alone=True,
                stages=block,
                steps=segmenter.steps,
                batch=segmenter.batch,
                augment=_plain_crops(segmenter, sigma, scales=(0.5, 2.1)),
                rule=Rule.SGD,
                lr=0.03,
                weight_decay=5e-4,
                warmup=0,
                decay=Poly(0.9),
                clip=None,
                ema=0.0,
            ),
            Phase(
                name=f"D{block}",
                parts=Parts.DENOISERS,
                alone=True,
                stages=block,
                steps=denoiser.steps,
                batch=denoiser.batch,
                augment=_plain_crops(denoiser, sigma, scales=(1.0, 1.0)),
                rule=Rule.ADAM,
                lr=1e-3,
                weight_decay=1e-4,
                warmup=0,
                decay=Poly(1.5, end=0.1),
                clip=None,
                ema=0.0,
            ),
        ]
    return tuple(phases)


def _plain_crops(learning: Learning, sigma: float, *, scales: tuple[float, float]) -> AugmentConfig:
    """Crops that keep their colours, with float noise of one level."""
    return AugmentConfig(
        height=learning.height,
        width=learning.width,
        scales=scales,
        blur_share=0.0,
        saturations=(1.0, 1.0),
        curve=0.0,
        gains=(1.0, 1.0),
        tints=(1.0, 1.0),
        offsets=(0.0, 0.0),
        sigmas=(sigma, sigma),
        camera_share=0.0,
        float_share=1.0,
        shot_share=0.0,
    )
