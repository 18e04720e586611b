"""The alternation: segmentation-and-denoising blocks, each starting from the one before.

Xu et al., "Synergy between Semantic Segmentation and Image Denoising via Alternate Boosting",
ACM TOMM 2023, arXiv 2102.12095.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsdb.models.denoiser import Denoiser
from rtsdb.models.presets import RtConfig
from rtsdb.models.segmenter import Segmenter, class_probabilities


class BlockOutput(NamedTuple):
    """What block k found: class logits [N, classes, h, w], packed estimate [N, packed, h, w]."""

    logits: Tensor
    estimate: Tensor


class SDB(nn.Module):
    """One block: segment the current estimate, then denoise under the class probabilities."""

    def __init__(self, config: RtConfig, classes: int, *, follows: bool) -> None:
        super().__init__()
        self.segmenter = Segmenter(config, classes, follows=follows)
        self.denoiser = Denoiser(config, classes, follows=follows)


class SDBNet(nn.Module):
    """K segmentation-and-denoising blocks over frames packed by space-to-depth.

    Works on packed frames [N, 3*fold^2, H/fold, W/fold] with values 0..1, see `pack`; H and W
    are multiples of `SDBNet.multiple`.
    """

    multiple = 32
    packing: Tensor

    def __init__(self, config: RtConfig, *, classes: int, stages: int) -> None:
        super().__init__()
        self.config, self.classes, self.stages = config, classes, stages
        self.blocks = nn.ModuleList(
            [SDB(config, classes, follows=k > 0) for k in range(stages)],
        )
        self.register_buffer("packing", _packing_kernel(config.fold), persistent=False)

    def sdbs(self) -> list[SDB]:
        """The blocks, first to last."""
        return cast(list[SDB], list(self.blocks))

    def pack(self, image: Tensor) -> Tensor:
        """Space-to-depth: [N, 3, H, W] to [N, 3*fold^2, H/fold, W/fold].

        A convolution with ones and zeros: native in every engine and exact, where the
        reshape-transpose form needs the frame's size in the graph.
        """
        return functional.conv2d(image, self.packing, stride=self.config.fold)

    def unpack(self, packed: Tensor) -> Tensor:
        """Depth-to-space, the inverse of `pack`."""
        return functional.pixel_shuffle(packed, self.config.fold)

    def forward(self, noisy: Tensor, noise: Tensor) -> list[BlockOutput]:
        """Outputs of every block, first to last.

        noisy: packed frames, 0..1. noise: [N, 2] = (a, b), sigma(y) = sqrt(a*y + b) in grey
        levels for y in 0..255. Each part learns its own task, as in the paper: no gradient
        passes from a denoiser to the segmenter that steers it, nor back.
        """
        sigma = noise_map(noisy, noise)
        outputs: list[BlockOutput] = []
        estimate: Tensor | None = None
        decoded: Tensor | None = None
        features: Tensor | None = None
        for block in self.sdbs():
            seen = noisy if estimate is None else estimate.detach()
            logits, decoded = block.segmenter(seen, sigma, decoded)
            steering = class_probabilities(logits.detach())
            estimate, features = block.denoiser(noisy, estimate, steering, sigma, features)
            outputs.append(BlockOutput(logits, estimate))
        return outputs

    def grow(self, stages: int) -> SDBNet:
        """A net of more (or fewer) blocks that starts from this one.

        A new block is a copy of the last one whose denoiser leaves the estimate as it is:
        S(k+1) starts from S(k) (as in the paper), and x(k+1) from x(k).
        """
        grown = SDBNet(self.config, classes=self.classes, stages=stages)
        state = self.state_dict()
        for index, block in enumerate(grown.sdbs()):
            origin = f"blocks.{min(index, self.stages - 1)}."
            weights = {k[len(origin) :]: v for k, v in state.items() if k.startswith(origin)}
            block.load_state_dict(weights, strict=False)
            if index >= self.stages:
                _start_as_identity(block)
        return grown


def noise_map(noisy: Tensor, noise: Tensor) -> Tensor:
    """Noise level at each position [N, 1, h, w] from the position's mean, in units of 64 levels."""
    a, b = noise[:, 0, None, None, None], noise[:, 1, None, None, None]
    variance = (a * 255.0) * noisy.mean(dim=1, keepdim=True) + b
    return torch.sqrt(torch.clamp(variance, min=0.0)) / 64.0


def _packing_kernel(fold: int) -> Tensor:
    kernel = torch.zeros(3 * fold * fold, 3, fold, fold)
    for channel in range(3):
        for row in range(fold):
            for column in range(fold):
                kernel[(channel * fold + row) * fold + column, channel, row, column] = 1.0
    return kernel


def _start_as_identity(block: SDB) -> None:
    denoiser, segmenter = block.denoiser, block.segmenter
    for part in (denoiser.estimate, denoiser.carry, segmenter.carry, denoiser.frame, denoiser.gate):
        if part is not None:
            nn.init.zeros_(part.weight)
    assert denoiser.frame.bias is not None
    assert denoiser.gate.bias is not None
    nn.init.zeros_(denoiser.frame.bias)
    nn.init.constant_(denoiser.gate.bias, -5.0)
