"""A drawn drive through a street as a source of frames with ground truth."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rtsdb.data.street import Street
from rtsdb.video.frame import Image, Labels, SourceInfo, Stamp
from rtsdb.video.sources.base import Source


class DemoSource(Source):
    """Draws its frames: needs no file, and knows the label of every pixel.

    width, height: pixels, 64 or more each. rate: frames per second. frames: how many, None for
    no end. seed: which street. Raises ValueError for a smaller size.

    >>> source = DemoSource(width=96, height=64, frames=2, seed=1)
    >>> image = np.empty((64, 96, 3), np.uint8)
    >>> source.read(image), source.read(image).seconds, source.read(image)
    (Stamp(index=0, pts=0, time_base=Fraction(1, 30)), Fraction(1, 30), None)
    """

    def __init__(
        self,
        width: int = 2048,
        height: int = 1024,
        rate: Fraction = Fraction(30),
        frames: int | None = 120,
        seed: int = 0,
    ) -> None:
        self._street = Street(seed=seed, width=width, height=height)
        self._image = np.empty((height, width, 3), np.uint8)
        self._labels = np.empty((height, width), np.uint8)
        self._tick = 1 / rate
        self._next = 0
        self.info = SourceInfo("demo", width, height, rate, frames, truth=True)

    def read(self, into: Image) -> Stamp | None:
        """Draw the next frame; one tick of its time base is one frame."""
        if self.info.frames is not None and self._next >= self.info.frames:
            return None
        stamp = Stamp(index=self._next, pts=self._next, time_base=self._tick)
        image = into if into.flags.c_contiguous else self._image
        self._street.render(float(stamp.seconds), image, self._labels)
        if image is not into:
            into[...] = image
        self._next += 1
        return stamp

    def read_truth(self, into: Labels) -> bool:
        """Copy the labels of the frame drawn last; False before the first."""
        if self._next == 0:
            return False
        into[...] = self._labels
        return True
