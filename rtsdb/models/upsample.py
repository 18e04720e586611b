"""How every network enlarges feature maps."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def upsample(x: Tensor, factor: int) -> Tensor:
    """`factor` times the height and width, bilinear, pixel centres aligned (not the corners)."""
    return functional.interpolate(
        x, scale_factor=float(factor), mode="bilinear", align_corners=False
    )
