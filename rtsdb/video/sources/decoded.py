"""Decoded frames on their way into the caller's arrays: size check, rotation, colour."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from rtsdb.video.colour import to_rgb
from rtsdb.video.frame import Image, SourceInfo
from rtsdb.video.sources.base import FrameSizeChanged

UNKNOWN_TIME_BASE = Fraction(1, 90000)
"""Time base of streams that do not tell theirs: MPEG's."""


def stream_rate(stream: VideoStream) -> Fraction | None:
    """Mean frames per second of the stream, None where it does not say."""
    return stream.average_rate or stream.guessed_rate or None


def display_size(frame: VideoFrame) -> tuple[int, int]:
    """(width, height) in pixels of the frame as it is shown, its rotation applied."""
    return (frame.height, frame.width) if _quarter_turns(frame) % 2 else (frame.width, frame.height)


def pixel_aspect(stream: VideoStream, frame: VideoFrame) -> Fraction:
    """Width of a pixel over its height, as the stream's frame is shown; 1 where it does not say."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return 1 / aspect if _quarter_turns(frame) % 2 else aspect


class FrameWriter:
    """Writes the frames of one source, in order, into arrays.

    info: the source's facts, with the size of the frames now. count: frames written.
    """

    def __init__(self, info: SourceInfo) -> None:
        self.info = info
        self.count = 0
        self._reformatter = VideoReformatter()

    def write(self, frame: VideoFrame, into: Image) -> None:
        """Fill `into` (uint8 [H, W, 3] RGB, maybe strided) with `frame`, turned upright.

        Raises FrameSizeChanged, once, when the frame has another size than those before it.
        """
        before, (width, height) = self.info, display_size(frame)
        if (width, height) != (before.width, before.height):
            self.info = replace(before, width=width, height=height)
            raise FrameSizeChanged(
                f"{before.name}: frame {self.count} is {width}x{height}, the frames before it "
                f"{before.width}x{before.height}; split the video where its size changes",
                self.info,
            )
        to_rgb(frame, self._reformatter, np.rot90(into, -_quarter_turns(frame)))
        self.count += 1


def _quarter_turns(frame: VideoFrame) -> int:
    """Quarter turns, counterclockwise, that the container asks for before the frame is shown."""
    return round(frame.rotation / 90) % 4
