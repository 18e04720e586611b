"""Still images as a source: one file, or a row of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from rtsdb.errors import RtsdbError
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources.base import FrameSizeChanged, Source
from rtsdb.watchdog import Watchdog

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
"""File name endings, in lower case, that count as images."""

IMAGE_RATE = Fraction(25)
"""Nominal frames per second of a row of images, which carry no times of their own."""


class ImageSource(Source):
    """Shows image files in the order given, each one frame at 25 frames per second.

    Grey images become RGB, 16-bit ones 8-bit, alpha is dropped, an EXIF rotation is applied.
    Raises RtsdbError for an image that cannot be read: the first on construction, the others
    from `read`.
    """

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        self._paths = list(paths)
        self.watchdog = self._reads = Watchdog()
        self._index = 0
        self._pending: Image | None = read_image(self._paths[0])
        height, width = self._pending.shape[:2]
        self.info = SourceInfo(
            name,
            width,
            height,
            IMAGE_RATE,
            frames=len(self._paths),
            files=tuple(map(str, self._paths)),
        )

    def read(self, into: Image) -> Stamp | None:
        """Write the next image into `into` (uint8 [H, W, 3] RGB, maybe a strided view).

        Returns None after the last. Raises RtsdbError for an image that cannot be read,
        FrameSizeChanged before one of another size.
        """
        if self._index == len(self._paths):
            return None
        path = self._paths[self._index]
        with self._reads.call(gives_result=True):
            if self._pending is None:
                self._pending = read_image(path)
        before, (height, width) = self.info, self._pending.shape[:2]
        if (width, height) != (before.width, before.height):
            self.info = replace(before, width=width, height=height)
            raise FrameSizeChanged(
                f"{path}: is {width}x{height}, the images before it {before.width}x"
                f"{before.height}; give images of one size",
                self.info,
            )
        np.copyto(into, self._pending)
        self._pending = None
        stamp = Stamp(self._index, self._index, 1 / IMAGE_RATE)
        self._index += 1
        return stamp


def read_image(path: Path) -> Image:
    """Image file as uint8 [H, W, 3] RGB; RtsdbError names a file that cannot be read."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise RtsdbError(f"{path}: cannot be read ({error.strerror})") from error
    # OpenCV would print the error that is raised below.
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:
        image = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if image is None:
        raise RtsdbError(f"{path}: cannot be read as an image; replace it or take it out")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
