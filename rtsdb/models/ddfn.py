"""DDFN-SFT: a densely connected denoiser at full resolution, steered by class logits.

Chen et al., "Deep Boosting for Image Denoising", ECCV 2018 (DDFN), with the spatial feature
transforms of Wang et al., CVPR 2018, as Xu et al. (arXiv 2102.12095) put them in.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsdb.models.presets import DDFNConfig


class SFT(nn.Module):
    """Spatial feature transform: x * (1 + scale) + shift, both computed from the condition."""

    def __init__(self, condition: int, channels: int) -> None:
        super().__init__()
        self.scale = _pointwise(condition, 2 * condition, channels)
        self.shift = _pointwise(condition, 2 * condition, channels)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Features [N, channels, h, w] and condition [N, C, h, w] to features."""
        out: Tensor = x * (1 + self.scale(condition)) + self.shift(condition)
        return out


class TwoScales(nn.Module):
    """3x3 convolutions with dilation 1 (near) and 2 (far), each followed by one of the other."""

    def __init__(self, inputs: int, width: int, second: int) -> None:
        super().__init__()
        self.near = _conv(inputs, width, 3)
        self.near_far = _conv(width, second, 3, dilation=2)
        self.far = _conv(inputs, width, 3, dilation=2)
        self.far_near = _conv(width, second, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features [N, C, h, w] to near and near_far, far and far_near."""
        near, far = functional.relu(self.near(x)), functional.relu(self.far(x))
        near_far = functional.relu(self.near_far(near))
        far_near = functional.relu(self.far_near(far))
        return near, near_far, far, far_near


class DenseBlock(nn.Module):
    """Appends `width` new channels to all that was computed before."""

    def __init__(self, inputs: int, config: DDFNConfig) -> None:
        super().__init__()
        width = config.width
        self.sft = SFT(config.condition, inputs)
        self.squeeze = _conv(inputs, 4 * width, 1)
        self.scales = TwoScales(4 * width, width, width // 2)
        self.fuse = _conv(3 * width, width, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Features [N, C, H, W] to [N, C + width, H, W]."""
        h = functional.relu(self.squeeze(self.sft(x, condition)))
        h = functional.relu(self.fuse(torch.cat(self.scales(h), 1)))
        return torch.cat((x, h), 1)


class DDFN(nn.Module):
    """Denoised pictures from noisy ones (strengthened by an estimate) and class logits."""

    def __init__(self, config: DDFNConfig, classes: int) -> None:
        super().__init__()
        c, width = config.condition, config.width
        self.embed = _pointwise(classes, c, 2 * c, 4 * c, 2 * c, c)
        self.head = TwoScales(3, width, width)
        self.blocks = nn.ModuleList(
            [DenseBlock((4 + index) * width, config) for index in range(config.blocks)]
        )
        channels = (4 + config.blocks) * width
        self.sft = SFT(c, channels)
        self.out = nn.Conv2d(channels, 3, 1, bias=False)
        nn.init.normal_(self.out.weight, std=0.001)

    def forward(self, picture: Tensor, logits: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] and logits [N, classes, H, W] to pictures."""
        condition = self.embed(logits)
        near, near_far, far, far_near = self.head(picture)
        h = torch.cat((near, far, far_near, near_far), 1)
        for block in self.blocks:
            h = block(h, condition)
        out: Tensor = self.out(self.sft(h, condition))
        return out


def _pointwise(*channels: int) -> nn.Sequential:
    """1x1 convolutions with LeakyReLU between them."""
    layers: list[nn.Module] = []
    for inputs, out in pairwise(channels):
        layers += [nn.Conv2d(inputs, out, 1), nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers[:-1])


def _conv(inputs: int, out: int, kernel: int, dilation: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size, started for the ReLU that follows it."""
    conv = nn.Conv2d(inputs, out, kernel, padding=kernel // 2 * dilation, dilation=dilation)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
