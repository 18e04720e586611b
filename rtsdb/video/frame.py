"""One frame on its way through the pipeline, and what a source says about its frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rtsdb.noise.level import NoiseLevel

Image = NDArray[np.uint8]
"""A picture: uint8 [H, W, 3], RGB, values 0..255."""

Labels = NDArray[np.uint8]
"""A label map: uint8 [H, W], class ids, 255 where there is no label."""


@dataclass(frozen=True)
class SourceInfo:
    """What a source knows before its first frame.

    width, height: pixels. rate: frames per second where the source has one. frames: how many
    frames it will give, about, where that is known. live: a camera, whose frames do not wait.
    truth: whether `Source.read_truth` gives ground-truth labels. files: the files that are read,
    which no sink may write to. pixel_aspect: width of a pixel, as it is shown, over its height.
    """

    name: str
    width: int
    height: int
    rate: Fraction | None = None
    frames: int | None = None
    live: bool = False
    truth: bool = False
    files: tuple[str, ...] = ()
    pixel_aspect: Fraction = Fraction(1)


@dataclass(frozen=True)
class Stamp:
    """Place of a frame in its source: running number and presentation time.

    pts counts units of time_base (seconds): the frame is shown at pts * time_base. arrived: the
    `perf_counter` at which a live source got the picture; None where frames wait to be read.

    >>> float(Stamp(index=3, pts=1001, time_base=Fraction(1, 30000)).seconds)
    0.03336666666666667
    """

    index: int
    pts: int
    time_base: Fraction
    arrived: float | None = field(default=None, compare=False, repr=False)

    @property
    def seconds(self) -> Fraction:
        """Presentation time in seconds, exact."""
        return self.pts * self.time_base


@dataclass
class FrameResult:
    """A finished frame as a sink receives it.

    The arrays belong to the pipeline and are written again after `Sink.write` returns: a sink
    that keeps them makes a copy. view is None for a sink that asked for none. noise: the level
    that the engine was told. latency: seconds by stage of the frame's way so far.
    """

    stamp: Stamp
    noisy: Image
    denoised: Image
    labels: Labels
    view: Image | None = None
    noise: NoiseLevel | None = None
    latency: Mapping[str, float] | None = None
