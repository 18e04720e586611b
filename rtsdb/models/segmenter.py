"""The real-time segmenter: an MBConv encoder from 1/8 to 1/32 under a plain decoder to 1/4."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from rtsdb.models.packing import NOISE_MAPS, PACKED
from rtsdb.models.presets import InvertedResidual, RtConfig
from rtsdb.models.upsample import upsample


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


class Segmenter(nn.Module):
    """Class logits at 1/4 of the frame from the packed estimate of block k-1.

    follows: whether a segmenter stands before this one; its decoder features at 1/8 are then
    added to this one's (through a 1x1 convolution), so that a block refines what is known.
    """

    def __init__(self, config: RtConfig, classes: int, *, follows: bool) -> None:
        super().__init__()
        self.enter = nn.Conv2d(PACKED, config.stem, 2, 2)
        self.noise = nn.Conv2d(NOISE_MAPS, config.stem, 1, bias=False)
        self.fine = nn.Conv2d(config.stem, config.decoder_fine, 3, padding=1)
        self.down = nn.Conv2d(config.decoder_fine, 64, 3, 2, 1)
        self.stem_out = nn.Conv2d(64, config.stem_out, 1)
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
        self.carry = nn.Conv2d(config.decoder, config.decoder, 1, bias=False) if follows else None
        self.smooth = nn.Conv2d(config.decoder, config.decoder, 3, padding=1)
        self.narrow = nn.Conv2d(config.decoder, config.decoder_fine, 1)
        self.merge = nn.Conv2d(config.decoder_fine, config.decoder_fine, 3, padding=1)
        self.classify = nn.Conv2d(config.decoder_fine, classes, 1)

    def stem_parts(self) -> list[nn.Module]:
        """The modules of the stem, which can be trained by itself."""
        return [self.enter, self.noise, self.fine, self.down, self.stem_out]

    def stem(self, estimate: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """Features at 1/4 and the encoder's input at 1/8."""
        h = functional.relu(self.enter(estimate) + self.noise(functional.avg_pool2d(sigma, 2)))
        fine = functional.relu(self.fine(h))
        return fine, self.stem_out(functional.relu(self.down(fine)))

    def forward(
        self, estimate: Tensor, sigma: Tensor, carried: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Logits [N, classes, h/2, w/2] and decoder features [N, C, h/4, w/4] for block k+1.

        estimate: packed frame [N, 12, h, w]; sigma: noise maps [N, 2, h, w]; carried: the
        decoder features of the block before.
        """
        fine, h = self.stem(estimate, sigma)
        scales = []
        for index, unit in enumerate(self.encoder):
            if index in self.taps:
                scales.append(h)
            h = unit(h)
        merged = self.lateral[-1](h)
        for lateral, scale in zip(reversed(self.lateral[:-1]), reversed(scales), strict=True):
            merged = lateral(scale) + upsample(merged, 2)
        if self.carry is not None:
            assert carried is not None
            merged = merged + self.carry(carried)
        merged = functional.relu(self.smooth(functional.relu(merged)))
        h = functional.relu(fine + upsample(self.narrow(merged), 2))
        logits: Tensor = self.classify(functional.relu(self.merge(h)))
        return logits, merged
