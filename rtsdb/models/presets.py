"""Typed configurations of the networks, by name."""

from __future__ import annotations

from dataclasses import dataclass

from rtsdb.errors import UsageError


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
    denoiser_fine, denoiser, denoiser_deep: the denoiser's channels at 1/2, 1/4 and 1/8.
    depth: its residual units at 1/8.
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
    denoiser_fine: int = 32
    denoiser: int = 64
    denoiser_deep: int = 64
    depth: int = 3


PRESETS: dict[str, RtConfig] = {"rt": RtConfig()}


def preset(name: str) -> RtConfig:
    """Configuration called `name`; raises UsageError naming the presets there are.

    >>> preset("rt").denoiser
    64
    """
    try:
        return PRESETS[name]
    except KeyError:
        known = ", ".join(PRESETS)
        raise UsageError(f"--preset {name}: no such network; choose one of: {known}") from None
