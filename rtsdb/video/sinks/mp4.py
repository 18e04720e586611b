"""An MP4 file as a sink."""

from __future__ import annotations

import contextlib
import os
import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, VideoReformatter
from av.video.stream import VideoStream

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.colour import HD_LINES, to_yuv
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.frame import FrameResult, Image, SourceInfo
from rtsdb.video.sinks.base import Sink

# Without B-frames (bf) the file's order is that of showing: a cut costs only what is behind it.
ENCODERS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "crf": "20", "bf": "0"},
    "mpeg4": {"flags": "+qscale", "global_quality": "354"},  # 3 * 118: quantizer 3 of 1..31
}
"""Encoders in order of preference, with their options."""

_MPEG4_FINEST = 65535  # MPEG-4 part 2 has 16 bits for the ticks of one second

# A file of fragments plays up to its last one after a crash. delay_moov lets the header wait
# for the first time stamps, without which they would be moved to zero.
_MUXER = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof+delay_moov",
    "frag_duration": "1000000",  # microseconds
    "flush_packets": "1",  # each fragment to the file as soon as it is complete
}

_FALLBACK_RATE = Fraction(30)


class _WholeWrites:
    """The output file as FFmpeg writes to it: every write is complete, or raises OSError.

    FFmpeg's own file access loses the error of the last write, and takes a partial one for
    whole.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self.seek = self._file.seek
        self.tell = self._file.tell
        self.close = self._file.close

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        return len(data)


class Mp4Sink(Sink):
    """Writes the view as H.264 (MPEG-4 part 2 where PyAV has no x264) into `path`.

    Times are the source's, exactly, variable frame rates included; those of a live source are
    moved so that the file begins at zero. Colours are limited-range BT.709 from 720 lines up
    and BT.601 below, and tagged so. A view of odd width or height gets its last column or row
    twice. The file is made of fragments of a second: if the program is killed, all but the
    last fragment can be played.

    encoder: name of the encoder in use.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._created = False
        self._written = 0
        self._file: _WholeWrites | None = None
        self._container: OutputContainer | None = None
        self.encoder = ""

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Check that the file can be written; an older one stays until the first frame.

        view_size: (width, height) in pixels. Raises UsageError for a path that cannot be
        written or is the source itself.
        """
        self.encoder = _encoder()
        self._size = view_size
        self._live = source.live
        self._rate = source.rate or _FALLBACK_RATE
        if os.path.exists(source.name) and _same_file(self._path, source.name):
            raise UsageError(f"{self._path}: is the file being read; choose another name")
        self._created = not self._path.exists()
        try:
            with self._path.open("ab"):
                pass
        except OSError as error:
            self._created = False
            raise UsageError(
                f"{self._path}: cannot be written ({reason(error)}); "
                "choose a path in an existing folder that you may write to"
            ) from error

    def write(self, result: FrameResult) -> bool:
        """Encode `result.view`; RtsdbError when the disk is full or the encoder fails."""
        view = result.view
        width, height = self._size
        if view is None or view.shape != (height, width, 3):
            raise ValueError(f"the view must be uint8 {(height, width, 3)}")
        stamp = result.stamp
        try:
            if self._container is None:
                self._begin(stamp.time_base, stamp.pts if self._live else 0)
            frame = to_yuv(_even(view), self._reformatter)
            frame.pts = stamp.pts - self._origin
            frame.time_base = stamp.time_base
            self._mux(self._stream.encode(frame))
        except FFMPEG_ERRORS as error:
            raise self._failed(error) from error
        self._written += 1
        return True

    def close(self) -> None:
        """Write what the encoder still holds and finish the file.

        Raises RtsdbError when that fails. A run without frames leaves no new file behind.
        """
        if self._container is None:
            if self._created:
                self._created = False
                self._path.unlink(missing_ok=True)
            return
        try:
            self._mux(self._stream.encode(None))
            self._container.close()
        except FFMPEG_ERRORS as error:
            raise self._failed(error) from error
        self._let_go()

    @property
    def location(self) -> str | None:
        """The file's path."""
        return str(self._path)

    def _begin(self, time_base: Fraction, origin: int) -> None:
        """Replace the file and set the encoder up, now that the source's clock is known."""
        self._origin = origin
        self._reformatter = VideoReformatter()
        self._file = _WholeWrites(self._path)
        self._container = av.open(self._file, "w", format="mp4", options=_MUXER)
        options = dict(ENCODERS[self.encoder], g=str(max(1, round(2 * self._rate))))
        stream = self._container.add_stream(self.encoder, rate=self._rate, options=options)
        assert isinstance(stream, VideoStream)
        if self.encoder == "mpeg4" and time_base.denominator > _MPEG4_FINEST:
            time_base = Fraction(1, 60000)
        stream.width, stream.height = (side + side % 2 for side in self._size)
        stream.pix_fmt = "yuv420p"
        stream.time_base = time_base
        context = stream.codec_context
        context.time_base = time_base
        # 1: BT.709, 6: SMPTE 170M, that is BT.601, the same numbers in all three tables.
        context.colorspace = context.color_primaries = context.color_trc = (
            1 if stream.height >= HD_LINES else 6
        )
        context.color_range = ColorRange.MPEG
        self._stream = stream

    def _mux(self, packets: list[av.Packet[VideoStream]]) -> None:
        assert self._container is not None
        self._container.mux(packets)

    def _failed(self, error: BaseException) -> RtsdbError:
        """Give the file up and say what can still be played of it."""
        self._let_go()
        _cut_after_last_whole_fragment(self._path)
        return RtsdbError(
            f"{self._path}: writing failed ({reason(error)}); the file holds the first "
            f"{_frames_in(self._path)} of {self._written} frames, make room and run again"
        )

    def _let_go(self) -> None:
        """Close what is open; everything that can be written was."""
        container, self._container = self._container, None
        file, self._file = self._file, None
        self._created = False
        # Where a failure led here, that is the one to report.
        with contextlib.suppress(*FFMPEG_ERRORS):
            if container is not None:
                container.close()
        if file is not None:
            file.close()


def _encoder() -> str:
    for name in ENCODERS:
        if name in av.codecs_available:
            return name
    raise UsageError(
        f"PyAV here has none of the encoders {', '.join(ENCODERS)}; install its wheel "
        "(pip install --force-reinstall av) or write to a folder instead"
    )


def _same_file(path: Path, other: str) -> bool:
    return path.exists() and path.samefile(other)


def _even(view: Image) -> Image:
    """`view`, its last row and column repeated where the height or width is odd."""
    height, width = view.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return view
    padded = cv2.copyMakeBorder(view, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)


def _cut_after_last_whole_fragment(path: Path) -> None:
    """Take off what players would stumble over: every fragment ends with a box `mdat`."""
    with contextlib.suppress(OSError), path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        box = whole = 0
        while box + 8 <= size:
            file.seek(box)
            length, kind = struct.unpack(">I4s", file.read(8))
            box += max(length, 8)
            if kind == b"mdat" and box <= size:
                whole = box
        file.truncate(whole)


def _frames_in(path: Path) -> int:
    """How many frames a player finds in a file that was not finished."""
    frames = 0
    with (
        contextlib.suppress(*FFMPEG_ERRORS, IndexError),  # IndexError: no stream yet
        av.open(f"file:{path}", "r") as container,
    ):
        for packet in container.demux(video=0):
            frames += packet.size > 0
    return frames
