"""A video file while it is written: playable after a crash, exact in its times."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtsdb.errors import RtsdbError
from rtsdb.resource import Resource
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.frame import SourceInfo, Stamp
from rtsdb.video.sinks.atomic_file import AtomicFile, refuse_input
from rtsdb.video.sinks.copied_streams import CopiedStreams
from rtsdb.video.sources.images import IMAGE_SUFFIXES

log = logging.getLogger(__name__)

FORMATS = {".mp4": "mp4", ".mkv": "matroska"}
"""File name endings, in lower case, and FFmpeg's names of the formats that they stand for."""

# Every 0.4 s of video a fragment or cluster is complete and goes to the file at once. delay_moov
# lets an mp4's header wait for the first time stamps, without which they would be moved to zero;
# avoid_negative_ts, that audio which begins earlier moves the picture. No packet waits for one
# of another stream: they come in order.
_OPTIONS = {
    "mp4": {
        "movflags": "frag_keyframe+empty_moov+default_base_moof+delay_moov+use_metadata_tags",
        "frag_duration": "400000",  # microseconds
        "flush_packets": "1",
        "max_interleave_delta": "1",
    },
    "matroska": {
        "cluster_time_limit": "400",  # milliseconds
        "flush_packets": "1",
        "max_interleave_delta": "1",
        "avoid_negative_ts": "disabled",
    },
}

_FASTEST_CLOCK = 2**31 - 1

AddStream = Callable[[OutputContainer, Fraction], VideoStream]
"""Adds the stream of frames, timed in the given time base, to the container."""


class ContainerFile(Resource):
    """An .mp4 or .mkv of one video stream, and of what is copied beside it.

    The frames are encoded (`write`), or come as they were encoded before (`copy`).

    Times are the source's, exactly (an .mkv rounds them to milliseconds), variable frame rates
    included; those of a live source are moved so that the file begins at zero. Until `close`
    the file is `NAME.part`, made of fragments of 0.4 s: after a kill or a power cut it plays,
    but for the last second at most. `close` gives it its name. An older file of that name
    stays whole until then, and a run without frames leaves nothing behind.
    """

    def __init__(
        self, path: Path, source: SourceInfo, add_stream: AddStream, *, copy: bool = False
    ) -> None:
        """copy: take what the source's file holds beside its picture along.

        Raises UsageError for a path that cannot be written or is the source itself.
        """
        refuse_input(path, source)
        self._format = FORMATS[path.suffix.lower()]
        self._copied = _streams_beside(source, self._format) if copy else None
        self._file = AtomicFile(path)
        self._live = source.live
        self._add_stream = add_stream
        self._container: OutputContainer | None = None
        self._encodes = False
        self._written = 0
        self._encoded = 0
        self._safe_bytes = self._safe_frames = 0
        self._seconds = Fraction(0)

    def write(self, frame: VideoFrame, stamp: Stamp) -> None:
        """Encode a frame; RtsdbError when the disk is full or the encoder fails."""
        self._encodes = True
        with self._taking(stamp):
            frame.pts = stamp.pts - self._origin
            frame.time_base = stamp.time_base
            self._mux(self._stream.encode(frame))

    def copy(self, packet: Packet[VideoStream], stamp: Stamp) -> None:
        """Take a frame that is encoded already; RtsdbError when the disk is full.

        It must be one of a stream without B-frames, as all that we encode are.
        """
        with self._taking(stamp):
            rate = self._stream.codec_context.framerate
            packet.pts = packet.dts = stamp.pts - self._origin
            packet.duration = round(1 / (rate * stamp.time_base)) if rate else 0
            packet.time_base = stamp.time_base
            packet.stream = self._stream
            self._mux([packet])

    def close(self) -> None:
        """Write what the encoder still holds, finish the file and give it its name.

        Raises RtsdbError when that fails; safe to call twice.
        """
        try:
            if self._container is not None:
                if self._encodes:
                    self._mux(self._stream.encode(None))
                if self._copied is not None:
                    self._copied.copy_rest(self._seconds)
                self._container.close()
                self._container = None
                self._file.commit()
        except FFMPEG_ERRORS as error:
            raise self._failed(error) from error
        self._let_go()

    @contextmanager
    def _taking(self, stamp: Stamp) -> Iterator[None]:
        """Around the writing of a frame: set up what it needs, then write what is due beside it."""
        try:
            if self._container is None:
                self._begin(stamp)
            yield
            self._seconds = stamp.seconds
            if self._copied is not None:
                self._copied.copy_until(stamp.seconds)
                self._note_progress()
        except FFMPEG_ERRORS as error:
            raise self._failed(error) from error
        self._written += 1
        self._file.sync()

    def _begin(self, stamp: Stamp) -> None:
        """Set the streams up, now that the source's clock is known."""
        self._origin = stamp.pts if self._live else 0
        options = dict(_OPTIONS[self._format])
        if self._format == "mp4":
            options["movie_timescale"] = str(self._common_clock(stamp.time_base))
        self._container = av.open(self._file, "w", format=self._format, container_options=options)
        self._stream = self._add_stream(self._container, stamp.time_base)
        if self._copied is not None:
            self._copied.add_to(self._container, self._stream)

    def _common_clock(self, time_base: Fraction) -> int:
        """Ticks a second in which an mp4 tells when each stream begins, exactly if possible."""
        bases = [time_base, *(self._copied.time_bases if self._copied is not None else ())]
        exact = math.lcm(*(base.denominator for base in bases))
        return exact if exact <= _FASTEST_CLOCK else time_base.denominator

    def _mux(self, packets: Iterable[Packet[VideoStream]]) -> None:
        assert self._container is not None
        for packet in packets:
            self._container.mux(packet)
            self._note_progress()  # a packet that completes a fragment goes into the next one
            self._encoded += 1

    def _note_progress(self) -> None:
        end = self._file.tell()
        if end > self._safe_bytes:
            self._safe_bytes, self._safe_frames = end, self._encoded

    def _failed(self, error: BaseException) -> RtsdbError:
        """Give the file up and say what can still be played of it."""
        self._let_go(cut=True)
        return RtsdbError(
            f"{self._file.path}: writing failed ({reason(error)}); {self._file.part} holds the "
            f"first {self._safe_frames} of {self._written} frames, make room and run again"
        )

    def _let_go(self, *, cut: bool = False) -> None:
        """Close what is open; `cut`: off the file what is not whole."""
        container, self._container = self._container, None
        # Where a failure led here, that is the one to report.
        with contextlib.suppress(*FFMPEG_ERRORS):
            if container is not None:
                container.close()
        with contextlib.suppress(OSError, ValueError):  # ValueError: closed already
            if cut:
                self._file.truncate(self._safe_bytes)
        self._file.close()
        if self._copied is not None:
            self._copied.close()


def _streams_beside(source: SourceInfo, output_format: str) -> CopiedStreams | None:
    """What is to be copied of a source that is one file; None for others."""
    if source.live or not source.files:
        return None
    if len(source.files) > 1:
        if Path(source.files[0]).suffix.lower() not in IMAGE_SUFFIXES:
            log.warning("sound and data are copied from single files only, not from several")
        return None
    try:
        return CopiedStreams(source.files[0], output_format)
    except FFMPEG_ERRORS as error:
        log.warning("%s: sound and data are left out (%s)", source.files[0], reason(error))
        return None
