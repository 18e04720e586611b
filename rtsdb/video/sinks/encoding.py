"""How the pictures of a run become the frames of a video."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from av.video.stream import VideoStream

from rtsdb.video.colour import to_yuv
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.encoder import add_video_stream, choose_encoder
from rtsdb.video.sinks.fit import even, even_size, fit

_FALLBACK_RATE = Fraction(30)  # only the spacing of key frames hangs on it
_FFV1 = {"level": "3", "g": "1", "slices": "4", "slicecrc": "1"}
_UNSPECIFIED = 2
_UNKNOWN = (0, _UNSPECIFIED)  # 0: reserved


class Encoding(ABC):
    """What turns results into the frames of video streams that are all alike."""

    @abstractmethod
    def add_stream(self, container: OutputContainer, time_base: Fraction) -> VideoStream:
        """Add a stream for the frames, timed in `time_base`, to a container."""

    @abstractmethod
    def frame(self, result: FrameResult) -> VideoFrame:
        """The frame, without its time; it is used up before the next is made."""


class ViewEncoding(Encoding):
    """The view as H.264, limited-range BT.709 from 720 lines up and BT.601 below.

    Primaries and transfer are tagged as those of the source where that is one video file: no
    step changes them. So is the shape of the pixels. A view of odd width or height gets its last
    column or row twice.
    """

    def __init__(self, choice: str, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """choice: a key of `ENCODERS`. view_size: (width, height) in pixels.

        Raises UsageError for an encoder that does not work here.
        """
        self._size = view_size
        self._even_size = even_size(view_size)
        self._encoder = choose_encoder(choice, self._even_size)
        self._rate = source.rate or _FALLBACK_RATE
        self._pixel_aspect = source.pixel_aspect
        self._primaries, self._transfer = _primaries_and_transfer(source)
        self._reformatter = VideoReformatter()

    def add_stream(self, container: OutputContainer, time_base: Fraction) -> VideoStream:
        """Add an H.264 stream, or one of MPEG-4 where there is no encoder for that."""
        stream = add_video_stream(
            container,
            self._encoder,
            self._even_size,
            self._rate,
            time_base,
            pixel_aspect=self._pixel_aspect,
        )
        if self._primaries not in _UNKNOWN:
            stream.codec_context.color_primaries = self._primaries
        if self._transfer not in _UNKNOWN:
            stream.codec_context.color_trc = self._transfer
        return stream

    def frame(self, result: FrameResult) -> VideoFrame:
        """`result.view`, scaled where it has another size than the first."""
        if result.view is None:
            raise ValueError("a video needs the view")
        return to_yuv(even(fit(result.view, self._size)), self._reformatter)


class LabelEncoding(Encoding):
    """Class ids as grey levels, in FFV1: lossless (RFC 9043), every frame by itself."""

    def __init__(self, source: SourceInfo) -> None:
        self._size = source.width, source.height
        self._rate = source.rate

    def add_stream(self, container: OutputContainer, time_base: Fraction) -> VideoStream:
        """Add a stream of 8-bit grey frames."""
        stream = container.add_stream("ffv1", rate=self._rate, options=_FFV1)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = self._size
        stream.pix_fmt = "gray"
        stream.time_base = stream.codec_context.time_base = time_base
        stream.codec_context.color_range = ColorRange.JPEG
        return stream

    def frame(self, result: FrameResult) -> VideoFrame:
        """`result.labels`, fitted where they have another size than the source had at first."""
        labels = np.ascontiguousarray(fit(result.labels, self._size))
        return VideoFrame.from_ndarray(labels, format="gray")


def _primaries_and_transfer(source: SourceInfo) -> tuple[int, int]:
    """What the file that is the source says of them, by their numbers in ITU-T H.273."""
    if not source.live and len(source.files) == 1:
        try:
            with av.open(f"file:{source.files[0]}", "r") as file:
                picture = file.streams.best("video")
                if isinstance(picture, VideoStream):
                    context = picture.codec_context
                    return context.color_primaries, context.color_trc
        except FFMPEG_ERRORS:
            pass  # the source itself reports what is wrong with it
    return _UNSPECIFIED, _UNSPECIFIED
