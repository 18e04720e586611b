"""The frames that are measured with: held in memory, and as a source for the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import cv2
import numpy as np

from rtsdb.data.noise_models import GaussianNoise, NoiseSimulator
from rtsdb.errors import UsageError
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources import open_source
from rtsdb.video.sources.base import Source
from rtsdb.video.sources.demo import DemoSource
from rtsdb.video.sources.stdin import STDIN

SIGMA = 25.0
"""Standard deviation of the noise on drawn frames, in grey levels."""

DEMO = "demo"
DEMO_SIZE = (2048, 1024)

HELD = 8
"""Frames that are held in memory: together more than a processor's caches hold."""

_TICK = Fraction(1, 30)  # seconds from a frame to the next, for the output file


class MemorySource(Source):
    """Frames that lie in memory, round and round: reading one is copying it.

    frames: uint8 [H, W, 3], all of one size. count: how many to give, None for no end.

    >>> source = MemorySource([np.full((64, 96, 3), grey, np.uint8) for grey in (1, 2)], count=3)
    >>> image = np.empty((64, 96, 3), np.uint8)
    >>> [(source.read(image).index, int(image[0, 0, 0])) for _ in range(3)], source.read(image)
    ([(0, 1), (1, 2), (2, 1)], None)
    """

    def __init__(self, frames: Sequence[Image], count: int | None = None) -> None:
        height, width = frames[0].shape[:2]
        self.info = SourceInfo("frames in memory", width, height, 1 / _TICK, count)
        self._frames = frames
        self._next = 0
        self._stopped = False

    def read(self, into: Image) -> Stamp | None:
        """Copy the next frame."""
        if self._stopped or self._next == self.info.frames:
            return None
        into[:] = self._frames[self._next % len(self._frames)]
        self._next += 1
        return Stamp(self._next - 1, self._next - 1, _TICK)

    def interrupt(self) -> None:
        """Give no more frames."""
        self._stopped = True


class FileSource(Source):
    """A file's frames, cut to the shape of `size` = (width, height) and scaled to it, in a loop.

    path: a video, an image, a folder or anything else that `open_source` reads and can open
    again: at its end it is opened anew, which counts to the reading of the frame that follows.
    Raises what the file's own source raises.
    """

    def __init__(self, path: str, size: tuple[int, int]) -> None:
        self._path, self._size = path, size
        self._stopped = False
        self._next = 0
        self._source = open_source(path)
        info = self._source.info
        self._image = np.empty((info.height, info.width, 3), np.uint8)
        # Without its files: their sound is not copied, for it would not last as long as the frames.
        self.info = replace(info, width=size[0], height=size[1], frames=None, files=())

    def read(self, into: Image) -> Stamp | None:
        """Decode the next frame, and bring it to the size."""
        fits = self._image.shape == into.shape
        image = into if fits else self._image
        if not self._stopped and self._source.read(image) is None:
            self._source.close()
            self._source = open_source(self._path)
            self._source.read(image)
        if self._stopped:
            return None
        if not fits:
            into[:] = cut_and_scale(image, self._size)
        self._next += 1
        return Stamp(self._next - 1, self._next - 1, _TICK)

    def interrupt(self) -> None:
        """Give no more frames."""
        self._stopped = True

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._source.close()


@dataclass(frozen=True)
class Footage:
    """Frames of one size. held: uint8 [H, W, 3], in memory. open: a source of them without end."""

    held: Sequence[Image]
    open: Callable[[], Source]


def find_size(source: str) -> tuple[int, int]:
    """Width and height that --source has by itself; raises UsageError for what is no file.

    >>> find_size("demo")
    (2048, 1024)
    """
    if source == DEMO:
        return DEMO_SIZE
    if source != STDIN:
        with open_source(source) as opened:
            if not opened.info.live:
                return opened.info.width, opened.info.height
    raise UsageError(f"--source {source}: give demo or a file, which can be read again and again")


def load_footage(source: str, size: tuple[int, int]) -> Footage:
    """The frames to measure with. source: 'demo' or a file. size: (width, height).

    The demo's are drawn before anything is measured, for drawing is not part of the pipeline: its
    source copies them from memory. A file is read and decoded anew by its source.
    """
    if source == DEMO:
        held = draw_frames(*size, count=HELD)
        return Footage(held, partial(MemorySource, held))
    with FileSource(source, size) as opened:
        held = [np.empty((size[1], size[0], 3), np.uint8) for _ in range(HELD)]
        for frame in held:
            opened.read(frame)
    return Footage(held, partial(FileSource, source, size))


def draw_frames(width: int, height: int, count: int) -> list[Image]:
    """Frames uint8 [height, width, 3] of the demo street, with noise of `SIGMA`."""
    simulator, frames = NoiseSimulator(GaussianNoise.awgn(SIGMA), seed=0), []
    with DemoSource(width=width, height=height, frames=count) as source:
        for index in range(count):
            frame = np.empty((height, width, 3), np.uint8)
            source.read(frame)
            simulator.apply(frame, frame, index)
            frames.append(frame)
    return frames


def cut_and_scale(image: Image, size: tuple[int, int]) -> Image:
    """The largest middle part of `image` [H, W, 3] with the shape of `size`, scaled to it.

    >>> cut_and_scale(np.arange(8, dtype=np.uint8).reshape(1, 8, 1).repeat(3, 2), (2, 1))[0, :, 0]
    array([3, 4], dtype=uint8)
    """
    height, width = image.shape[:2]
    wide = min(width, max(1, round(height * size[0] / size[1])))
    high = min(height, max(1, round(width * size[1] / size[0])))
    top, left = (height - high) // 2, (width - wide) // 2
    way = cv2.INTER_AREA if size[0] < wide else cv2.INTER_LINEAR
    part = image[top : top + high, left : left + wide]
    return np.asarray(cv2.resize(part, size, interpolation=way), np.uint8)
