"""A video file as a source."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Generator
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
from av.error import InvalidDataError
from av.video.frame import VideoFrame

from rtsdb.errors import RtsdbError
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources.base import FrameSizeChanged, Source
from rtsdb.video.sources.decoded import (
    UNKNOWN_TIME_BASE,
    FrameWriter,
    display_size,
    pixel_aspect,
    stream_rate,
)
from rtsdb.video.sources.decoder import VideoInput, open_video, with_decoder
from rtsdb.video.sources.pts import GrowingPts
from rtsdb.video.urls import is_url
from rtsdb.watchdog import Watchdog

_EARLY_END_S = 1.0  # a container's duration is often some frames off; a lost tail is longer
_OPENING_S, _STALL_S = 10.0, 4.0  # for a file that comes over the network

_INDEXED = {"mp4", "matroska"}  # formats in which a time is found, and found but once
_BEFORE_S = 2  # a decoder that starts so much earlier has all that the frame depends on

_Frames = Generator[VideoFrame, None, None]


class VideoFileSource(Source):
    """Reads any video file that FFmpeg can, with the file's own presentation times.

    The times keep the stream's time base, so a variable frame rate survives. Colours follow
    `rtsdb.video.colour`; a rotation that the file asks for is applied. The first frame is
    decoded on construction, which raises RtsdbError for a file that is no video, has no frame,
    or cannot be read.

    A file that breaks off gives its good frames first; then `read` raises RtsdbError. Damage
    that the decoder gets over costs the damaged frames only: the times of the others show the
    gap.

    decode: one of `rtsdb.video.sources.options.DECODERS`. url: where to read instead of the file
    `name`, an address or a file object; `name` is then but a name. stop: ends the reading.
    """

    def __init__(
        self,
        name: str | Path,
        decode: str = "auto",
        *,
        url: object = None,
        stop: threading.Event | None = None,
    ) -> None:
        self._name = str(name)
        # "file:" keeps FFmpeg from taking a name such as "a:b.mp4" for a protocol.
        self._url = f"file:{self._name}" if url is None else url
        self._reads = Watchdog()
        self.watchdog = self._reads if url is None else None
        self._stop = stop or threading.Event()
        self._frame_number = 0
        self._reopen = partial(with_decoder, decode, self._name, self._open)
        self._video, self._frames, first = self._reopen()
        self._pending: VideoFrame | None = first
        stream = self._video.stream
        width, height = display_size(first)
        self.info = SourceInfo(
            name=self._name,
            width=width,
            height=height,
            rate=stream_rate(stream),
            frames=stream.frames or _frames_in(self._video),
            files=(self._name,) if url is None else (),
            pixel_aspect=pixel_aspect(stream, first),
        )
        self._time_base = stream.time_base or UNKNOWN_TIME_BASE
        self._clock = GrowingPts(self._time_base, self.info.rate)
        self._writer = FrameWriter(self.info)

    def read(self, into: Image) -> Stamp | None:
        """Write the next frame into `into` (uint8 [H, W, 3] RGB, maybe a strided view).

        Returns None at the end of the file. Raises RtsdbError where the file breaks off,
        FrameSizeChanged where it changes its frame size.
        """
        if self._stop.is_set():
            return None
        with self._reads.call(gives_result=True):
            if self._pending is None:
                self._pending = next(self._frames, None)
        if self._pending is None:
            return None
        try:
            self._writer.write(self._pending, into)
        except FrameSizeChanged as change:
            self.info = change.info
            raise
        pts = self._clock.place(self._pending.pts)
        self._pending = None
        return Stamp(self._writer.count - 1, pts, self._time_base)

    def continue_after(self, last: Stamp) -> None:
        """Go on behind the frame that got the stamp `last` when the file was read before.

        Of files with an index only some seconds before it are decoded, of others all. Raises
        RtsdbError where the file has no such frame.
        """
        if not self._seek_behind(last) and not self._read_behind(last):
            raise RtsdbError(
                f"{self._name}: frame {last.index} is not what it was; has the file changed?"
            )
        self._pending = None
        self._frame_number = self._writer.count = last.index + 1

    def interrupt(self) -> None:
        """End the reading; a file object that watches the same event ends its waiting."""
        self._stop.set()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._pending = None
        self._frames.close()
        self._video.container.close()

    def _seek_behind(self, last: Stamp) -> bool:
        """Find a frame by its time; False where that cannot be, or is not certain to be right."""
        container, stream = self._video.container, self._video.stream
        if not _INDEXED.intersection(container.format.name.split(",")):
            return False
        self._frames.close()
        try:
            earlier = last.pts - round(_BEFORE_S / self._time_base)
            container.seek(earlier, stream=stream, backward=True)
            self._video.context.flush_buffers()
            self._frames = self._decode(self._video)
            times = (frame.pts for frame in self._frames)
            found = next((pts for pts in times if pts is None or pts >= last.pts), None)
        except (RtsdbError, *FFMPEG_ERRORS):
            return False
        self._clock = GrowingPts(self._time_base, self.info.rate)
        return Stamp(last.index, self._clock.place(found), self._time_base) == last

    def _read_behind(self, last: Stamp) -> bool:
        """Decode from the beginning, as when the frame got its stamp; False if it gets another."""
        self.close()
        self._frame_number = 0
        self._video, self._frames, first = self._reopen()
        self._clock = GrowingPts(self._time_base, self.info.rate)
        pts = self._clock.place(first.pts)
        for frame in itertools.islice(self._frames, last.index):
            pts = self._clock.place(frame.pts)
        return Stamp(self._frame_number - 1, pts, self._time_base) == last

    def _open(self, decoder: str) -> tuple[VideoInput, _Frames, VideoFrame]:
        """The open file, its frames after the first, and the first."""
        timeout = (_OPENING_S, _STALL_S) if is_url(str(self._url)) else None
        try:
            video = open_video(self._url, self._name, decoder, timeout=timeout)
        except FFMPEG_ERRORS as error:
            # Without the cause: its text may hold an address with a password.
            raise RtsdbError(
                f"{self._name}: cannot be read as a video ({reason(error)}); "
                "is it a video, and is the copy or download complete?"
            ) from None
        try:
            frames = self._decode(video)
            first = next(frames, None)
            if first is None:
                raise RtsdbError(
                    f"{self._name}: holds no video frame; is the copy or download complete?"
                )
        except BaseException:
            video.container.close()
            raise
        return video, frames, first

    def _decode(self, video: VideoInput) -> _Frames:
        """Every frame that can be decoded; RtsdbError after the last of a broken file."""
        trouble = ""
        trouble_pts = end = 0
        cut = False
        try:
            for packet in video.container.demux(video.stream):
                if packet.pts is not None:
                    end = max(end, packet.pts + (packet.duration or 0))
                    cut = packet.is_corrupt
                try:
                    frames = video.decode(packet)
                except InvalidDataError as error:
                    trouble = reason(error)
                    trouble_pts = packet.pts or trouble_pts
                    continue
                for frame in frames:
                    if frame.pts is None or frame.pts > trouble_pts:  # not one held back
                        trouble = ""
                    self._frame_number += 1
                    yield frame
        except FFMPEG_ERRORS as error:
            trouble = reason(error)
            for frame in _still_in(video):
                self._frame_number += 1
                yield frame
        if self._stop.is_set():  # standard input then ends where it was
            return
        missing = _missing_seconds(video, end)
        if not trouble and missing > _EARLY_END_S:
            trouble = f"{missing:.1f} s are missing"
        if not trouble and cut:
            trouble = "cut within a frame"
        if trouble:
            raise RtsdbError(
                f"{self._name}: breaks off at frame {self._frame_number} ({trouble}); "
                "the frames before it are good, copy or download the file again for the rest"
            )


def _frames_in(video: VideoInput) -> int | None:
    """About how many frames there are, for a container that tells but its duration."""
    rate, duration = stream_rate(video.stream), video.container.duration
    return round(duration * rate / av.time_base) if rate and duration else None


def _missing_seconds(video: VideoInput, end: int) -> float:
    """Time between `end` (units of the stream) and the end that the container promised."""
    container, stream = video.container, video.stream
    if stream.duration is not None and stream.time_base is not None:
        promised = ((stream.start_time or 0) + stream.duration) * stream.time_base
    elif container.duration is not None and len(container.streams) == 1:
        promised = Fraction((container.start_time or 0) + container.duration, av.time_base)
    else:
        return 0.0
    return float(promised - end * (stream.time_base or 0))


def _still_in(video: VideoInput) -> list[VideoFrame]:
    """Frames that the decoder holds back for its threads and for reordering."""
    try:
        return video.decode(None)
    except FFMPEG_ERRORS:
        return []
