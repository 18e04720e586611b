"""The label maps of a video as a folder of images."""

from __future__ import annotations

from pathlib import Path

from rtsdb.classes import ClassSet
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.base import Picture, Sink
from rtsdb.video.sinks.image_dir import make_image_folder, write_image
from rtsdb.video.sinks.indexed_png import indexed_png


class LabelDirSink(Sink):
    """Writes `000000.png` for each frame: class ids with the palette of the class set.

    The number is the frame's place in the source: a gap is a dropped frame.
    """

    uses: frozenset[Picture] = frozenset({"labels"})

    def __init__(self, folder: str | Path, classes: ClassSet) -> None:
        self._folder = Path(folder)
        self._classes = classes
        self._written = 0

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Make the folder; UsageError where that cannot be, or it holds images already."""
        make_image_folder(self._folder)

    def write(self, result: FrameResult) -> bool:
        """Write one map; RtsdbError when the disk is full."""
        path = self._folder / f"{result.stamp.index:06d}.png"
        write_image(indexed_png(result.labels, self._classes), path, self._written)
        self._written += 1
        return True

    @property
    def location(self) -> str | None:
        """The folder."""
        return str(self._folder)
