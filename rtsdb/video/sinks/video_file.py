"""A video file of the view as a sink."""

from __future__ import annotations

from pathlib import Path

from rtsdb.video.frame import SourceInfo
from rtsdb.video.sinks.container_file import ContainerFile
from rtsdb.video.sinks.encoded_file import EncodedFileSink
from rtsdb.video.sinks.encoding import ViewEncoding


class VideoFileSink(EncodedFileSink):
    """Writes the view, as `ViewEncoding` has it, into an .mp4 or .mkv, as `ContainerFile` does.

    Of a source that is one video file, everything beside the picture goes along: sound, further
    streams, and tags such as the time of creation. Its rotation does not, which the picture has
    already.
    """

    def __init__(self, path: str | Path, encoder: str = "auto") -> None:
        """encoder: a key of `rtsdb.video.sinks.encoder.ENCODERS`."""
        super().__init__(path)
        self._choice = encoder

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Choose the encoder and create the file; an older one stays until `close`.

        view_size: (width, height) in pixels. Raises UsageError for a path that cannot be
        written or is the source itself, and for an encoder that does not work here.
        """
        self._encoding = ViewEncoding(self._choice, source, view_size)
        self._file = ContainerFile(self._path, source, self._encoding.add_stream, copy=True)
