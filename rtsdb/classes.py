"""The classes a segmenter tells apart: names, colours and the id that marks 'no label'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VOID = 255
"""Label id of pixels that no metric and no loss counts."""


@dataclass(frozen=True)
class ClassSet:
    """Names and RGB colours of the classes 0..n-1 of a data set.

    >>> CAMVID.names[3], CAMVID.palette().shape
    ('road', (256, 3))
    """

    name: str
    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]

    def __len__(self) -> int:
        return len(self.names)

    def palette(self) -> NDArray[np.uint8]:
        """Colour table, uint8 [256, 3] RGB; ids without a class are black."""
        table = np.zeros((256, 3), np.uint8)
        table[: len(self.colours)] = self.colours
        return table


CAMVID = ClassSet(
    "camvid",
    (
        "sky",
        "building",
        "pole",
        "road",
        "pavement",
        "tree",
        "sign",
        "fence",
        "car",
        "pedestrian",
        "bicyclist",
    ),
    (
        (128, 128, 128),
        (128, 0, 0),
        (192, 192, 128),
        (128, 64, 128),
        (60, 40, 222),
        (128, 128, 0),
        (192, 128, 128),
        (64, 64, 128),
        (64, 0, 128),
        (64, 64, 0),
        (0, 128, 192),
    ),
)
"""The 11 CamVid classes and colours of Badrinarayanan et al. (SegNet)."""

CLASS_SETS: dict[str, ClassSet] = {CAMVID.name: CAMVID}
"""The known class sets by name, as weights files refer to them."""
