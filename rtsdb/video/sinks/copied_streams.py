"""What a video file holds beside its picture, copied to the output packet by packet."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Collection, Generator
from contextlib import suppress
from fractions import Fraction
from typing import NamedTuple

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from rtsdb.resource import Resource
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.sources.pts import GrowingPts

log = logging.getLogger(__name__)

_LATEST_START_S = 30
"""An mp4 in fragments begins when all its streams have: the longest that it waits for one."""

_AHEAD_S = 1
"""How far the file is read ahead of the picture, for packets that lie behind theirs in it."""

_TAGS_OF_THE_FORMAT = {"major_brand", "minor_version", "compatible_brands", "encoder"}
_TAGS_OF_A_PICTURE = {"language", "title", "handler_name", "creation_time"}


class _Due(NamedTuple):
    """A packet, or None for one of the picture, and its time in seconds."""

    seconds: Fraction
    packet: Packet[Stream] | None


class CopiedStreams(Resource):
    """Audio, subtitles, data and further videos of a file, and its tags.

    Packets pass unchanged, their times too but for the repairs of `GrowingPts`. A stream that
    the output cannot hold is left out, with one line in the log. First `add_to` an output, then
    `copy_until` the time of each frame, and in the end `copy_rest`. Memory is bounded: the file
    is read as the frames go on.
    """

    def __init__(self, path: str, output_format: str) -> None:
        """output_format: FFmpeg's name of the format. Raises FFmpegError or OSError."""
        self._path = path
        self._file = av.open(f"file:{path}", "r")
        picture = self._file.streams.best("video")
        assert isinstance(picture, VideoStream)
        self._picture = picture
        self._streams = {s.index: s for s in self._file.streams if s is not picture}
        first = _first_packets(path, self._streams)
        for index, stream in list(self._streams.items()):
            fault = _fault(stream, first.get(index), output_format)
            if fault is not None:
                self._leave_out(index, fault)
        self._filters = {i: _adts_filter(s, output_format) for i, s in self._streams.items()}
        self._copies: dict[int, Stream] = {}
        self._packets = self._read()
        self._held: _Due | None = None
        self._picture_read_to = Fraction(-1)

    def add_to(self, output: OutputContainer, picture: VideoStream) -> None:
        """Add the streams to `output`, and the tags to it and to `picture`, the new one."""
        self._output = output
        tags = self._file.metadata.items()
        output.metadata.update({k: v for k, v in tags if k not in _TAGS_OF_THE_FORMAT})
        tags = self._picture.metadata.items()
        picture.metadata.update({k: v for k, v in tags if k in _TAGS_OF_A_PICTURE})
        for index, stream in self._streams.items():
            copy = output.add_stream_from_template(stream)
            copy.metadata.update(stream.metadata)
            self._copies[index] = copy

    @property
    def time_bases(self) -> list[Fraction]:
        """Units of the streams' times in seconds."""
        return [s.time_base for s in self._streams.values() if s.time_base is not None]

    def copy_until(self, seconds: Fraction) -> None:
        """Copy the next packets, as far as they are due before `seconds`.

        Raises OSError where the output cannot be written.
        """
        while (due := self._take()) is not None:
            if due.seconds >= seconds + (_AHEAD_S if due.packet is None else 0):
                self._held = due
                return
            self._copy(due)

    def copy_rest(self, seconds: Fraction) -> None:
        """Copy all that is left after the last frame, which is shown at `seconds`.

        Where the file has later frames, as the run was cut, only what goes with the last one.
        Raises OSError where the output cannot be written.
        """
        ahead: list[_Due] = []
        while self._picture_read_to <= seconds and (due := self._take()) is not None:
            ahead.append(due)
            if due.seconds > seconds + _AHEAD_S:
                break
        cut = self._picture_read_to > seconds
        end = seconds + 1 / (self._picture.average_rate or Fraction(25))
        for due in ahead:
            if not cut or due.seconds < end:
                self._copy(due)
        if cut:
            self.copy_until(end)
        while self._picture_read_to <= seconds and (due := self._take()) is not None:
            self._copy(due)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._packets.close()
        self._file.close()

    def _take(self) -> _Due | None:
        due, self._held = self._held or next(self._packets, None), None
        if due is not None and due.packet is None:
            self._picture_read_to = max(self._picture_read_to, due.seconds)
        return due

    def _copy(self, due: _Due) -> None:
        """Write the packet to the output, unless it is the picture's or its stream left out."""
        if due.packet is None or due.packet.stream.index not in self._streams:
            return
        index = due.packet.stream.index
        try:
            for packet in _filtered(due.packet, self._filters[index]):
                packet.stream = self._copies[index]
                self._output.mux(packet)
        except FFmpegError as error:  # of the packet; what the disk refuses is a plain OSError
            self._leave_out(index, f"it breaks off at {float(due.seconds):.1f} s ({reason(error)})")

    def _read(self) -> Generator[_Due, None, None]:
        """The packets in the order of the file, their times repaired."""
        clocks: dict[int, GrowingPts] = {}
        now = Fraction(0)
        try:
            for packet in self._file.demux(self._picture, *self._streams.values()):
                if not packet.size:
                    continue  # PyAV's mark for the end of a stream
                base = packet.time_base
                clock = clocks.setdefault(packet.stream.index, GrowingPts(base, None))
                known = [time for time in (packet.dts, packet.pts) if time is not None]
                time = known[0] if known else math.ceil(now / base)
                placed = clock.place(time)
                packet.dts, packet.pts = placed, placed + (known[-1] - time if known else 0)
                now = placed * base
                yield _Due(now, None if packet.stream is self._picture else packet)
        except FFMPEG_ERRORS as error:
            log.warning("%s: sound and data break off (%s)", self._path, reason(error))

    def _leave_out(self, index: int, why: str) -> None:
        stream = self._streams.pop(index)
        codec = stream.codec_context.name if stream.codec_context else "unknown codec"
        what = f"stream {index} ({stream.type}, {codec})"
        log.warning("%s: %s is left out: %s", self._path, what, why)


def _first_packets(path: str, streams: Collection[int]) -> dict[int, Packet[Stream]]:
    """The first packet of each of the streams that begin with the file, by index."""
    found: dict[int, Packet[Stream]] = {}
    begin = None
    with av.open(f"file:{path}", "r") as file, suppress(*FFMPEG_ERRORS):
        for packet in file.demux():
            if len(found) == len(streams):
                break
            if packet.size and packet.stream.index in streams:
                found.setdefault(packet.stream.index, packet)
            if packet.dts is not None:
                seconds = packet.dts * packet.time_base
                begin = seconds if begin is None else begin
                if seconds > begin + _LATEST_START_S:
                    break
    return found


def _fault(stream: Stream, first: Packet[Stream] | None, output_format: str) -> str | None:
    """Why a file of the format cannot hold `stream`, whose first packet is `first`."""
    if stream.disposition & Disposition.attached_pic:
        return "it is a still of the unprocessed picture"
    if first is None and output_format == "mp4":
        return f"it does not begin in the first {_LATEST_START_S} s; an .mkv might hold it"
    options = {"movflags": "frag_keyframe+empty_moov+delay_moov"} if output_format == "mp4" else {}
    attempt = av.open(io.BytesIO(), "w", format=output_format, options=options)
    try:
        copy = attempt.add_stream_from_template(stream)
        attempt.start_encoding()
        if first is not None:
            for packet in _filtered(first, _adts_filter(stream, output_format)):
                packet.stream = copy
                attempt.mux(packet)
        attempt.close()
    except (*FFMPEG_ERRORS, ValueError):
        return f"{output_format} cannot hold it"
    return None


def _adts_filter(stream: Stream, output_format: str) -> BitStreamFilterContext | None:
    """What takes AAC packets' own headers off for an mp4; FFmpeg fails to for a fragmented one."""
    context = stream.codec_context
    if output_format == "mp4" and context and context.name == "aac" and not context.extradata:
        return BitStreamFilterContext("aac_adtstoasc", stream)
    return None


def _filtered(
    packet: Packet[Stream], bitstream_filter: BitStreamFilterContext | None
) -> list[Packet[Stream]]:
    if bitstream_filter is None:
        return [packet]
    time_base = packet.time_base  # lost to the filter, with all that the packet held
    packets = bitstream_filter.filter(packet)
    for filtered in packets:
        filtered.time_base = time_base
    return packets
