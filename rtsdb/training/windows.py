"""A forward pass in which segmenters see whole crops and denoisers learn on a window of each."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rtsdb.models.packing import noise_maps
from rtsdb.models.sdb import BlockOutput, SDBNet
from rtsdb.models.segmenter import class_probabilities


class Window(NamedTuple):
    """A square of a crop of `crop` x `crop` pixels; all are multiples of 8, the denoiser's stride.

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
    net: SDBNet, noisy: Tensor, noise: Tensor, window: Window
) -> list[BlockOutput]:
    """Outputs of every block: logits of the whole crop, estimates of the window only.

    Equals `SDBNet.forward` where the window is the whole crop. A segmenter needs wide context
    and few steps of many pixels; a denoiser needs neither, and on a window a quarter of the
    crop's size takes the same steps for a quarter of the cost. The estimates that later
    segmenters see are computed for the whole crop, without gradient.
    """
    sigma = noise_maps(noisy, noise)
    noisy_cut, sigma_cut = window.cut(noisy), window.cut(sigma)
    outputs: list[BlockOutput] = []
    decoded = estimate = features = estimate_cut = features_cut = None
    for index, block in enumerate(net.sdbs()):
        seen = noisy if estimate is None else estimate
        logits, decoded = block.segmenter(seen, sigma, decoded)
        steering = class_probabilities(logits.detach())
        estimate_cut, features_cut = block.denoiser(
            noisy_cut, estimate_cut, window.cut(steering), sigma_cut, features_cut
        )
        outputs.append(BlockOutput(logits, estimate_cut))
        if window.side == window.crop:
            estimate = estimate_cut.detach()
        elif index + 1 < net.stages:
            with torch.no_grad():
                estimate, features = block.denoiser(noisy, estimate, steering, sigma, features)
    return outputs
