"""Still images as a source: one file, a folder of them, or those a pattern matches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources.base import Source

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
"""File name endings, in lower case, that count as images."""

IMAGE_RATE = Fraction(25)
"""Nominal frames per second of a row of images, which carry no times of their own."""


class ImageSource(Source):
    """Shows image files in the order given, each one frame at 25 frames per second.

    All must have the size of the first. Grey images become RGB, 16-bit ones 8-bit, alpha is
    dropped, an EXIF rotation is applied. Raises RtsdbError for an image that cannot be read:
    the first on construction, the others from `read`.
    """

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        self._paths = list(paths)
        self._index = 0
        self._first: Image | None = read_image(self._paths[0])
        height, width = self._first.shape[:2]
        self.info = SourceInfo(name, width, height, IMAGE_RATE, frames=len(self._paths))

    def read(self, into: Image) -> Stamp | None:
        """Write the next image into `into` (uint8 [H, W, 3] RGB, maybe a strided view).

        Returns None after the last. Raises RtsdbError for an image that cannot be read or has
        another size than the first.
        """
        if self._index == len(self._paths):
            return None
        path = self._paths[self._index]
        image, self._first = self._first, None
        if image is None:
            image = read_image(path)
        height, width = image.shape[:2]
        if (width, height) != (self.info.width, self.info.height):
            raise RtsdbError(
                f"{path}: is {width}x{height}, the images before it {self.info.width}x"
                f"{self.info.height}; give images of one size"
            )
        np.copyto(into, image)
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


def images_among(paths: Iterable[Path]) -> list[Path]:
    """The image files among `paths`, numbers within names in order of value.

    >>> [p.name for p in images_among(map(Path, ["f_10.png", "f_2.png", "a.txt", "._f.png"]))]
    ['f_2.png', 'f_10.png']
    """
    images = (p for p in paths if p.suffix.lower() in IMAGE_SUFFIXES and p.name[0] != ".")
    return sorted(images, key=_natural_key)


def images_in(folder: Path) -> list[Path]:
    """The images of a folder (not of folders below it) in natural order.

    Raises UsageError when there is none, or the folder cannot be listed.
    """
    try:
        inside = list(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder}: cannot be listed ({error.strerror})") from error
    images = images_among(inside)
    if not images:
        endings = ", ".join(sorted(IMAGE_SUFFIXES))
        what = f"among its {len(inside)} entries" if inside else "it is empty"
        raise UsageError(f"{folder}: no images in this folder ({what}); looked for {endings}")
    return images


def _natural_key(path: Path) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", str(path))
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
