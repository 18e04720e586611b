"""The alternation: segmentation-and-denoising blocks, each starting from the one before.

Xu et al., "Synergy between Semantic Segmentation and Image Denoising via Alternate Boosting",
ACM TOMM 2023, arXiv 2102.12095.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from torch import Tensor, nn

from rtsdb.models.denoiser import Denoiser
from rtsdb.models.packing import Packing, noise_maps
from rtsdb.models.presets import RtConfig
from rtsdb.models.segmenter import Segmenter, class_probabilities


class BlockOutput(NamedTuple):
    """What block k found: logits [N, classes, H/4, W/4], packed estimate [N, 12, H/2, W/2]."""

    logits: Tensor
    estimate: Tensor


class SDB(nn.Module):
    """One block: segment the current estimate, then denoise under the class probabilities."""

    def __init__(self, config: RtConfig, classes: int, *, follows: bool) -> None:
        super().__init__()
        self.segmenter = Segmenter(config, classes, follows=follows)
        self.denoiser = Denoiser(config, classes, follows=follows)


class SDBNet(nn.Module):
    """K segmentation-and-denoising blocks over packed frames (`rtsdb.models.packing`).

    The frame's height and width are multiples of `SDBNet.multiple`.
    """

    multiple = 32

    def __init__(self, config: RtConfig, *, classes: int, stages: int) -> None:
        super().__init__()
        self.config, self.classes, self.stages = config, classes, stages
        self.blocks = nn.ModuleList(
            [SDB(config, classes, follows=k > 0) for k in range(stages)],
        )
        self.packing = Packing()

    def sdbs(self) -> list[SDB]:
        """The blocks, first to last."""
        return cast(list[SDB], list(self.blocks))

    def pack(self, image: Tensor) -> Tensor:
        """Image [N, 3, H, W] in 0..1 to the packed form [N, 12, H/2, W/2]."""
        return self.packing.pack(image)

    def unpack(self, packed: Tensor) -> Tensor:
        """The inverse of `pack`."""
        return self.packing.unpack(packed)

    def forward(self, noisy: Tensor, noise: Tensor) -> list[BlockOutput]:
        """Outputs of every block, first to last.

        noisy: packed frames [N, 12, H/2, W/2]. noise: [N, 2] = (a, b), sigma(y) = sqrt(a*y + b)
        in grey levels for y in 0..255. Each part learns its own task, as in the paper: no gradient
        passes from a denoiser to the segmenter that steers it, nor back.
        """
        sigma = noise_maps(noisy, noise)
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


def _start_as_identity(block: SDB) -> None:
    denoiser, segmenter = block.denoiser, block.segmenter
    for part in (denoiser.estimate, denoiser.carry, segmenter.carry, denoiser.frame, denoiser.gate):
        if part is not None:
            nn.init.zeros_(part.weight)
    assert denoiser.frame.bias is not None
    assert denoiser.gate.bias is not None
    nn.init.zeros_(denoiser.frame.bias)
    nn.init.constant_(denoiser.gate.bias, -5.0)
