"""A folder of PNG files as a sink."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.ffmpeg_errors import reason
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.base import Sink

_PICTURES = "denoised"
_LABELS = "labels"


class PngDirSink(Sink):
    """Writes `denoised/000000.png` (8-bit RGB) and `labels/000000.png` for each frame.

    A label file is 8-bit grey whose values are the class ids themselves (255: no label), so it
    looks nearly black. The number is the frame's place in the source: a gap is a dropped frame.
    """

    wants_view = False

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._written = 0

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Make the folders.

        Raises UsageError when they cannot be made, or hold images already: those of a longer
        run would be taken for this one's.
        """
        for name in (_PICTURES, _LABELS):
            folder = self._folder / name
            try:
                folder.mkdir(parents=True, exist_ok=True)
                used = next(folder.glob("*.png"), None)
            except OSError as error:
                raise UsageError(
                    f"{folder}: cannot be made ({reason(error)}); "
                    "choose a folder that you may write to"
                ) from error
            if used is not None:
                raise UsageError(f"{folder}: holds images already; choose a new folder or empty it")

    def write(self, result: FrameResult) -> bool:
        """Write both images of one frame; RtsdbError when the disk is full."""
        name = f"{result.stamp.index:06d}.png"
        bgr = cv2.cvtColor(result.denoised, cv2.COLOR_RGB2BGR)
        self._save(self._folder / _PICTURES / name, np.asarray(bgr, np.uint8))
        self._save(self._folder / _LABELS / name, result.labels)
        self._written += 1
        return True

    @property
    def location(self) -> str | None:
        """The folder's path."""
        return str(self._folder)

    def _save(self, path: Path, image: NDArray[np.uint8]) -> None:
        # Encoded in memory, because cv2.imwrite does not say why it failed. Level 1: speed.
        _, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        try:
            path.write_bytes(data.tobytes())
        except OSError as error:
            path.unlink(missing_ok=True)
            raise RtsdbError(
                f"{path}: writing failed ({reason(error)}); {self._written} frames are complete, "
                "make room and run again"
            ) from error
