"""The real-time denoiser, a U-Net from 1/2 to 1/16; and what boosts its estimate, at 1/2."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsdb.models.packing import NOISE_MAPS, PACKED, trust
from rtsdb.models.presets import RtConfig
from rtsdb.models.residual import Residual
from rtsdb.models.upsample import upsample


class Denoised(NamedTuple):
    """What a denoiser leaves for the next: features [N, C, h, w], the estimate [N, 12, h, w]."""

    features: Tensor
    estimate: Tensor


class SFT(nn.Module):
    """Spatial feature transform: x * (1 + scale) + shift (Wang et al., CVPR 2018).

    scale and shift come from the condition (class probabilities) through two 1x1 convolutions.
    finer: how many times as high and as wide as the condition the features are.
    """

    def __init__(self, condition: int, channels: int, finer: int = 1) -> None:
        super().__init__()
        self.finer = finer
        self.embed = nn.Conv2d(condition, 16, 1)
        self.scale = nn.Conv2d(16, channels, 1)
        self.shift = nn.Conv2d(16, channels, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Features [N, C, h, w] and condition [N, classes, h/finer, w/finer] to features."""
        h = functional.relu(self.embed(condition))
        if self.finer > 1:
            h = upsample(h, self.finer)
        out: Tensor = x * (1 + self.scale(h)) + self.shift(h)
        return out


class Wide(nn.Module):
    """x and what a residual unit finds at half its resolution: smooth noise, in wide context."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, channels, 2, 2)
        self.unit = Residual(channels)
        self.up = nn.Conv2d(channels, 4 * channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features [N, C, h, w], h and w even, to the same shape."""
        return x + functional.pixel_shuffle(self.up(self.unit(self.down(x))), 2)


class Denoiser(nn.Module):
    """D(1): the first estimate, x(1) = y + t * ((g - 1) * y + f), g * y + f but for faint noise.

    The gate g in (0, 1) and the frame part f are predicted from y; all are packed frames. t is
    `rtsdb.models.packing.trust`.
    """

    def __init__(self, config: RtConfig, classes: int) -> None:
        super().__init__()
        fine, c, deep = config.denoiser_fine, config.denoiser, config.denoiser_deep
        self.enter = nn.Conv2d(PACKED, fine, 3, padding=1)
        self.noise = nn.Conv2d(NOISE_MAPS, fine, 1, bias=False)
        self.down = nn.Conv2d(fine, c, 2, 2)
        self.steer = SFT(classes, c)
        self.down_deep = nn.Conv2d(c, deep, 2, 2)
        self.steer_deep = SFT(classes, deep)
        self.deep = nn.Sequential(Residual(deep), Wide(deep))
        self.up_deep = nn.Conv2d(deep, 4 * c, 1)
        self.middle = Residual(c)
        self.up = nn.Conv2d(c, 4 * fine, 1)
        self.frame = nn.Conv2d(fine, PACKED, 1)
        self.gate = nn.Conv2d(fine, PACKED, 1)
        with torch.no_grad():
            self.enter.weight[:, :: PACKED // 3] *= 0.5  # means vary more than differences

    def forward(self, noisy: Tensor, probabilities: Tensor, sigma: Tensor) -> Denoised:
        """The estimate of packed frames [N, 12, h, w].

        probabilities: of the classes, [N, classes, h/2, w/2]; sigma: noise maps [N, 2, h, w].
        """
        h = functional.relu(self.enter(noisy) + self.noise(sigma))
        m = self.steer(self.down(h), probabilities)
        d = self.steer_deep(self.down_deep(m), functional.avg_pool2d(probabilities, 2))
        m = self.middle(m + functional.pixel_shuffle(self.up_deep(self.deep(d)), 2))
        h = h + functional.pixel_shuffle(self.up(m), 2)
        change = (torch.sigmoid(self.gate(h)) - 1) * noisy + self.frame(h)
        return Denoised(h, noisy + trust(sigma) * change)


class Booster(nn.Module):
    """D(2), D(3): what is still to be mended, x(k) = x(k-1) + t * (g * (y - x(k-1)) + f).

    The strengthened input of SOS boosting with learned weights. The denoiser before has seen the
    neighbourhood already; its features are taken over, and work goes on at 1/2, where detail is.
    units: how many residual units it has.
    """

    def __init__(self, config: RtConfig, classes: int, units: int) -> None:
        super().__init__()
        fine = config.denoiser_fine
        self.enter = nn.Conv2d(2 * PACKED, fine, 1)
        self.noise = nn.Conv2d(NOISE_MAPS, fine, 1, bias=False)
        self.steer = SFT(classes, fine, finer=2)
        self.units = nn.Sequential(*[Residual(fine) for _ in range(units)])
        self.frame = nn.Conv2d(fine, PACKED, 1)
        self.gate = nn.Conv2d(fine, PACKED, 1)

    def forward(
        self, noisy: Tensor, probabilities: Tensor, sigma: Tensor, before: Denoised
    ) -> Denoised:
        """The next estimate of packed frames [N, 12, h, w], from the one before.

        probabilities and sigma: as `Denoiser` takes them.
        """
        both = torch.cat([noisy, before.estimate], dim=1)
        h = before.features + self.enter(both) + self.noise(sigma)
        h = self.units(self.steer(h, probabilities))
        change = torch.sigmoid(self.gate(h)) * (noisy - before.estimate) + self.frame(h)
        return Denoised(h, before.estimate + trust(sigma) * change)

    @torch.no_grad()
    def start(self) -> None:
        """Begin with the estimate and the features of the denoiser before."""
        own = (self.enter, self.noise, self.steer.scale, self.steer.shift, self.frame, self.gate)
        for layer in own:
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        assert self.gate.bias is not None
        nn.init.constant_(self.gate.bias, -5.0)
