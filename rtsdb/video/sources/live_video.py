"""Cameras, streams and screens as FFmpeg gives them: packets in, whole pictures out."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from itertools import chain
from time import perf_counter
from typing import Any

from av.container import Flags
from av.error import BlockingIOError as NothingYet
from av.error import InvalidDataError
from av.format import Flags as FormatFlags
from av.packet import Packet
from av.video.frame import VideoFrame

from rtsdb.errors import RtsdbError
from rtsdb.video.sources.base import SourceEvents
from rtsdb.video.sources.decoded import UNKNOWN_TIME_BASE, pixel_aspect, stream_rate
from rtsdb.video.sources.decoder import VideoInput, open_video, with_decoder
from rtsdb.video.sources.live import OPENING, Connection

WITHOUT_BLOCKING = {"fflags": f"+{Flags.non_block.value}"}  # FFmpeg has no name for it there
"""Options under which FFmpeg's V4L2 input does not wait for a picture."""

_POLL = 0.002  # seconds between two questions to a device that does not block

_SEGMENTED = ("hls", "dash")
_LONGEST_SEGMENT = 20.0  # seconds


def connect_video(
    url: str,
    name: str,
    decode: str,
    stop: threading.Event,
    events: SourceEvents,
    *,
    format: str | None = None,
    options: dict[str, str],
    check: Callable[[VideoInput], None] = lambda _: None,
) -> Connection:
    """Open a live video and decode its first picture.

    name: of the source, in messages. decode: one of `rtsdb.video.sources.options.DECODERS`.
    stop: ends the pictures. events: counts those that came damaged. format, options: FFmpeg's.
    check: looks at what was opened and raises where it is not what was asked for.
    """

    def start(decoder: str) -> Connection:
        video = open_video(
            url,
            name,
            decoder,
            live=True,
            format=format,
            container_options=options,
            timeout=OPENING,  # for each packet, too: or a dead connection's thread would stay
        )
        # Formats such as MJPEG over HTTP tell no times; FFmpeg makes up 25 frames a second.
        timeless = FormatFlags.no_timestamps in FormatFlags(video.container.format.flags)
        pictures = _pictures(video, timeless, stop, events)

        def close() -> None:
            pictures.close()  # first: it holds a packet that belongs to the container
            video.container.close()

        try:
            check(video)
            first = next(pictures, None)
            if first is None:
                raise RtsdbError(f"{name}: ended before its first picture")
        except BaseException:
            close()
            raise
        time_base = (not timeless and video.stream.time_base) or UNKNOWN_TIME_BASE
        frames: Iterator[VideoFrame] = chain([first], pictures)
        if video.container.format.name in _SEGMENTED:
            frames = _paced(frames, time_base, stop)
        return Connection(
            frames=frames,
            time_base=time_base,
            rate=None if timeless else stream_rate(video.stream),
            close=close,
            pixel_aspect=pixel_aspect(video.stream, first),
        )

    return with_decoder(decode, name, start, live=True)


def _pictures(
    video: VideoInput, timeless: bool, stop: threading.Event, events: SourceEvents
) -> Generator[VideoFrame, None, None]:
    """Whole pictures, from the first that needs none before it."""
    begun = False
    for packet in _packets(video, stop):
        begun = begun or packet.is_keyframe
        if not begun:
            continue
        if packet.size == 0 and packet.pts is not None:  # the driver's way of saying so
            events.dropped["damaged"] += 1
            continue
        try:
            frames = video.decode(packet)
        except InvalidDataError:
            events.dropped["damaged"] += 1
            continue
        for frame in frames:
            if frame.is_corrupt:
                events.dropped["damaged"] += 1
                continue
            if timeless:
                frame.pts = None
            yield frame


def _paced(
    frames: Iterator[VideoFrame], time_base: Fraction, stop: threading.Event
) -> Iterator[VideoFrame]:
    """The frames at the pace of their times, where seconds of them come in one go."""
    begin, last = 0.0, math.inf
    for frame in frames:
        seconds, now = float((frame.pts or 0) * time_base), perf_counter()
        if not last < seconds < last + _LONGEST_SEGMENT:  # the first one, or a new clock
            begin = now - seconds
        stop.wait(max(0.0, begin + seconds - now))
        last = seconds
        yield frame


def _packets(video: VideoInput, stop: threading.Event) -> Iterator[Packet[Any]]:
    keep = _copy if "v4l2" in video.container.format.name else _same
    while not stop.is_set():
        try:
            # No name may hold the iterator or a packet of it: an error's traceback would keep
            # them, and they must be gone before the container is closed.
            for packet in map(keep, video.container.demux(video.stream)):
                if stop.is_set():
                    return
                yield packet
            return
        except NothingYet:
            stop.wait(_POLL)


def _same(packet: Packet[Any]) -> Packet[Any]:
    return packet


def _copy(packet: Packet[Any]) -> Packet[Any]:
    """The packet in memory of its own: a camera's is the driver's, gone when that is closed."""
    copy: Packet[Any] = Packet(bytes(packet))
    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
    copy.is_keyframe = packet.is_keyframe
    return copy
