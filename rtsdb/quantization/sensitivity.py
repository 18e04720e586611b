"""What each tensor of a plan costs by itself: the network with that one in INT8, all else float."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtsdb.quantization.accuracy import visible_psnr
from rtsdb.quantization.frames import Sample, middle
from rtsdb.quantization.session import Session
from rtsdb.video.frame import Labels

FRAMES = 2
"""How many frames of each kind of noise are run, once for every tensor."""

SIZE = (160, 128)
"""Width and height in pixels of their middle, which is."""


@dataclass(frozen=True)
class Cost:
    """By kind of noise: psnr, dB that are lost; labels, percent of them that change."""

    psnr: Mapping[str, float]
    labels: Mapping[str, float]

    def of(self, measure: str, noise: str) -> float:
        """What stands for a loss of 'psnr' or of 'miou', never negative.

        The few pixels here have no mIoU worth the name; labels that change are what lowers it.
        """
        return max((self.psnr if measure == "psnr" else self.labels)[noise], 0.0)


class Probe:
    """Parts of the check frames, run as one batch, and what the float network makes of them."""

    def __init__(self, reference: Session, samples: Sequence[Sample]) -> None:
        by_noise: dict[str, list[Sample]] = {}
        for sample in samples:
            by_noise.setdefault(sample.noise, []).append(sample)
        taken = [s for group in by_noise.values() for s in group[:: -(-len(group) // FRAMES)]]
        self._noises = np.array([sample.noise for sample in taken])
        self._noisy = np.stack([middle(sample.noisy, SIZE) for sample in taken])
        self._clean = np.stack([middle(sample.scene.image, SIZE) for sample in taken])
        self._levels = np.stack([sample.level for sample in taken])
        self._psnr, self._labels = self._run(reference)

    def cost(self, session: Session) -> Cost:
        """What a network loses against the float one."""
        decibels, labels = self._run(session)
        changed = 100 * np.mean(labels != self._labels, axis=(1, 2))
        return Cost(self._by_noise(self._psnr - decibels), self._by_noise(changed))

    def _run(self, session: Session) -> tuple[NDArray[np.float64], Labels]:
        denoised, labels = session.run(self._noisy, self._levels)
        pairs = zip(denoised, self._clean, strict=True)
        return np.array([visible_psnr(image, clean) for image, clean in pairs]), labels

    def _by_noise(self, values: NDArray[np.float64]) -> dict[str, float]:
        return {
            str(noise): float(values[self._noises == noise].mean())
            for noise in np.unique(self._noises)
        }
