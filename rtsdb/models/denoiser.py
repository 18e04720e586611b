"""The real-time denoiser: a three-level U-Net from 1/2 to 1/8, steered by class probabilities."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsdb.models.packing import NOISE_MAPS, PACKED
from rtsdb.models.presets import RtConfig


class Residual(nn.Module):
    """x + conv1x1(relu(conv3x3(x))): no activation after the sum, which would die in training."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features [N, C, h, w] to the same shape."""
        h: Tensor = self.mix(functional.relu(self.conv(x)))
        return x + h


class SFT(nn.Module):
    """Spatial feature transform: x * (1 + scale) + shift (Wang et al., CVPR 2018).

    scale and shift come from the condition (class probabilities) through two 1x1 convolutions.
    """

    def __init__(self, condition: int, channels: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(condition, 16, 1)
        self.scale = nn.Conv2d(16, channels, 1)
        self.shift = nn.Conv2d(16, channels, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Features [N, C, h, w] and condition [N, classes, h, w] to features."""
        h = functional.relu(self.embed(condition))
        out: Tensor = x * (1 + self.scale(h)) + self.shift(h)
        return out


class Denoiser(nn.Module):
    """The next estimate of the frame: x(k) = (1 - g) * x(k-1) + g * y + f, with x(0) = 0.

    The gate g in (0, 1) and the frame part f are predicted from y and x(k-1) together, which is
    the strengthened input of SOS boosting with learned weights; all are packed frames.
    follows: whether a denoiser stands before this one, whose estimate and features are inputs.
    """

    def __init__(self, config: RtConfig, classes: int, *, follows: bool) -> None:
        super().__init__()
        fine, c, deep = config.denoiser_fine, config.denoiser, config.denoiser_deep
        self.enter = nn.Conv2d(PACKED, fine, 3, padding=1)
        self.noise = nn.Conv2d(NOISE_MAPS, fine, 1, bias=False)
        self.estimate = nn.Conv2d(PACKED, fine, 1, bias=False) if follows else None
        self.carry = nn.Conv2d(fine, fine, 1, bias=False) if follows else None
        self.down = nn.Conv2d(fine, c, 2, 2)
        self.steer = SFT(classes, c)
        self.middle = Residual(c)
        self.down_deep = nn.Conv2d(c, deep, 2, 2)
        self.steer_deep = SFT(classes, deep)
        self.deep = nn.Sequential(*[Residual(deep) for _ in range(config.depth)])
        self.up_deep = nn.Conv2d(deep, 4 * c, 1)
        self.up = nn.Conv2d(c, 4 * fine, 1)
        self.after = nn.Conv2d(fine, fine, 3, padding=1)
        self.frame = nn.Conv2d(fine, PACKED, 1)
        self.gate = nn.Conv2d(fine, PACKED, 1)
        with torch.no_grad():
            self.enter.weight[:, :: PACKED // 3] *= 0.5  # means vary more than differences

    def forward(
        self,
        noisy: Tensor,
        estimate: Tensor | None,
        probabilities: Tensor,
        sigma: Tensor,
        carried: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """The estimate [N, 12, h, w] of block k, and features [N, C, h, w] for block k+1.

        noisy, estimate: packed frames; probabilities: [N, classes, h/2, w/2]; sigma: noise maps
        [N, 2, h, w]; carried: the features of the block before.
        """
        h = self.enter(noisy) + self.noise(sigma)
        if self.estimate is not None and self.carry is not None:
            h = h + self.estimate(estimate) + self.carry(carried)
        h = functional.relu(h)
        m = self.middle(self.steer(self.down(h), probabilities))
        d = self.steer_deep(self.down_deep(m), functional.avg_pool2d(probabilities, 2))
        m = m + functional.pixel_shuffle(self.up_deep(self.deep(d)), 2)
        h = h + functional.pixel_shuffle(self.up(m), 2)
        h = h + functional.relu(self.after(h))
        gate = torch.sigmoid(self.gate(h))
        if estimate is None:
            return gate * noisy + self.frame(h), h
        return estimate + gate * (noisy - estimate) + self.frame(h), h
