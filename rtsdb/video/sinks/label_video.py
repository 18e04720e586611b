"""The label maps of a video, without loss, as a video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.base import Picture, Sink
from rtsdb.video.sinks.container_file import ContainerFile
from rtsdb.video.sinks.fit import fit

_FFV1 = {"level": "3", "g": "1", "slices": "4", "slicecrc": "1"}


class LabelVideoSink(Sink):
    """Writes the class ids as the grey levels of an FFV1 video (.mkv), as `ContainerFile` does.

    Every frame decodes by itself to uint8 [H, W], the ids unchanged (255: no label). FFV1 is
    lossless: RFC 9043.
    """

    uses: frozenset[Picture] = frozenset({"labels"})

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._file: ContainerFile | None = None

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Create the file, for maps of the source's size; UsageError where that cannot be."""
        self._size = source.width, source.height

        def add_stream(container: OutputContainer, time_base: Fraction) -> VideoStream:
            stream = container.add_stream("ffv1", rate=source.rate, options=_FFV1)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height = self._size
            stream.pix_fmt = "gray"
            stream.time_base = stream.codec_context.time_base = time_base
            stream.codec_context.color_range = ColorRange.JPEG
            return stream

        self._file = ContainerFile(self._path, source, add_stream)

    def write(self, result: FrameResult) -> bool:
        """Write `result.labels`; RtsdbError when the disk is full."""
        assert self._file is not None, "open comes before write"
        labels = np.ascontiguousarray(fit(result.labels, self._size))
        self._file.write(VideoFrame.from_ndarray(labels, format="gray"), result.stamp)
        return True

    def close(self) -> None:
        """Finish the file and give it its name; RtsdbError when that fails."""
        if self._file is not None:
            self._file.close()

    @property
    def location(self) -> str | None:
        """The file's path."""
        return str(self._path)
