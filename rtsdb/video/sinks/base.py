"""What every receiver of finished frames looks like to the pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from rtsdb.resource import Resource
from rtsdb.video.frame import FrameResult, SourceInfo

Picture = Literal["noisy", "denoised", "labels", "view"]
"""An array of a FrameResult."""

Policy = Literal["block", "drop"]
"""What happens to frames that a sink is too slow for: the rest waits for it, or it misses them."""


class Sink(Resource, ABC):
    """A file, a folder, a window or nothing: opened with the source's facts, fed, closed.

    Used by one thread at a time. `close` finishes what was begun (a file's index, say), also
    after an error elsewhere, so that whatever was written stays usable.
    """

    uses: frozenset[Picture] = frozenset({"view"})
    """The arrays that `write` reads; others need not be made."""

    policy: Policy = "block"
    """What `FanOut` does when this sink falls behind."""

    ends_hanging: bool = False
    """Whether `write` itself gives up what hangs, so that nobody need watch it."""

    @property
    def wants_view(self) -> bool:
        """Whether `write` needs `FrameResult.view`; the render stage is skipped where not."""
        return "view" in self.uses

    @abstractmethod
    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Prepare for frames of `source` whose view is view_size = (width, height) pixels.

        Frames of another size may follow, when a camera comes back with one: a video shows
        them scaled to its own.
        """

    @abstractmethod
    def write(self, result: FrameResult) -> bool:
        """Take one frame, in order; False: the person watching asked to stop."""

    def idle(self) -> bool:
        """Do what has to go on without frames, such as reading keys; False as for `write`.

        Called in the thread of `write`, some twenty times a second while no frame comes.
        """
        return True

    def stages_wanted(self) -> int | None:
        """Blocks K that the person watching has asked for since the last call; from any thread."""
        return None

    def hurry(self, patience: float) -> None:
        """The run ends: wait for nothing longer than so many seconds; from any thread."""

    def close(self) -> None:
        """Finish and give back files; safe to call twice, and without `open`."""

    @property
    def location(self) -> str | None:
        """Where the output lies, for the summary; None where nothing is kept."""
        return None

    @property
    def name(self) -> str:
        """What messages and the summary call this sink."""
        return self.location or type(self).__name__.removesuffix("Sink").lower()
