"""The residual unit of the real-time network."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


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
