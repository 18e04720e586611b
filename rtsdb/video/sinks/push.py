"""A stream sent to a server or a player as a sink."""

from __future__ import annotations

import contextlib
import logging
import random
from fractions import Fraction
from time import monotonic
from typing import NamedTuple

import av
from av.codec.context import Flags
from av.container import OutputContainer
from av.error import FFmpegError, ProtocolNotFoundError
from av.video.reformatter import VideoReformatter

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.colour import to_yuv
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.frame import FrameResult, Image, SourceInfo
from rtsdb.video.sinks.base import Policy, Sink
from rtsdb.video.sinks.encoder import add_video_stream, choose_encoder
from rtsdb.video.sinks.fit import even, even_size, fit
from rtsdb.video.urls import redacted, scheme

log = logging.getLogger(__name__)


class _Carrier(NamedTuple):
    """FFmpeg's name of a format, and its options: time limits in microseconds, no delay."""

    format: str
    options: str


_RTSP = _Carrier("rtsp", "rtsp_transport=tcp:timeout=2000000")
_FLV = _Carrier("flv", "rw_timeout=2000000:flush_packets=1:flvflags=no_duration_filesize")
_MPEG_TS = _Carrier("mpegts", "rw_timeout=2000000:flush_packets=1:max_delay=0")
_DATAGRAMS = _Carrier("mpegts", f"{_MPEG_TS.options}:pkt_size=1316")  # 7 packets of MPEG-TS

PROTOCOLS = {
    "rtsp": _RTSP,
    "rtmp": _FLV,
    "rtmps": _FLV,
    "srt": _MPEG_TS,
    "udp": _DATAGRAMS,
    "tcp": _MPEG_TS,
}
"""Protocols that can be sent to, and how video travels in them."""

_TIME_BASE = Fraction(1, 90000)
_FALLBACK_RATE = Fraction(30)
_QUEUE = 4
"""Frames that wait for the network; a slow one then holds `write` back, not the picture."""

_SETTLED_S = 5.0
"""A connection that has held so long is one; sooner, the address was wrong."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0


class PushSink(Sink):
    """Sends the view, as H.264 with low delay, to an rtsp, rtmp, srt, udp or tcp address.

    A connection that does not come about is an error. One that is lost later is made anew, after
    1 s at first and then after waits that double up to 30 s; frames in between are lost. The
    address is shown without its secrets.
    """

    policy: Policy = "drop"

    def __init__(self, url: str, encoder: str = "auto") -> None:
        """encoder: a key of `rtsdb.video.sinks.encoder.ENCODERS`."""
        self._url = url
        self._carrier = PROTOCOLS[scheme(url)]
        self._choice = encoder
        self._container: OutputContainer | None = None
        self._begin: Fraction | None = None
        self._settled = False
        self._wait = _FIRST_WAIT_S
        self._connect_at = 0.0
        self._lost = 0

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Prepare; the connection is made with the first frame.

        Raises UsageError where PyAV does not know the protocol.
        """
        if scheme(self._url) == "srt":
            _require_srt()
        self._size = view_size
        self._rate = source.rate or _FALLBACK_RATE
        self._pixel_aspect = source.pixel_aspect
        self._encoder = choose_encoder(self._choice, even_size(view_size))
        self._reformatter = VideoReformatter()

    def write(self, result: FrameResult) -> bool:
        """Send `result.view`, or lose it while there is no connection.

        Raises RtsdbError where none came about at first.
        """
        if result.view is None:
            raise ValueError("a stream needs the view")
        if self._container is None and monotonic() < self._connect_at:
            self._lost += 1
            return True
        try:
            if self._container is None:
                self._connect()
            self._send(result.view, result.stamp.seconds)
        except FFMPEG_ERRORS as error:
            self.close()
            self._retry(error)
        else:
            if monotonic() >= self._settled_at:
                self._settle()
        return True

    def close(self) -> None:
        """Send what waits, for two seconds at most, and disconnect; safe to call twice."""
        container, self._container = self._container, None
        if container is not None:
            with contextlib.suppress(*FFMPEG_ERRORS):
                container.close()

    @property
    def name(self) -> str:
        """The address without its secrets."""
        return redacted(self._url)

    def _connect(self) -> None:
        self._settled_at = monotonic() + _SETTLED_S
        # FFmpeg's "fifo" connects and sends in a thread of its own: PyAV would stop all of
        # Python's while it connects.
        self._container = av.open(
            self._url,
            "w",
            format="fifo",
            container_options={
                "fifo_format": self._carrier.format,
                "format_opts": self._carrier.options,
                "queue_size": str(_QUEUE),
            },
        )
        self._stream = add_video_stream(
            self._container,
            self._encoder,
            even_size(self._size),
            self._rate,
            _TIME_BASE,
            pixel_aspect=self._pixel_aspect,
            low_delay=True,
        )
        if self._carrier is _FLV:
            self._stream.codec_context.flags |= Flags.global_header

    def _send(self, view: Image, seconds: Fraction) -> None:
        assert self._container is not None
        if self._begin is None:
            self._begin = seconds
        frame = to_yuv(even(fit(view, self._size)), self._reformatter)
        frame.pts = round((seconds - self._begin) / _TIME_BASE)
        frame.time_base = _TIME_BASE
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def _retry(self, error: BaseException) -> None:
        """Plan the next attempt to connect; RtsdbError where there was no connection yet."""
        if not self._settled:
            raise RtsdbError(
                f"{self.name}: cannot be sent to ({reason(error)}); is the server up, and the "
                "address right?"
            ) from error
        if not self._lost:
            log.warning("%s: the connection is lost (%s); trying again", self.name, reason(error))
        self._lost += 1
        # Not at the very time at which all others do that lost the same server.
        self._connect_at = monotonic() + self._wait * random.uniform(0.8, 1.2)
        self._wait = min(2 * self._wait, _LONGEST_WAIT_S)

    def _settle(self) -> None:
        """The connection holds."""
        if self._lost:
            log.warning("%s: connected again; %d frames were lost", self.name, self._lost)
        self._settled = True
        self._lost = 0
        self._wait = _FIRST_WAIT_S


def _require_srt() -> None:
    """Raise UsageError where PyAV is built without SRT, as its wheels are."""
    with contextlib.suppress(FFmpegError):
        try:
            av.open("srt://", "r")
        except ProtocolNotFoundError as error:
            raise UsageError(
                "srt: this PyAV is built without it; build PyAV against an FFmpeg that has libsrt, "
                "or send to rtsp, rtmp, udp or tcp"
            ) from error
