"""How good a network is on the check frames, and what one loses against another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from rtsdb.metrics import ConfusionMatrix, Picture, psnr
from rtsdb.quantization.frames import Sample
from rtsdb.quantization.session import Network

RARE = 0.001
"""Part of the pixels below which a class is left out of the mean IoU: a few pixels more or less
would decide it."""

ENOUGH = 48.0
"""PSNR in dB, of an error of about one grey level (root mean square), above which nobody sees a
difference: a clean frame that comes out at 52 dB instead of 53 has lost nothing."""


@dataclass(frozen=True)
class Accuracy:
    """psnr: mean over the frames in dB, each counted as at most `ENOUGH`. miou: in percent, over
    the classes of which the truth holds enough; None where there is no truth."""

    psnr: float
    miou: float | None


@dataclass(frozen=True)
class Bars:
    """What INT8 may lose at most at any kind of noise: dB of PSNR, points of mIoU."""

    psnr: float
    miou: float


@dataclass(frozen=True)
class Excess:
    """The loss that is furthest above its bar: at which noise, of 'psnr' or 'miou', how much."""

    noise: str
    measure: str
    lost: float
    bar: float

    @property
    def times(self) -> float:
        """How many times the bar the loss is."""
        return self.lost / max(self.bar, 1e-6)

    def __str__(self) -> str:
        """As in '0.31 dB of PSNR at awgn:25, and 0.15 may be lost'."""
        unit = "dB of PSNR" if self.measure == "psnr" else "points of mIoU"
        return f"{self.lost:.3f} {unit} at {self.noise}, and {self.bar:g} may be lost"


Losses = Mapping[str, Mapping[str, float]]
"""dB of PSNR and points of mIoU, by noise and measure."""


def measure(
    network: Network, samples: Sequence[Sample], classes: int, advance: Callable[[], None]
) -> dict[str, Accuracy]:
    """Accuracy by kind of noise. advance: called after every frame."""
    decibels: dict[str, list[float]] = defaultdict(list)
    confusion = {sample.noise: ConfusionMatrix(classes) for sample in samples}
    for sample in samples:
        denoised, labels = network.run(sample.noisy[None], sample.level[None])
        decibels[sample.noise].append(visible_psnr(denoised[0], sample.scene.image))
        confusion[sample.noise].update(np.ascontiguousarray(labels[0]), sample.scene.labels)
        advance()
    return {
        noise: Accuracy(fmean(values), _miou(confusion[noise]))
        for noise, values in decibels.items()
    }


def visible_psnr(a: Picture, b: Picture) -> float:
    """PSNR in dB, but at most `ENOUGH`.

    >>> visible_psnr(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8))
    48.0
    """
    return min(psnr(a, b), ENOUGH)


def lost(before: Mapping[str, Accuracy], after: Mapping[str, Accuracy]) -> Losses:
    """What `after` has less than `before`."""
    losses: dict[str, dict[str, float]] = {}
    for noise, had in before.items():
        has = after[noise]
        losses[noise] = {"psnr": had.psnr - has.psnr}
        if had.miou is not None and has.miou is not None:
            losses[noise]["miou"] = had.miou - has.miou
    return losses


def worst(losses: Losses, bars: Bars) -> Excess:
    """The loss that is the largest part of its bar, or the most times it."""
    found = [
        Excess(noise, name, value, getattr(bars, name))
        for noise, values in losses.items()
        for name, value in values.items()
    ]
    return max(found, key=lambda excess: excess.times)


def _miou(confusion: ConfusionMatrix) -> float | None:
    pixels = confusion.counts.sum(axis=1)
    if not pixels.any():
        return None
    return 100 * float(confusion.iou()[pixels >= RARE * pixels.sum()].mean())
