"""A folder of image files as a sink."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.files import write_bytes
from rtsdb.video.ffmpeg_errors import reason
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.base import Picture, Sink

_PICTURES = "denoised"
_LABELS = "labels"

# PNG at level 1, for speed.
_ENCODING = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
}
IMAGE_ENDINGS = tuple(_ENCODING)
"""File name endings that pictures can have."""


class ImageDirSink(Sink):
    """Writes `denoised/000000.png` or `.jpg` (8-bit RGB) and `labels/000000.png` for each frame.

    A label file is 8-bit grey whose values are the class ids themselves (255: no label), so it
    looks nearly black. The number is the frame's place in the source: a gap is a dropped frame.
    JPEG is of quality 95.
    """

    uses: frozenset[Picture] = frozenset({"denoised", "labels"})

    def __init__(self, folder: str | Path, ending: str = ".png") -> None:
        """ending: of the pictures, one of IMAGE_ENDINGS."""
        self._folder = Path(folder)
        self._ending = ending
        self._written = 0

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Make the folders; UsageError where that cannot be, or they hold images already."""
        for name in (_PICTURES, _LABELS):
            make_image_folder(self._folder / name)

    def write(self, result: FrameResult) -> bool:
        """Write both images of one frame; RtsdbError when the disk is full."""
        name = f"{result.stamp.index:06d}"
        bgr = np.asarray(cv2.cvtColor(result.denoised, cv2.COLOR_RGB2BGR), np.uint8)
        picture = self._folder / _PICTURES / (name + self._ending)
        write_image(encoded(bgr, self._ending), picture, self._written)
        labels = self._folder / _LABELS / (name + ".png")
        write_image(encoded(result.labels, ".png"), labels, self._written)
        self._written += 1
        return True

    @property
    def location(self) -> str | None:
        """The folder's path."""
        return str(self._folder)


def encoded(image: NDArray[np.uint8], ending: str) -> bytes:
    """An image file's content: uint8 [H, W] grey, or [H, W, 3] in OpenCV's order BGR."""
    # Encoded in memory, because cv2.imwrite does not say why it failed.
    _, data = cv2.imencode(ending, image, _ENCODING[ending])
    return data.tobytes()


def make_image_folder(folder: Path) -> None:
    """Make a folder for this run's images.

    Raises UsageError when it cannot be made, or holds images already: those of a longer run
    would be taken for this one's.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        used = any(next(folder.glob("*" + ending), None) for ending in IMAGE_ENDINGS)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be made ({reason(error)}); choose a folder that you may write to"
        ) from error
    if used:
        raise UsageError(f"{folder}: holds images already; choose a new folder or empty it")


def write_image(content: bytes, path: Path, frames: int) -> None:
    """Write an image file, whole or not at all; RtsdbError says that `frames` are complete."""
    try:
        write_bytes(content, path)
    except RtsdbError as error:
        raise RtsdbError(
            f"{error}; {frames} frames are complete, make room and run again"
        ) from error
