"""Network streams as a source: RTSP, RTP, HTTP, UDP, TCP and what else FFmpeg was built with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.error import ExitError, ProtocolNotFoundError

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.sources.base import SourceEvents
from rtsdb.video.sources.live import OPENING, Connection
from rtsdb.video.sources.live_video import connect_video
from rtsdb.video.sources.options import SourceOptions
from rtsdb.video.urls import redacted, scheme

_LOW_DELAY = {"analyzeduration": "1000000"}  # microseconds spent on finding out what comes

_BY_SCHEME = {
    "rtsp": {"rtsp_flags": "prefer_tcp"},
    "rtsps": {"rtsp_flags": "prefer_tcp"},
    "udp": {"overrun_nonfatal": "1"},  # a full buffer loses packets, not the stream
    "rtp": {"overrun_nonfatal": "1"},
}


def is_file(url: str) -> bool:
    """Whether there is a file of a known duration at an http address, rather than a live stream.

    Raises what `connect_stream` raises when nothing can be received.
    """
    with (
        _no_secret_told(url),
        av.open(url, "r", container_options=_LOW_DELAY, timeout=OPENING) as container,
    ):
        return container.duration is not None


def connect_stream(
    url: str, options: SourceOptions, stop: threading.Event, events: SourceEvents
) -> Connection:
    """Open the stream at `url`, or that an .sdp file describes.

    Times are the stream's. RTSP goes over TCP where the server can do that. User name, password
    and other secrets in the address are in no message. Raises UsageError for a protocol that
    FFmpeg here was built without, RtsdbError when nothing can be received.
    """
    settings = _LOW_DELAY | _BY_SCHEME.get(scheme(url), {})
    if url.endswith(".sdp"):
        settings["protocol_whitelist"] = "file,rtp,udp"
    with _no_secret_told(url):
        return connect_video(url, redacted(url), options.decode, stop, events, options=settings)


@contextmanager
def _no_secret_told(url: str) -> Iterator[None]:
    """Turn FFmpeg's errors, whose text holds the address with the password, into our own."""
    name = redacted(url)
    try:
        yield
    except ProtocolNotFoundError:
        raise UsageError(
            f"{name}: the FFmpeg inside PyAV here was built without {scheme(url)}; "
            "use another protocol, such as rtsp or udp"
        ) from None
    except FFMPEG_ERRORS as error:
        why = f"no answer in {OPENING:.0f} s" if isinstance(error, ExitError) else reason(error)
        raise RtsdbError(
            f"{name}: cannot be received ({why}); is the address right, with user name and "
            "password where they are needed, and the sender on?"
        ) from None
