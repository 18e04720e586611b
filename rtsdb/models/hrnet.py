"""HRNetV2 for segmentation: branches at 1/4 to 1/32 that keep exchanging what they found.

Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", TPAMI 2020,
arXiv 1908.07919. Parts are named as in the authors' HRNet-Semantic-Segmentation, so that the
tensors of their weights (and of those derived from them) keep their names here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsdb.models.presets import HRNetConfig
from rtsdb.models.upsample import upsample


def conv_bn(inputs: int, out: int, kernel: int, stride: int = 1, *, relu: bool) -> nn.Sequential:
    """Convolution without bias, batch normalisation and, if asked for, ReLU."""
    conv = nn.Conv2d(inputs, out, kernel, stride, kernel // 2, bias=False)
    layers: list[nn.Module] = [conv, nn.BatchNorm2d(out)]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


class BasicBlock(nn.Module):
    """relu(x + two 3x3 convolutions)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Features [N, C, h, w] to the same shape."""
        h = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(x + self.bn2(self.conv2(h)))


class Bottleneck(nn.Module):
    """relu(x + 1x1, 3x3 and 1x1 convolutions), four times as wide outside as inside."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        out = 4 * channels
        self.conv1 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = conv_bn(inputs, out, 1, relu=False) if inputs != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Features [N, inputs, h, w] to [N, 4 * channels, h, w]."""
        h = functional.relu(self.bn1(self.conv1(x)))
        h = functional.relu(self.bn2(self.conv2(h)))
        return functional.relu(self.downsample(x) + self.bn3(self.conv3(h)))


class Exchange(nn.Module):
    """One module of a stage: basic blocks per branch, then every branch adds all others."""

    def __init__(self, channels: Sequence[int], units: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [nn.Sequential(*[BasicBlock(c) for _ in range(units)]) for c in channels]
        )
        self.fuse_layers = nn.ModuleList(
            [
                nn.ModuleList([_path(channels, source, target) for source in range(len(channels))])
                for target in range(len(channels))
            ]
        )

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        """Features per branch, [N, channels[i], h / 2**i, w / 2**i], to the same shapes."""
        xs = [branch(x) for branch, x in zip(self.branches, xs, strict=True)]
        fused = []
        for target, paths in enumerate(self.fuse_layers):
            assert isinstance(paths, nn.ModuleList)
            total = paths[0](xs[0])
            for source in range(1, len(xs)):
                h = paths[source](xs[source])
                total = total + (upsample(h, 2 ** (source - target)) if source > target else h)
            fused.append(functional.relu(total))
        return fused


def _path(channels: Sequence[int], source: int, target: int) -> nn.Module:
    """From one branch to another: 1x1 (and enlarged later), as it is, or 3x3 with stride 2."""
    inputs, out = channels[source], channels[target]
    if source > target:
        return conv_bn(inputs, out, 1, relu=False)
    if source == target:
        return nn.Identity()
    steps = [conv_bn(inputs, inputs, 3, 2, relu=True) for _ in range(target - source - 1)]
    return nn.Sequential(*steps, conv_bn(inputs, out, 3, 2, relu=False))


class HRNet(nn.Module):
    """Class logits at 1/4 of a picture."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: HRNetConfig, classes: int) -> None:
        super().__init__()
        stem, channels = config.stem, config.channels
        self.register_buffer("mean", torch.tensor(config.mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(config.std)[:, None, None], persistent=False)
        self.conv1 = nn.Conv2d(3, stem, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.conv2 = nn.Conv2d(stem, stem, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(stem)
        inputs = [stem] + [4 * stem] * (config.bottlenecks - 1)
        self.layer1 = nn.Sequential(*[Bottleneck(c, stem) for c in inputs])
        self.transition1 = _transition([4 * stem], channels[:2])
        self.stage2 = _stage(channels[:2], config.modules[0], config.units)
        self.transition2 = _transition(channels[:2], channels[:3])
        self.stage3 = _stage(channels[:3], config.modules[1], config.units)
        self.transition3 = _transition(channels[:3], channels)
        self.stage4 = _stage(channels, config.modules[2], config.units)
        self.last_layer = nn.Sequential(
            nn.Conv2d(sum(channels), sum(channels), 1),
            nn.BatchNorm2d(sum(channels)),
            nn.ReLU(),
            nn.Conv2d(sum(channels), classes, 1),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.001)

    def forward(self, picture: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in 0..1, H and W multiples of 32, to [N, classes, H/4, W/4]."""
        x = (picture - self.mean) / self.std
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        xs = [self.layer1(x)]
        for transition, stage in (
            (self.transition1, self.stage2),
            (self.transition2, self.stage3),
            (self.transition3, self.stage4),
        ):
            last = len(xs) - 1
            xs = [path(xs[min(index, last)]) for index, path in enumerate(transition)]
            xs = stage(xs)
        scales = [xs[0], *(upsample(x, 2**index) for index, x in enumerate(xs) if index)]
        logits: Tensor = self.last_layer(torch.cat(scales, 1))
        return logits


def _transition(before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
    """Into the branches of a stage: new channels where they change, stride 2 to the new branch."""
    paths: list[nn.Module] = []
    for index, out in enumerate(after):
        if index == len(before):
            paths.append(nn.Sequential(conv_bn(before[-1], out, 3, 2, relu=True)))
        elif before[index] != out:
            paths.append(conv_bn(before[index], out, 3, relu=True))
        else:
            paths.append(nn.Identity())
    return nn.ModuleList(paths)


def _stage(channels: Sequence[int], modules: int, units: int) -> nn.Sequential:
    return nn.Sequential(*[Exchange(channels, units) for _ in range(modules)])
