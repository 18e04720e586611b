"""A sink that keeps nothing."""

from __future__ import annotations

from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.base import Picture, Sink


class NullSink(Sink):
    """Takes frames and forgets them, to time the rest of the pipeline."""

    uses: frozenset[Picture] = frozenset()

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Nothing to prepare."""

    def write(self, result: FrameResult) -> bool:
        """Forget the frame."""
        return True
