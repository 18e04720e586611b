"""Pictures that lie on surfaces of the street, kept at several resolutions."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.video.frame import Image, Labels

Field = NDArray[np.float32]
"""A scalar field: float32 [H, W]."""


def noise(rng: np.random.Generator, height: int, width: int, cell: float, octaves: int) -> Field:
    """Smooth random field [height, width], mean about 0, standard deviation about 1.

    cell: size in pixels of the coarsest features; each octave halves it and its weight.
    """
    total = np.zeros((height, width), np.float32)
    weight, power = 1.0, 0.0
    if cell >= 16 and octaves > 2 and min(height, width) >= 64:
        # The smooth octaves look the same made small and enlarged, and cost a sixteenth.
        smooth = max(1, min(octaves - 1, int(np.log2(cell)) - 2))
        small = noise(rng, -(-height // 4), -(-width // 4), cell / 4, smooth)
        total = np.asarray(cv2.resize(small, (width, height)), np.float32)
        weight = 0.5**smooth
        power = sum(0.25**i for i in range(smooth))
        total *= np.float32(np.sqrt(power) / 1.3)
        octaves, cell = octaves - smooth, cell * weight
    for _ in range(octaves):
        rows, columns = max(2, round(height / cell)), max(2, round(width / cell))
        coarse = rng.standard_normal((min(rows, height), min(columns, width)), np.float32)
        fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        cv2.scaleAdd(fine, weight, total, dst=total)
        power += weight * weight
        weight, cell = weight / 2, max(1.0, cell / 2)
    total *= np.float32(1.3 / np.sqrt(power))
    return total


def tint(base: tuple[float, float, float] | NDArray[np.float64], field: Field) -> Field:
    """Colour picture float32 [H, W, 3]: base (0..255) made brighter by field (1 keeps it)."""
    red, green, blue = (float(part) for part in base)
    picture = cv2.merge((field * red, field * green, field * blue))
    return np.asarray(picture, np.float32)


def to_image(picture: NDArray[np.float32]) -> Image:
    """Rounded and clipped uint8 copy of a float picture."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(picture, 0)), np.uint8)


class Texture:
    """A picture with mip levels, halved separately along each axis.

    colour: uint8 [H, W, 3] RGB. cover: uint8 [H, W], 255 where opaque; None: opaque throughout.
    """

    def __init__(self, colour: Image, cover: Labels | None = None) -> None:
        self.height, self.width = colour.shape[:2]
        self.mean = np.array(cv2.mean(colour)[:3])
        self.edge = np.array(cv2.mean(colour[: max(1, self.height // 40)])[:3])
        self._hide: Labels | None = None
        if cover is None:
            self._colour = colour
        else:
            thick = cv2.cvtColor(cover, cv2.COLOR_GRAY2RGB)
            self._colour = np.asarray(cv2.multiply(colour, thick, scale=1 / 255), np.uint8)
            self._hide = 255 - cover
        self._outlines: dict[tuple[int, int], Labels] = {}
        self._levels: dict[tuple[int, int], tuple[Image, Labels | None]] = {}

    @property
    def opaque(self) -> bool:
        """Whether the picture hides all that is behind it."""
        return self._hide is None

    def level(self, across: int, down: int) -> tuple[Image, Labels | None]:
        """The picture halved so many times, and what it lets through (None when opaque).

        The colour is premultiplied; the second picture (uint8 [H, W]) is 255 where nothing hides
        the background. Opaque pictures carry one more column on both sides, so that quads which
        share an edge leave no gap.
        """
        key = (min(across, 12), min(down, 12))
        if key not in self._levels:
            size = (max(1, self.width >> key[0]), max(1, self.height >> key[1]))
            small = cv2.resize(self._colour, size, interpolation=cv2.INTER_AREA)
            colour = np.asarray(small, np.uint8)
            if self._hide is None:
                padded = cv2.copyMakeBorder(colour, 0, 0, 1, 1, cv2.BORDER_REPLICATE)
                self._levels[key] = (np.asarray(padded, np.uint8), None)
            else:
                hide = cv2.resize(self._hide, size, interpolation=cv2.INTER_AREA)
                self._levels[key] = (colour, np.asarray(hide, np.uint8))
        return self._levels[key]

    def outline(self, across: int, down: int) -> Labels:
        """What belongs to the thing shown, small gaps included: uint8 [H, W], 0 or 255.

        As large as the picture that `level` gives. Gaps between leaves count as tree, as they do
        in labels drawn by hand.
        """
        key = (min(across, 12), min(down, 12))
        if key not in self._outlines:
            colour, hide = self.level(*key)
            if hide is None:
                raise ValueError("an opaque texture has no outline")
            gap = max(1, colour.shape[1] // 24)
            shown = np.asarray(cv2.blur(hide, (gap, gap))) < 175
            self._outlines[key] = np.where(shown, 255, 0).astype(np.uint8)
        return self._outlines[key]
