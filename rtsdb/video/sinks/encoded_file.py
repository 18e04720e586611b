"""What the sinks that write one video file have in common."""

from __future__ import annotations

from pathlib import Path

from rtsdb.video.frame import FrameResult
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sinks.container_file import ContainerFile
from rtsdb.video.sinks.encoding import LabelEncoding, ViewEncoding


class EncodedFileSink(Sink):
    """Writes what an encoding makes of each frame into a file; `open` sets both."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._encoding: ViewEncoding | LabelEncoding | None = None
        self._file: ContainerFile | None = None

    def write(self, result: FrameResult) -> bool:
        """Encode a frame; RtsdbError when the disk is full or the encoder fails."""
        assert self._file is not None, "open comes before write"
        assert self._encoding is not None
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
