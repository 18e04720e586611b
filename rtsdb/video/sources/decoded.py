"""Decoded frames on their way into the caller's arrays: size check, colour, time stamp."""

from __future__ import annotations

from fractions import Fraction

from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from rtsdb.errors import RtsdbError
from rtsdb.video.colour import to_rgb
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources.pts import GrowingPts


def stream_rate(stream: VideoStream) -> Fraction | None:
    """Mean frames per second of the stream, None where it does not say."""
    return stream.average_rate or stream.guessed_rate or None


class FrameWriter:
    """Writes the frames of one stream, in order, into arrays and stamps them.

    index: number of the next frame, counted from 0.
    """

    def __init__(self, info: SourceInfo, stream: VideoStream) -> None:
        self.index = 0
        self._info = info
        self._time_base = stream.time_base or Fraction(1, 90000)
        self._clock = GrowingPts(self._time_base, info.rate)
        self._reformatter = VideoReformatter()

    def write(self, frame: VideoFrame, into: Image) -> Stamp:
        """Fill `into` (uint8 [H, W, 3] RGB, maybe strided) with `frame`.

        Raises RtsdbError when the frame's size is not the source's.
        """
        info = self._info
        if (frame.width, frame.height) != (info.width, info.height):
            raise RtsdbError(
                f"{info.name}: frame {self.index} is {frame.width}x{frame.height}, the frames "
                f"before it {info.width}x{info.height}; split the video where its size changes"
            )
        to_rgb(frame, self._reformatter, into)
        stamp = Stamp(self.index, self._clock.place(frame.pts), self._time_base)
        self.index += 1
        return stamp
