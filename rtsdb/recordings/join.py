"""From the segments of a recording to its outputs: packets are copied, nothing is encoded anew."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from av.container import OutputContainer
from av.video.stream import VideoStream

from rtsdb.errors import RtsdbError
from rtsdb.recordings.plan import Recording, pieces_folder
from rtsdb.recordings.segment import (
    Segment,
    check_segment,
    discard_rest,
    not_written,
    open_segment,
    segment_path,
)
from rtsdb.video.frame import SourceInfo
from rtsdb.video.sinks.atomic_file import AtomicFile, sync_folder
from rtsdb.video.sinks.container_file import ContainerFile


def join(recording: Recording, segments: Sequence[Segment]) -> None:
    """Make the files of a recording whole, beside their segments, under a name of `joined`.

    The frames get the source's times, exactly (an .mkv rounds them to milliseconds); sound, data
    and tags come from the source. Raises RtsdbError, among others when the disk is full; then
    nothing but the segments is left.
    """
    try:
        _join_video(recording.video, segments, files=(str(recording.source),))
        if recording.labels is not None:
            _join_video(recording.labels, segments, files=())
        if recording.metadata is not None:
            _join_lines(recording.metadata, len(segments))
    except (RtsdbError, OSError) as error:
        with suppress(OSError):
            discard_rest(recording, len(segments))
        raise not_written(recording.video, error) from error


def publish(recording: Recording) -> None:
    """Give what `join` made its names, each in one piece; OSError where that fails."""
    for output in recording.outputs:
        os.replace(joined_path(output), output)
        sync_folder(output.parent)


def discard(recording: Recording) -> None:
    """Remove the segments of a recording that is published."""
    for output in recording.outputs:
        folder = pieces_folder(output)
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # not empty: the journal is there, or other segments
            folder.parent.rmdir()


def joined_path(output: Path) -> Path:
    """Where an output is put together."""
    return pieces_folder(output) / f"joined{output.suffix}"


def _join_video(output: Path, segments: Sequence[Segment], files: tuple[str, ...]) -> None:
    """files: what else to copy from, the source or nothing."""
    with open_segment(output, 0) as (template, _):

        def add_stream(container: OutputContainer, time_base: Fraction) -> VideoStream:
            stream = container.add_stream_from_template(template, opaque=True)
            stream.time_base = time_base
            if template.average_rate is not None:
                stream.codec_context.framerate = template.average_rate
            return stream

        info = SourceInfo(output.name, template.width, template.height, files=files)
        with ContainerFile(joined_path(output), info, add_stream, copy=bool(files)) as file:
            for number, segment in enumerate(segments):
                check_segment(output, number, len(segment.pts))
                with open_segment(output, number) as (_, packets):
                    for packet, stamp in zip(packets, segment.stamps, strict=True):
                        file.copy(packet, stamp)


def _join_lines(output: Path, segments: int) -> None:
    with AtomicFile(joined_path(output)) as file:
        for number in range(segments):
            file.write(segment_path(output, number).read_bytes())
        file.commit()
