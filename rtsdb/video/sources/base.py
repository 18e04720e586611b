"""What every source of frames looks like to the pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field

from rtsdb.errors import RtsdbError
from rtsdb.resource import Resource
from rtsdb.video.frame import Image, Labels, SourceInfo, Stamp
from rtsdb.watchdog import Watchdog


class FrameSizeChanged(RtsdbError):
    """The next frame has another size than the frames before it; nothing is lost or broken.

    info: the source's facts from now on, as its own `info` says too. The frame waits in the
    source: the next `read`, into an array of the new size, delivers it.
    """

    def __init__(self, message: str, info: SourceInfo) -> None:
        super().__init__(message)
        self.info = info


@dataclass
class SourceEvents:
    """What befell a live source so far.

    reconnects: how often it came back after a loss. lost_seconds: time without pictures, from
    the last one before each loss to the first one after it. dropped: frames not delivered, by
    cause: 'source' (a newer one came before this one was read), 'damaged' (it could not be
    decoded as it was sent) and 'repeated' (it had been delivered before).
    """

    reconnects: int = 0
    lost_seconds: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)


class Source(Resource, ABC):
    """A camera, a file or a drawn scene: opened on entry, read frame by frame, closed on exit.

    with open_source("clip.mp4") as source:
        image = np.empty((source.info.height, source.info.width, 3), np.uint8)
        while (stamp := source.read(image)) is not None:
            ...

    Used by one thread at a time, but for `interrupt`.
    """

    info: SourceInfo

    watchdog: Watchdog | None = None
    """Is told of each `read` from a disk or a file server, so that another thread may look whether
    that hangs; None where silence is no fault, or the source itself puts an end to it."""

    @abstractmethod
    def read(self, into: Image) -> Stamp | None:
        """Write the next frame into `into` (uint8 [H, W, 3] RGB, maybe a strided view).

        Returns None at the end of the source, or after `interrupt`. Raises FrameSizeChanged
        before a frame whose size differs from `info`, and RtsdbError when the source breaks.
        """

    def read_truth(self, into: Labels) -> bool:
        """Write the labels of the frame read last into `into` (uint8 [H, W]); False: none."""
        return False

    def interrupt(self) -> None:
        """Let a `read` that waits for a frame return None soon; called from any thread."""

    @property
    def events(self) -> SourceEvents:
        """Losses and drops so far; nothing ever happens to sources that are not live."""
        return SourceEvents()
