"""The two kinds of blocks: the real-time one and the published one, side by side.

Here is what their parts are and give; `rtsdb.models.presets.Alternation` has what parts are given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from rtsdb.models.ddfn import DDFN
from rtsdb.models.denoiser import Denoiser
from rtsdb.models.hrnet import HRNet
from rtsdb.models.presets import NetConfig, RtConfig, SdabnConfig
from rtsdb.models.segmenter import Segmenter
from rtsdb.models.upsample import upsample


class SDB(nn.Module, ABC):
    """One segmentation-and-denoising block; its two parts share nothing.

    Frames and estimates come and go in the form of `Alternation.frames`. sigma: noise maps, or
    None where parts are not told. carried: features that the same part of the block before left.
    """

    segmenter: nn.Module
    denoiser: nn.Module

    @abstractmethod
    def segment(
        self, seen: Tensor, sigma: Tensor | None, carried: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Logits [N, classes, H/4, W/4] of what is seen, and features to carry on."""

    @abstractmethod
    def denoise(
        self,
        noisy: Tensor,
        estimate: Tensor | None,
        condition: Tensor,
        sigma: Tensor | None,
        carried: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        """The estimate x(k) from y, x(k-1) and a condition [N, classes, H/4, W/4]; features."""

    @abstractmethod
    def continue_from(self, last: SDB) -> None:
        """Start as the block that comes after `last`, where a trained net grows."""


class RtBlock(SDB):
    """`rt`: parts that know the noise level, carry features on and gate: (1-g) x(k-1) + g y + f."""

    segmenter: Segmenter
    denoiser: Denoiser

    def __init__(self, config: RtConfig, classes: int, *, follows: bool) -> None:
        super().__init__()
        self.segmenter = Segmenter(config, classes, follows=follows)
        self.denoiser = Denoiser(config, classes, follows=follows)

    def segment(
        self, seen: Tensor, sigma: Tensor | None, carried: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Logits and decoder features."""
        logits, decoded = self.segmenter(seen, sigma, carried)
        return logits, decoded

    def denoise(
        self,
        noisy: Tensor,
        estimate: Tensor | None,
        condition: Tensor,
        sigma: Tensor | None,
        carried: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        """The gated estimate and its features."""
        estimate, features = self.denoiser(noisy, estimate, condition, sigma, carried)
        return estimate, features

    def continue_from(self, last: SDB) -> None:
        """A copy of the last block, but for a denoiser that leaves the estimate as it is."""
        self.load_state_dict(last.state_dict(), strict=False)
        denoiser, segmenter = self.denoiser, self.segmenter
        for part in (
            denoiser.estimate,
            denoiser.carry,
            segmenter.carry,
            denoiser.frame,
            denoiser.gate,
        ):
            if part is not None:
                nn.init.zeros_(part.weight)
        assert denoiser.frame.bias is not None
        assert denoiser.gate.bias is not None
        nn.init.zeros_(denoiser.frame.bias)
        nn.init.constant_(denoiser.gate.bias, -5.0)


class SdabnBlock(SDB):
    """`sdabn`, as published: HRNet, and DDFN-SFT on y + x(k-1), whose output is x(k) itself.

    One such net is trained per noise level, which it is not told; nothing is carried on.
    """

    segmenter: HRNet
    denoiser: DDFN

    def __init__(self, config: SdabnConfig, classes: int) -> None:
        super().__init__()
        self.segmenter = HRNet(config.segmenter, classes)
        self.denoiser = DDFN(config.denoiser, classes)

    def segment(
        self, seen: Tensor, sigma: Tensor | None, carried: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Logits."""
        return self.segmenter(seen), None

    def denoise(
        self,
        noisy: Tensor,
        estimate: Tensor | None,
        condition: Tensor,
        sigma: Tensor | None,
        carried: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        """The estimate; no gradient reaches the denoiser before."""
        boosted = noisy if estimate is None else noisy + estimate.detach()
        return self.denoiser(boosted, upsample(condition, 4)), None

    def continue_from(self, last: SDB) -> None:
        """The last block's segmenter with a fresh denoiser, as the authors trained."""
        self.segmenter.load_state_dict(last.segmenter.state_dict())


def make_block(config: NetConfig, classes: int, *, follows: bool) -> SDB:
    """A block of the kind that `config` is of. follows: whether another stands before it."""
    if isinstance(config, RtConfig):
        return RtBlock(config, classes, follows=follows)
    return SdabnBlock(config, classes)
