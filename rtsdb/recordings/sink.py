"""The sink of a recording: it cuts what comes into segments and makes each of them safe."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from rtsdb.classes import ClassSet
from rtsdb.errors import RtsdbError
from rtsdb.recordings.journal import Journal
from rtsdb.recordings.plan import Recording, pieces_folder
from rtsdb.recordings.segment import (
    Segment,
    check_segment,
    discard_rest,
    not_written,
    segment_path,
)
from rtsdb.resource import Resource
from rtsdb.video.frame import FrameResult, SourceInfo, Stamp
from rtsdb.video.sinks.base import Picture, Sink
from rtsdb.video.sinks.container_file import ContainerFile
from rtsdb.video.sinks.encoding import Encoding, LabelEncoding, ViewEncoding
from rtsdb.video.sinks.metadata import MetadataSink
from rtsdb.video.sinks.options import SinkOptions

SEGMENT_S = 4
"""Seconds of video in a segment, the most that a kill costs. They are two of the encoder's key
frame intervals, so that the cuts make no file larger."""


class SegmentSink(Sink):
    """Writes a recording's video, labels and metadata in segments of `SEGMENT_S`.

    A segment is in the journal as soon as all its files are whole and on the disk. The frames
    must be those behind the ones that the journal has. `close` makes a segment of the last ones,
    so that Ctrl-C and a source that breaks off cost nothing. What could not be written is taken
    away.
    """

    def __init__(self, recording: Recording, journal: Journal, options: SinkOptions) -> None:
        self._recording, self._journal, self._options = recording, journal, options
        self.uses: frozenset[Picture] = frozenset(
            {"view"} if recording.outputs == (recording.video,) else {"view", "labels"}
        )
        self._encodings: dict[Path, Encoding] = {}
        self._files: _SegmentFiles | None = None
        self._stamps: list[Stamp] = []
        self._until = Fraction(0)

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Choose the encoder; UsageError where it does not work here."""
        self._source = source
        video, labels = self._recording.video, self._recording.labels
        self._encodings[video] = ViewEncoding(self._options.encoder, source, view_size)
        if labels is not None:
            self._encodings[labels] = LabelEncoding(source)

    def write(self, result: FrameResult) -> bool:
        """Add a frame; RtsdbError when the disk is full."""
        if self._files is not None and result.stamp.seconds >= self._until:
            self._finish(self._files)
        try:
            if self._files is None:
                self._files = self._begin()
                self._until = result.stamp.seconds + SEGMENT_S
            self._files.write(result)
        except (RtsdbError, OSError) as error:
            raise self._failed(error) from error
        self._stamps.append(result.stamp)
        return True

    def close(self) -> None:
        """Make a segment of the last frames; RtsdbError when the disk is full."""
        if self._files is not None:
            self._finish(self._files)

    @property
    def location(self) -> str | None:
        """Where the segments lie."""
        return str(pieces_folder(self._recording.video))

    def _number(self) -> int:
        """Of the segment that is written now."""
        progress = self._journal.progress(self._recording.name)
        assert progress is not None, "the recording is begun before its sink is made"
        return len(progress.segments)

    def _begin(self) -> _SegmentFiles:
        number = self._number()
        for output in self._recording.outputs:
            pieces_folder(output).mkdir(parents=True, exist_ok=True)
        metadata = self._recording.metadata
        return _SegmentFiles(
            self._source,
            {segment_path(output, number): how for output, how in self._encodings.items()},
            None if metadata is None else segment_path(metadata, number),
            self._options.classes,
        )

    def _finish(self, files: _SegmentFiles) -> None:
        """Make what was written a segment."""
        number, stamps = self._number(), self._stamps
        try:
            files.close()
            for output in self._encodings:
                check_segment(output, number, len(stamps))
            pts = tuple(stamp.pts for stamp in stamps)
            segment = Segment(stamps[0].index, stamps[0].time_base, pts)
            self._journal.add(self._recording.name, segment)
        except (RtsdbError, OSError) as error:
            raise self._failed(error) from error
        self._files, self._stamps = None, []

    def _failed(self, error: RtsdbError | OSError) -> RtsdbError:
        """Take the segment away, and say why."""
        files, self._files, self._stamps = self._files, None, []
        with suppress(RtsdbError, OSError):
            if files is not None:
                files.close()
        with suppress(OSError):
            discard_rest(self._recording, self._number())
        return not_written(self._recording.video, error)


class _SegmentFiles(Resource):
    """The files of one segment."""

    def __init__(
        self,
        source: SourceInfo,
        videos: Mapping[Path, Encoding],
        metadata: Path | None,
        classes: ClassSet,
    ) -> None:
        # Times as those of a live source: from zero on. The journal has the true ones.
        from_zero = replace(source, live=True)
        self._videos = [
            (ContainerFile(path, from_zero, encoding.add_stream), encoding)
            for path, encoding in videos.items()
        ]
        self._metadata = None if metadata is None else MetadataSink(metadata, classes)
        if self._metadata is not None:
            self._metadata.open(source, (source.width, source.height))

    def write(self, result: FrameResult) -> None:
        for file, encoding in self._videos:
            file.write(encoding.frame(result), result.stamp)
        if self._metadata is not None:
            self._metadata.write(result)

    def close(self) -> None:
        for file, _ in self._videos:
            file.close()
        if self._metadata is not None:
            self._metadata.close()
