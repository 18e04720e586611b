"""A video file of the view as a sink."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from av.container import OutputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from rtsdb.video.colour import to_yuv
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sinks.container_file import ContainerFile
from rtsdb.video.sinks.encoder import add_video_stream, choose_encoder
from rtsdb.video.sinks.fit import even, even_size, fit

_FALLBACK_RATE = Fraction(30)  # only the spacing of key frames hangs on it


class VideoFileSink(Sink):
    """Writes the view as H.264 into an .mp4 or .mkv, as `ContainerFile` does.

    Of a source that is one video file, everything beside the picture goes along: sound, further
    streams, and tags such as the time of creation. Its rotation does not, which the picture has
    already. Colours are limited-range BT.709 from 720 lines up and BT.601 below, and tagged so.
    A view of odd width or height gets its last column or row twice.
    """

    def __init__(self, path: str | Path, encoder: str = "auto") -> None:
        """encoder: a key of `rtsdb.video.sinks.encoder.ENCODERS`."""
        self._path = Path(path)
        self._choice = encoder
        self._file: ContainerFile | None = None

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Choose the encoder and create the file; an older one stays until `close`.

        view_size: (width, height) in pixels. Raises UsageError for a path that cannot be
        written or is the source itself, and for an encoder that does not work here.
        """
        self._size = view_size
        self._reformatter = VideoReformatter()
        size = even_size(view_size)
        encoder = choose_encoder(self._choice, size)
        rate = source.rate or _FALLBACK_RATE

        def add_stream(container: OutputContainer, time_base: Fraction) -> VideoStream:
            return add_video_stream(container, encoder, size, rate, time_base)

        self._file = ContainerFile(self._path, source, add_stream, copy=True)

    def write(self, result: FrameResult) -> bool:
        """Encode `result.view`; RtsdbError when the disk is full or the encoder fails."""
        assert self._file is not None, "open comes before write"
        if result.view is None:
            raise ValueError("a video needs the view")
        self._file.write(
            to_yuv(even(fit(result.view, self._size)), self._reformatter), result.stamp
        )
        return True

    def close(self) -> None:
        """Finish the file and give it its name; RtsdbError when that fails."""
        if self._file is not None:
            self._file.close()

    @property
    def location(self) -> str | None:
        """The file's path."""
        return str(self._path)
