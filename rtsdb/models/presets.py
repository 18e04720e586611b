"""Typed configurations of the networks, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from rtsdb.errors import UsageError


@dataclass(frozen=True)
class Alternation:
    """How segmenters and denoisers are joined: what the networks do differently in one loop.

    frames: the form in which estimates pass between blocks, "packed" (half resolution and
    decorrelated, `rtsdb.models.packing`) or "pixels". noise_level: whether the parts know it.
    first: which part of block k goes first; a segmenter that does sees x(k-1) (y for k = 1),
    otherwise x(k). condition: what steers the denoisers, at 1/4 of the frame: class
    "probabilities", "logits", "zeros" (nothing), or "truth" (the labels, one-hot; zeros for void).
    logits, decision: side in pixels of the squares that get logits of their own, and a label.
    """

    frames: Literal["packed", "pixels"]
    noise_level: bool
    first: Literal["segmenter", "denoiser"]
    condition: Literal["probabilities", "logits", "zeros", "truth"]
    logits: Literal[2, 4]
    decision: Literal[1, 2]


RT = Alternation(
    frames="packed",
    noise_level=True,
    first="segmenter",
    condition="probabilities",
    logits=2,
    decision=2,
)
SDABN = Alternation(
    frames="pixels",
    noise_level=False,
    first="segmenter",
    condition="logits",
    logits=4,
    decision=1,
)


@dataclass(frozen=True)
class InvertedResidual:
    """One MBConv unit: 1x1 expansion, depthwise convolution, 1x1 projection.

    source: index of the block of ImageNet-pretrained EfficientNet-Lite0 that it can start from.
    """

    expanded: int
    out: int
    kernel: int
    stride: int
    source: int


@dataclass(frozen=True)
class RtConfig:
    """Sizes of the real-time network; channels are multiples of 16 (tensor cores, AMX tiles).

    stem, stem_out: segmenter channels at 1/4, and at 1/8 where the encoder begins.
    encoder: MBConv units from 1/8 to 1/32. decoder, decoder_fine: its channels at 1/8 and 1/4.
    denoiser_fine, denoiser, denoiser_deep: the denoiser's channels at 1/2, at 1/4, and at 1/8
    and 1/16. boosting: residual units at 1/2 in the second block, and in the third.
    stored: type of the weights on disk.
    """

    stem: int = 48
    stem_out: int = 48
    encoder: tuple[InvertedResidual, ...] = (
        InvertedResidual(240, 48, kernel=5, stride=1, source=4),
        InvertedResidual(240, 80, kernel=3, stride=2, source=5),
        InvertedResidual(480, 80, kernel=3, stride=1, source=6),
        InvertedResidual(480, 80, kernel=3, stride=1, source=7),
        InvertedResidual(480, 112, kernel=5, stride=1, source=8),
        InvertedResidual(672, 112, kernel=5, stride=1, source=9),
        InvertedResidual(672, 192, kernel=5, stride=2, source=11),
        InvertedResidual(1152, 192, kernel=5, stride=1, source=12),
    )
    decoder: int = 64
    decoder_fine: int = 32
    denoiser_fine: int = 48
    denoiser: int = 96
    denoiser_deep: int = 64
    boosting: tuple[int, ...] = (2, 1)
    alternation: Alternation = RT
    stored: Literal["float16", "float32"] = "float16"


@dataclass(frozen=True)
class HRNetConfig:
    """Sizes of HRNetV2; the defaults are W18-small-v2.

    stem: channels at 1/4. bottlenecks: units of stage 1. channels: of the branches at 1/4, 1/8,
    1/16 and 1/32. modules: of stages 2, 3 and 4. units: basic units per branch of a module.
    mean, std: per colour, of the pictures (0..1) it sees; the defaults are ImageNet's.
    """

    stem: int = 64
    bottlenecks: int = 2
    channels: tuple[int, int, int, int] = (18, 36, 72, 144)
    modules: tuple[int, int, int] = (1, 3, 2)
    units: int = 2
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class DDFNConfig:
    """Sizes of DDFN-SFT.

    width: channels of a scale, and how many each block adds. blocks: dense blocks.
    condition: channels of what steers the blocks.
    """

    width: int = 8
    blocks: int = 8
    condition: int = 16


@dataclass(frozen=True)
class SdabnConfig:
    """The published network, part by part. stored: type of the weights on disk."""

    segmenter: HRNetConfig = HRNetConfig()
    denoiser: DDFNConfig = DDFNConfig()
    alternation: Alternation = SDABN
    stored: Literal["float16", "float32"] = "float32"


NetConfig = RtConfig | SdabnConfig
"""Either kind of network."""

PRESETS: dict[str, NetConfig] = {
    "rt": RtConfig(),
    "rt-unconditioned": RtConfig(alternation=replace(RT, condition="zeros")),
    "rt-truth": RtConfig(alternation=replace(RT, condition="truth")),
    "rt-separate": RtConfig(alternation=replace(RT, condition="zeros", first="denoiser")),
    "sdabn": SdabnConfig(),
}
"""The real-time network, its ablations, and the published network.

rt-unconditioned: denoisers without semantics. rt-truth: an upper bound, with perfect semantics.
rt-separate: denoise, then segment; nothing passes from segmenters to denoisers. The three have
the shapes and the cost of rt, so that rt's weights can start them.
"""


def preset(name: str) -> NetConfig:
    """Configuration called `name`; raises UsageError naming the presets there are.

    >>> preset("rt").alternation.condition
    'probabilities'
    """
    try:
        return PRESETS[name]
    except KeyError:
        known = ", ".join(PRESETS)
        raise UsageError(f"--preset {name}: no such network; choose one of: {known}") from None
