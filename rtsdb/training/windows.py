"""A forward pass in which segmenters see whole crops and denoisers learn on a window of each."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rtsdb.models.blocks import SDB
from rtsdb.models.sdb import BlockOutput, Estimates, SDBNet

STRIDE = 16
"""Pixels per position where the denoiser is coarsest."""


class Window(NamedTuple):
    """A square of a crop of `crop` x `crop` pixels; all are multiples of `STRIDE`.

    top, left, side: in pixels.
    """

    crop: int
    top: int
    left: int
    side: int

    def cut(self, x: Tensor) -> Tensor:
        """The square of a tensor [N, C, h, w] that shows the crop at any resolution."""
        scale = self.crop // x.shape[-1]
        top, left, side = self.top // scale, self.left // scale, self.side // scale
        return x[:, :, top : top + side, left : left + side]


def forward_windowed(
    net: SDBNet, noisy: Tensor, noise: Tensor, window: Window, truth: Tensor | None = None
) -> list[BlockOutput]:
    """Outputs of every block: logits of the whole crop, estimates of the window only.

    Equals `SDBNet.forward` where the window is the whole crop. A segmenter needs wide context
    and few steps of many pixels; a denoiser needs neither, and on a window a quarter of the
    crop's size takes the same steps for a quarter of the cost.
    """
    if window.side == window.crop:
        outputs: list[BlockOutput] = net(noisy, noise, truth)
        return outputs
    return net.alternate(_WindowEstimates(noisy, net.noise_maps(noisy, noise), window), truth)


class _WindowEstimates(Estimates):
    """Estimates of the window; of the whole crop, without gradient, where a segmenter looks."""

    def __init__(self, noisy: Tensor, sigma: Tensor | None, window: Window) -> None:
        super().__init__(noisy, sigma)
        self._cut = window.cut
        self._window = Estimates(window.cut(noisy), None if sigma is None else window.cut(sigma))
        self._due: tuple[SDB, Tensor] | None = None

    def step(self, block: SDB, condition: Tensor) -> Tensor:
        self._due = block, condition
        return self._window.step(block, self._cut(condition))

    def seen(self) -> tuple[Tensor, Tensor | None]:
        if self._due is not None:
            with torch.no_grad():
                super().step(*self._due)
            self._due = None
        return super().seen()
