"""The two kinds of blocks: the real-time one and the published one, side by side.

Here is what their parts are and give; `rtsdb.models.presets.Alternation` has what parts are given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from rtsdb.models.ddfn import DDFN
from rtsdb.models.denoiser import Booster, Denoised, Denoiser
from rtsdb.models.hrnet import HRNet
from rtsdb.models.presets import NetConfig, RtConfig, SdabnConfig
from rtsdb.models.segmenter import Segmented, Segmenter
from rtsdb.models.upsample import upsample

Features = tuple[Tensor, ...]
"""What a part leaves for the same part of the next block."""


class SDB(nn.Module, ABC):
    """One segmentation-and-denoising block; its two parts share nothing.

    Frames and estimates come and go in the form of `Alternation.frames`. sigma: noise maps of
    what a part is given, or None where parts are not told. carried: features that the same part
    of the block before left. segmenter: None where the first block's serves this one, too.
    """

    segmenter: nn.Module | None
    denoiser: nn.Module

    @abstractmethod
    def segment(
        self, seen: Tensor, sigma: Tensor | None, carried: Features | None
    ) -> tuple[Tensor, Features | None]:
        """Logits [N, classes, H/s, W/s] of what is seen, and features to carry on.

        s: `Alternation.logits`.
        """

    @abstractmethod
    def denoise(
        self,
        noisy: Tensor,
        estimate: Tensor | None,
        condition: Tensor,
        sigma: Tensor | None,
        carried: Features | None,
    ) -> tuple[Tensor, Features | None]:
        """The estimate x(k) from y, x(k-1) and a condition [N, classes, H/4, W/4]; features."""

    @abstractmethod
    def continue_from(self, last: SDB) -> None:
        """Start as the block that comes after `last`, where a trained net grows."""


class RtBlock(SDB):
    """`rt`: parts that know the noise level, carry features on and gate: (1-g) x(k-1) + g y + f.

    One segmenter, in the first block, serves all: it has learnt all levels of noise, so that it
    finds more in an estimate than in the frame.
    """

    segmenter: Segmenter | None
    denoiser: Denoiser | Booster

    def __init__(self, config: RtConfig, classes: int, index: int) -> None:
        super().__init__()
        self.segmenter = None if index else Segmenter(config, classes)
        self.denoiser = (
            Booster(config, classes, config.boosting[index - 1])
            if index
            else Denoiser(config, classes)
        )

    def segment(
        self, seen: Tensor, sigma: Tensor | None, carried: Features | None
    ) -> tuple[Tensor, Features | None]:
        """Logits, and what they were made of."""
        assert self.segmenter is not None
        assert sigma is not None
        before = None if carried is None else Segmented(*carried)
        segmented: Segmented = self.segmenter(seen, sigma, before)
        return segmented.logits, segmented

    def denoise(
        self,
        noisy: Tensor,
        estimate: Tensor | None,
        condition: Tensor,
        sigma: Tensor | None,
        carried: Features | None,
    ) -> tuple[Tensor, Features | None]:
        """The gated estimate and its features."""
        before = () if carried is None else (Denoised(*carried),)
        denoised: Denoised = self.denoiser(noisy, condition, sigma, *before)
        return denoised.estimate, denoised

    def continue_from(self, last: SDB) -> None:
        """The last block's estimate, unchanged."""
        assert isinstance(self.denoiser, Booster)
        self.denoiser.start()


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
        self, seen: Tensor, sigma: Tensor | None, carried: Features | None
    ) -> tuple[Tensor, Features | None]:
        """Logits."""
        return self.segmenter(seen), None

    def denoise(
        self,
        noisy: Tensor,
        estimate: Tensor | None,
        condition: Tensor,
        sigma: Tensor | None,
        carried: Features | None,
    ) -> tuple[Tensor, Features | None]:
        """The estimate; no gradient reaches the denoiser before."""
        boosted = noisy if estimate is None else noisy + estimate.detach()
        return self.denoiser(boosted, upsample(condition, 4)), None

    def continue_from(self, last: SDB) -> None:
        """The last block's segmenter with a fresh denoiser, as the authors trained."""
        assert last.segmenter is not None
        self.segmenter.load_state_dict(last.segmenter.state_dict())


def make_block(config: NetConfig, classes: int, index: int) -> SDB:
    """A block of the kind that `config` is of. index: how many stand before it."""
    if isinstance(config, RtConfig):
        return RtBlock(config, classes, index)
    return SdabnBlock(config, classes)
