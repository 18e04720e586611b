"""Some seconds of a recording, processed: what the journal knows of them, and their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import takewhile
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from rtsdb.errors import RtsdbError
from rtsdb.recordings.plan import Recording, pieces_folder
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.frame import Stamp


@dataclass(frozen=True)
class Segment:
    """Frames in a row: number of the first in the recording, and their times.

    pts: of each frame, in units of time_base (seconds), as the source gave them.
    """

    first: int
    time_base: Fraction
    pts: tuple[int, ...]

    @property
    def end(self) -> int:
        """Number of the first frame behind it."""
        return self.first + len(self.pts)

    @property
    def stamps(self) -> list[Stamp]:
        """Those of all its frames."""
        return [Stamp(self.first + n, pts, self.time_base) for n, pts in enumerate(self.pts)]


def segment_path(output: Path, number: int) -> Path:
    """The file of segment `number` of an output.

    >>> str(segment_path(Path("out/drive.mp4"), 7))
    'out/.rtsdb/drive.mp4/000007.mp4'
    """
    return pieces_folder(output) / f"{number:06d}{output.suffix}"


def count_whole(recording: Recording, segments: Sequence[Segment]) -> int:
    """How many of the segments, from the first on, have all their files."""

    def is_there(number: int) -> bool:
        return all(segment_path(output, number).is_file() for output in recording.outputs)

    return sum(1 for _ in takewhile(is_there, range(len(segments))))


def discard_rest(recording: Recording, segments: int) -> None:
    """Remove what lies beside the first `segments` segments: pieces that were not finished."""
    for output in recording.outputs:
        folder = pieces_folder(output)
        kept = {segment_path(output, number) for number in range(segments)}
        for path in folder.iterdir() if folder.is_dir() else ():
            if path not in kept:
                path.unlink()


@contextmanager
def open_segment(
    output: Path, number: int
) -> Iterator[tuple[VideoStream, list[Packet[VideoStream]]]]:
    """The stream of a segment's video file, and its packets, one a frame.

    Raises RtsdbError where it cannot be read.
    """
    path = segment_path(output, number)
    with ExitStack() as opened:
        try:
            file = opened.enter_context(av.open(f"file:{path}", "r"))
            stream = file.streams.video[0]
            packets = [packet for packet in file.demux(stream) if packet.size]
        except (*FFMPEG_ERRORS, IndexError) as error:
            raise damaged(path, reason(error)) from None
        yield stream, packets


def check_segment(output: Path, number: int, frames: int) -> None:
    """Raise RtsdbError where a segment's video has not all frames, or is unlike the first one."""
    with (
        open_segment(output, number) as (stream, packets),
        open_segment(output, 0) as (first, _),
    ):
        if len(packets) != frames:
            raise damaged(segment_path(output, number), f"{len(packets)} of {frames} frames")
        if _kind(stream) != _kind(first):
            raise RtsdbError(
                f"{output}: cannot go on, as it was begun with another encoder; use that, or "
                f"remove {pieces_folder(output)} to start this file anew"
            )


def damaged(path: Path, how: str) -> RtsdbError:
    """What to raise for a segment's file that is not what was written."""
    return RtsdbError(f"{path}: is damaged ({how}); remove it, and run again to make it anew")


def not_written(output: Path, error: RtsdbError | OSError) -> RtsdbError:
    """What to raise for an output where writing one of its pieces failed with `error`."""
    cause = error.__cause__ if isinstance(error, RtsdbError) else error
    if isinstance(error, RtsdbError) and not isinstance(cause, FFMPEG_ERRORS):
        return error
    assert cause is not None
    return RtsdbError(f"{output}: writing failed ({reason(cause)}); make room and run again")


def _kind(stream: VideoStream) -> tuple[str, bytes | None]:
    """What packets must have in common to be decoded as one stream."""
    return stream.codec_context.name, stream.codec_context.extradata
