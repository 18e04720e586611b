"""The real-time denoiser: a three-level U-Net from 1/2 to 1/8, steered by class probabilities."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsdb.models.packing import NOISE_MAPS, PACKED
from rtsdb.models.presets import RtConfig
from rtsdb.models.residual import Residual


class Pyramid(NamedTuple):
    """Features that a denoiser leaves for the next: at 1/2, 1/4 and 1/8 of the frame."""

    fine: Tensor
    middle: Tensor
    deep: Tensor


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
        # Features that are carried on know the neighbourhood of y already.
        side = 1 if follows else 3
        self.enter = nn.Conv2d(PACKED, fine, side, padding=side // 2)
        self.noise = nn.Conv2d(NOISE_MAPS, fine, 1, bias=False)
        self.estimate = nn.Conv2d(PACKED, fine, 1, bias=False) if follows else None
        self.carry = (
            nn.ModuleList([nn.Conv2d(n, n, 1, bias=False) for n in (fine, c, deep)])
            if follows
            else None
        )
        self.down = nn.Conv2d(fine, c, 2, 2)
        self.steer = SFT(classes, c)
        self.down_deep = nn.Conv2d(c, deep, 2, 2)
        self.steer_deep = SFT(classes, deep)
        self.deep = nn.Sequential(*[Residual(deep) for _ in range(config.deep_depth)])
        self.up_deep = nn.Conv2d(deep, 4 * c, 1)
        self.middle = Residual(c)
        self.up = nn.Conv2d(c, 4 * fine, 1)
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
        carried: Pyramid | None,
    ) -> tuple[Tensor, Pyramid]:
        """The estimate [N, 12, h, w] of block k, and features for block k+1.

        noisy, estimate: packed frames; probabilities: [N, classes, h/2, w/2]; sigma: noise maps
        [N, 2, h, w]; carried: the features of the block before.
        """
        h = self.enter(noisy) + self.noise(sigma)
        if self.estimate is not None:
            h = h + self.estimate(estimate)
        h = functional.relu(self._with_carried(h, carried, 0))
        m = self._with_carried(self.down(h), carried, 1)
        m = self.steer(m, probabilities)
        d = self._with_carried(self.down_deep(m), carried, 2)
        d = self.deep(self.steer_deep(d, functional.avg_pool2d(probabilities, 2)))
        m = self.middle(m + functional.pixel_shuffle(self.up_deep(d), 2))
        h = h + functional.pixel_shuffle(self.up(m), 2)
        gate = torch.sigmoid(self.gate(h))
        if estimate is None:
            found = gate * noisy + self.frame(h)
        else:
            found = estimate + gate * (noisy - estimate) + self.frame(h)
        return found, Pyramid(h, m, d)

    def _with_carried(self, x: Tensor, carried: Pyramid | None, level: int) -> Tensor:
        """Features of one level, with those of the block before added."""
        if self.carry is None or carried is None:
            return x
        out: Tensor = x + self.carry[level](carried[level])
        return out

    @torch.no_grad()
    def start_after(self, before: Denoiser) -> None:
        """Begin with the layers and the features of the denoiser before, and with its estimate."""
        own = self.state_dict()
        copied = {k: v for k, v in before.state_dict().items() if own[k].shape == v.shape}
        self.load_state_dict(copied, strict=False)
        assert self.carry is not None
        assert self.estimate is not None
        assert self.enter.bias is not None
        assert self.frame.bias is not None
        assert self.gate.bias is not None
        for weight in self.carry.parameters():
            nn.init.dirac_(weight)
        for layer in (self.enter, self.noise, self.estimate, self.frame, self.gate):
            nn.init.zeros_(layer.weight)
        for bias in (self.enter.bias, self.frame.bias):
            nn.init.zeros_(bias)
        nn.init.constant_(self.gate.bias, -5.0)
