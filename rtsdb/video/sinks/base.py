"""What every receiver of finished frames looks like to the pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod

from rtsdb.resource import Resource
from rtsdb.video.frame import FrameResult, SourceInfo


class Sink(Resource, ABC):
    """A file, a folder, a window or nothing: opened with the source's facts, fed, closed.

    Used by one thread at a time. `close` finishes what was begun (a file's index, say), also
    after an error elsewhere, so that whatever was written stays usable.
    """

    wants_view: bool = True
    """Whether `write` needs `FrameResult.view`; the render stage is skipped where not."""

    @abstractmethod
    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Prepare for frames of `source` whose view is view_size = (width, height) pixels."""

    @abstractmethod
    def write(self, result: FrameResult) -> bool:
        """Take one frame, in order; False: the person watching asked to stop."""

    def close(self) -> None:
        """Finish and give back files; safe to call twice, and without `open`."""

    @property
    def location(self) -> str | None:
        """Where the output lies, for the summary; None where nothing is kept."""
        return None
