"""The label maps of a video, without loss, as a video."""

from __future__ import annotations

from pathlib import Path

from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.base import Picture, Sink
from rtsdb.video.sinks.container_file import ContainerFile
from rtsdb.video.sinks.encoding import LabelEncoding


class LabelVideoSink(Sink):
    """Writes the class ids, as `LabelEncoding` has them, into an .mkv, as `ContainerFile` does.

    Every frame decodes by itself to uint8 [H, W], the ids unchanged (255: no label).
    """

    uses: frozenset[Picture] = frozenset({"labels"})

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._file: ContainerFile | None = None

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Create the file, for maps of the source's size; UsageError where that cannot be."""
        self._encoding = LabelEncoding(source)
        self._file = ContainerFile(self._path, source, self._encoding.add_stream)

    def write(self, result: FrameResult) -> bool:
        """Write `result.labels`; RtsdbError when the disk is full."""
        assert self._file is not None, "open comes before write"
        self._file.write(self._encoding.frame(result), result.stamp)
        return True

    def close(self) -> None:
        """Finish the file and give it its name; RtsdbError when that fails."""
        if self._file is not None:
            self._file.close()

    @property
    def location(self) -> str | None:
        """The file's path."""
        return str(self._path)
