"""The real-time segmenter: an MBConv encoder under a plain decoder."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from rtsdb.models.packing import NOISE_MAPS, PACKED
from rtsdb.models.presets import InvertedResidual, RtConfig
from rtsdb.models.upsample import upsample


class Segmented(NamedTuple):
    """Logits [N, n, H/2, W/2]; for the blocks after, context [N, C, H/32, W/32] and features.

    features: what the logits are made of, [N, C', H/4, W/4].
    """

    context: Tensor
    features: Tensor
    logits: Tensor


class MBConv(nn.Module):
    """Inverted residual with biases in place of batch normalisation (Sandler et al. 2018).

    The EfficientNet-Lite form: ReLU6, no squeeze-excite, so that INT8 keeps its accuracy.
    """

    def __init__(self, channels: int, spec: InvertedResidual) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, spec.expanded, 1)
        self.depthwise = nn.Conv2d(
            spec.expanded,
            spec.expanded,
            spec.kernel,
            spec.stride,
            spec.kernel // 2,
            groups=spec.expanded,
        )
        self.project = nn.Conv2d(spec.expanded, spec.out, 1)
        self.residual = spec.stride == 1 and channels == spec.out

    def forward(self, x: Tensor) -> Tensor:
        """Features [N, C, h, w] to [N, out, h/stride, w/stride]."""
        h = functional.relu6(self.expand(x))
        h = self.project(functional.relu6(self.depthwise(h)))
        out: Tensor = x + h if self.residual else h
        return out


def encode(units: Iterable[nn.Module], taps: Collection[int], features: Tensor) -> list[Tensor]:
    """What goes into the units whose numbers are in `taps`, and what comes out of the last."""
    found = []
    for index, unit in enumerate(units):
        if index in taps:
            found.append(features)
        features = unit(features)
    return [*found, features]


class Stem(nn.Module):
    """Packed frames and noise maps to features at 1/4 and at 1/8."""

    def __init__(self, config: RtConfig) -> None:
        super().__init__()
        self.enter = nn.Conv2d(PACKED, config.stem, 2, 2)
        self.noise = nn.Conv2d(NOISE_MAPS, config.stem, 1, bias=False)
        self.fine = nn.Conv2d(config.stem, config.decoder_fine, 3, padding=1)
        self.down = nn.Conv2d(config.decoder_fine, config.decoder, 3, 2, 1)

    def forward(self, estimate: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """Frame [N, 12, h, w] and maps [N, 2, h, w] to features at h/2 and h/4."""
        h = functional.relu(self.enter(estimate) + self.noise(functional.avg_pool2d(sigma, 2)))
        fine = functional.relu(self.fine(h))
        return fine, functional.relu(self.down(fine))


class Decoder(nn.Module):
    """Features at 1/8, and the stem's at 1/4, to features at 1/4 that tell the classes.

    Those of the block before, where there is one, are looked at, and are half of the outcome: an
    estimate has less noise than the frame and less detail, and both tell something.
    """

    def __init__(self, config: RtConfig) -> None:
        super().__init__()
        self.smooth = nn.Conv2d(config.decoder, config.decoder, 3, padding=1)
        self.narrow = nn.Conv2d(config.decoder, config.decoder_fine, 1)
        self.recall = nn.Conv2d(config.decoder_fine, config.decoder_fine, 1, bias=False)
        self.merge = nn.Conv2d(config.decoder_fine, config.decoder_fine, 3, padding=1)
        nn.init.zeros_(self.recall.weight)

    def forward(self, merged: Tensor, fine: Tensor, before: Tensor | None) -> Tensor:
        """Features [N, C, h, w] and [N, C', 2h, 2w] to [N, C', 2h, 2w], as `before` is."""
        h = functional.relu(self.smooth(functional.relu(merged)))
        h = fine + upsample(self.narrow(h), 2)
        if before is not None:
            h = h + self.recall(before)
        found = functional.relu(self.merge(functional.relu(h)))
        return found if before is None else 0.5 * (before + found)


class Segmenter(nn.Module):
    """Logits of a frame or an estimate of it, with the context of an encoder from 1/8 to 1/32.

    One serves all blocks. Thin things (poles, signs) want logits finer than the decoder works:
    four per position.
    """

    def __init__(self, config: RtConfig, classes: int) -> None:
        super().__init__()
        self.stem = Stem(config)
        self.stem_out = nn.Conv2d(config.decoder, config.stem_out, 1)
        units, taps, channels = [], [], config.stem_out
        for index, spec in enumerate(config.encoder):
            if spec.stride == 2:
                taps.append((index, channels))
            units.append(MBConv(channels, spec))
            channels = spec.out
        self.encoder = nn.ModuleList(units)
        self.taps = tuple(index for index, _ in taps)
        self.lateral = nn.ModuleList(
            [nn.Conv2d(c, config.decoder, 1) for c in [*(c for _, c in taps), channels]]
        )
        self.decoder = Decoder(config)
        self.classify = nn.Conv2d(config.decoder_fine, 4 * classes, 1)

    def enter(self, frame: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """Features at 1/4 and the encoder's input at 1/8."""
        fine, h = self.stem(frame, sigma)
        return fine, self.stem_out(h)

    def forward(self, frame: Tensor, sigma: Tensor, before: Segmented | None = None) -> Segmented:
        """Logits of a packed frame [N, 12, h, w] with noise maps [N, 2, h, w].

        before: found in another estimate of the frame. Its context is taken over, which noise
        hardly alters, and half of its features.
        """
        fine, h = self.enter(frame, sigma)
        deepest = self.taps[-1]
        scales = encode(self.encoder[:deepest], self.taps, h)
        if before is None:
            context = self.lateral[-1](encode(self.encoder[deepest:], (), scales[-1])[-1])
        else:
            context = before.context
        merged = context
        for lateral, scale in zip(reversed(self.lateral[:-1]), reversed(scales), strict=True):
            merged = lateral(scale) + upsample(merged, 2)
        features = self.decoder(merged, fine, None if before is None else before.features)
        logits = functional.pixel_shuffle(self.classify(features), 2)
        return Segmented(context, features, logits)
