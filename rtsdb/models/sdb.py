"""The alternation: segmentation-and-denoising blocks, each starting from the one before.

Xu et al., "Synergy between Semantic Segmentation and Image Denoising via Alternate Boosting",
ACM TOMM 2023, arXiv 2102.12095.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsdb.classes import VOID
from rtsdb.models.blocks import SDB, Features, make_block
from rtsdb.models.packing import Packing, Pixels, noise_maps
from rtsdb.models.presets import NetConfig

RESIDUAL_NOISE = 0.15
"""What an estimate is taken to have of the frame's noise, as a segmenter is told."""


class BlockOutput(NamedTuple):
    """What block k found: logits [N, classes, H/s, W/s], s = `Alternation.logits`, and x(k).

    x(k) is in the form of `SDBNet.pack`.
    """

    logits: Tensor
    estimate: Tensor


class Estimates:
    """x(1), x(2), ... of the noisy frames y, one per step.

    noisy: y in the form of `SDBNet.pack`; sigma: its noise maps, or None.
    """

    def __init__(self, noisy: Tensor, sigma: Tensor | None) -> None:
        self.noisy, self.sigma = noisy, sigma
        self._estimate: Tensor | None = None
        self._carried: Features | None = None

    def step(self, block: SDB, condition: Tensor) -> Tensor:
        """The next estimate, by the block's denoiser."""
        self._estimate, self._carried = block.denoise(
            self.noisy, self._estimate, condition, self.sigma, self._carried
        )
        return self._estimate

    def seen(self) -> tuple[Tensor, Tensor | None]:
        """What a segmenter sees now: the last estimate, y before the first; and its noise maps.

        No gradient.
        """
        if self._estimate is None:
            return self.noisy, self.sigma
        left = None if self.sigma is None else RESIDUAL_NOISE * self.sigma
        return self._estimate.detach(), left


class SDBNet(nn.Module):
    """K segmentation-and-denoising blocks, of the kind and joined in the way of `config`.

    The frame's height and width are multiples of `SDBNet.multiple`.
    """

    multiple = 32

    def __init__(self, config: NetConfig, *, classes: int, stages: int) -> None:
        super().__init__()
        self.config, self.classes, self.stages = config, classes, stages
        self.blocks = nn.ModuleList(
            [make_block(config, classes, k) for k in range(stages)],
        )
        packed = config.alternation.frames == "packed"
        self.packing: Packing | Pixels = Packing() if packed else Pixels()

    def sdbs(self) -> list[SDB]:
        """The blocks, first to last."""
        return cast(list[SDB], list(self.blocks))

    def pack(self, image: Tensor) -> Tensor:
        """Image [N, 3, H, W] in 0..1 to the form that passes between blocks.

        [N, 12, H/2, W/2] for packed frames (`rtsdb.models.packing`), else the image itself.
        """
        return self.packing.pack(image)

    def unpack(self, packed: Tensor) -> Tensor:
        """The inverse of `pack`."""
        return self.packing.unpack(packed)

    def noise_maps(self, noisy: Tensor, noise: Tensor) -> Tensor | None:
        """What the blocks are told of the noise (see `forward`), as maps; None for nothing."""
        return noise_maps(noisy, noise) if self.config.alternation.noise_level else None

    def forward(
        self, noisy: Tensor, noise: Tensor, truth: Tensor | None = None
    ) -> list[BlockOutput]:
        """Outputs of every block, first to last.

        noisy: frames from `pack`. noise: [N, 2] = (a, b), sigma(y) = sqrt(a*y + b) in grey levels
        for y in 0..255. truth: labels int64 [N, H, W], `VOID` where unknown, for the condition
        "truth" only.
        """
        return self.alternate(Estimates(noisy, self.noise_maps(noisy, noise)), truth)

    def alternate(self, estimates: Estimates, truth: Tensor | None = None) -> list[BlockOutput]:
        """Segment and denoise in turn, from the first block to the last.

        Each part learns its own task, as in the paper: no gradient passes from a denoiser to the
        segmenter that steers it, nor back.
        """
        outputs: list[BlockOutput] = []
        carried: Features | None = None
        first, *_ = self.sdbs()
        for block in self.sdbs():
            segmenting = first if block.segmenter is None else block
            if self.config.alternation.first == "segmenter":
                logits, carried = segmenting.segment(*estimates.seen(), carried)
                estimate = estimates.step(block, self._condition(logits.detach(), truth))
            else:
                estimate = estimates.step(block, self._condition(self._blank(estimates), truth))
                logits, carried = segmenting.segment(*estimates.seen(), carried)
            outputs.append(BlockOutput(logits, estimate))
        return outputs

    def _blank(self, estimates: Estimates) -> Tensor:
        """Logits where no segmenter has run: zeros [N, classes, H/s, W/s]."""
        count, _, height, width = estimates.noisy.shape
        scale = self.config.alternation.logits // self.packing.fold
        return estimates.noisy.new_zeros(count, self.classes, height // scale, width // scale)

    def _condition(self, logits: Tensor, truth: Tensor | None) -> Tensor:
        """What steers a denoiser, [N, classes, H/4, W/4]."""
        kind, coarser = self.config.alternation.condition, 4 // self.config.alternation.logits
        if coarser > 1:
            logits = functional.avg_pool2d(logits, coarser)
        if kind == "probabilities":
            return torch.softmax(logits, dim=1)
        if kind == "logits":
            return logits
        if kind == "zeros":
            return torch.zeros_like(logits)
        if truth is None:
            raise ValueError("this network is steered by ground-truth labels: give truth")
        labels = truth[:, ::4, ::4]
        known = torch.where(labels == VOID, self.classes, labels)
        one_hot = functional.one_hot(known, self.classes + 1)[..., :-1]
        return one_hot.permute(0, 3, 1, 2).to(logits.dtype)

    def grow(self, stages: int) -> SDBNet:
        """A net of more (or fewer) blocks that starts from this one.

        How the new blocks start is the matter of their kind.
        """
        grown = SDBNet(self.config, classes=self.classes, stages=stages)
        own = self.sdbs()
        for block, source in zip(grown.sdbs(), own, strict=False):
            block.load_state_dict(source.state_dict())
        for block in grown.sdbs()[self.stages :]:
            block.continue_from(own[-1])
        return grown
