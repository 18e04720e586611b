"""The label maps of a video, without loss, as a video."""

from __future__ import annotations

from rtsdb.video.frame import SourceInfo
from rtsdb.video.sinks.base import Picture
from rtsdb.video.sinks.container_file import ContainerFile
from rtsdb.video.sinks.encoded_file import EncodedFileSink
from rtsdb.video.sinks.encoding import LabelEncoding


class LabelVideoSink(EncodedFileSink):
    """Writes the class ids, as `LabelEncoding` has them, into an .mkv, as `ContainerFile` does.

    Every frame decodes by itself to uint8 [H, W], the ids unchanged (255: no label).
    """

    uses: frozenset[Picture] = frozenset({"labels"})

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Create the file, for maps of the source's size; UsageError where that cannot be."""
        self._encoding = LabelEncoding(source)
        self._file = ContainerFile(self._path, source, self._encoding.add_stream)
