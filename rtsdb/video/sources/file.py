"""A video file as a source."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import InvalidDataError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtsdb.errors import RtsdbError
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources.base import Source
from rtsdb.video.sources.decoded import FrameWriter, stream_rate

_EARLY_END_S = 1.0  # a container's duration is often some frames off; a lost tail is longer


class VideoFileSource(Source):
    """Reads any video file that FFmpeg can, with the file's own presentation times.

    The times keep the stream's time base, so a variable frame rate survives. Colours follow
    `rtsdb.video.colour`. The first frame is decoded on construction, which raises RtsdbError
    for a file that is no video, has no frame, or cannot be read.

    A file that breaks off gives its good frames first; then `read` raises RtsdbError. Damage
    that the decoder gets over costs the damaged frames only: the times of the others show the
    gap.
    """

    def __init__(self, path: str | Path) -> None:
        self._name = str(path)
        self._frame_number = 0
        self._container = _open(self._name)
        try:
            stream = _video_stream(self._container, self._name)
            # Frames in parallel, where the codec can: a file has no latency to lose by it.
            stream.thread_type = "AUTO"
            self._frames = self._decode(stream)
            self._first = next(self._frames, None)
            if self._first is None:
                raise RtsdbError(
                    f"{self._name}: holds no video frame; is the copy or download complete?"
                )
        except BaseException:
            self._container.close()
            raise
        self.info = SourceInfo(
            name=self._name,
            width=self._first.width,
            height=self._first.height,
            rate=stream_rate(stream),
            frames=stream.frames or None,
        )
        self._writer = FrameWriter(self.info, stream)

    def read(self, into: Image) -> Stamp | None:
        """Write the next frame into `into` (uint8 [H, W, 3] RGB, maybe a strided view).

        Returns None at the end of the file. Raises RtsdbError where the file breaks off or
        changes its frame size.
        """
        frame, self._first = self._first, None
        if frame is None:
            frame = next(self._frames, None)
        return None if frame is None else self._writer.write(frame, into)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._first = None
        self._frames.close()
        self._container.close()

    def _decode(self, stream: VideoStream) -> Generator[VideoFrame, None, None]:
        """Every frame that can be decoded; RtsdbError after the last of a broken file."""
        trouble = ""
        end = 0
        cut = False
        try:
            for packet in self._container.demux(stream):
                if packet.pts is not None:
                    end = max(end, packet.pts + (packet.duration or 0))
                    cut = packet.is_corrupt
                try:
                    frames = stream.decode(packet)
                except InvalidDataError as error:
                    trouble = reason(error)
                    continue
                for frame in frames:
                    trouble = ""
                    self._frame_number += 1
                    yield frame
        except FFMPEG_ERRORS as error:
            trouble = reason(error)
            for frame in _still_in(stream):
                self._frame_number += 1
                yield frame
        missing = self._missing_seconds(stream, end)
        if not trouble and missing > _EARLY_END_S:
            trouble = f"{missing:.1f} s are missing"
        if not trouble and cut:
            trouble = "cut within a frame"
        if trouble:
            raise RtsdbError(
                f"{self._name}: breaks off at frame {self._frame_number} ({trouble}); "
                "the frames before it are good, copy or download the file again for the rest"
            )

    def _missing_seconds(self, stream: VideoStream, end: int) -> float:
        """Time between `end` (units of the stream) and the end that the container promised."""
        if stream.duration is not None and stream.time_base is not None:
            promised = ((stream.start_time or 0) + stream.duration) * stream.time_base
        elif self._container.duration is not None and len(self._container.streams) == 1:
            start = self._container.start_time or 0
            promised = Fraction(start + self._container.duration, av.time_base)
        else:
            return 0.0
        return float(promised - end * (stream.time_base or 0))


def _open(name: str) -> InputContainer:
    try:
        # "file:" keeps FFmpeg from taking a name such as "a:b.mp4" for a protocol.
        return av.open(f"file:{name}", "r")
    except FFMPEG_ERRORS as error:
        raise RtsdbError(
            f"{name}: cannot be read as a video ({reason(error)}); "
            "is it a video, and is the copy or download complete?"
        ) from error


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise RtsdbError(
            f"{name}: holds no video stream; give a video, or copy it again if it is one"
        )
    return stream


def _still_in(stream: VideoStream) -> list[VideoFrame]:
    """Frames that the decoder holds back for its threads and for reordering."""
    try:
        return stream.decode(None)
    except FFMPEG_ERRORS:
        return []
