"""What every source of frames looks like to the pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod

from rtsdb.resource import Resource
from rtsdb.video.frame import Image, Labels, SourceInfo, Stamp


class Source(Resource, ABC):
    """A camera, a file or a drawn scene: opened on entry, read frame by frame, closed on exit.

    with open_source("clip.mp4") as source:
        image = np.empty((source.info.height, source.info.width, 3), np.uint8)
        while (stamp := source.read(image)) is not None:
            ...

    Used by one thread at a time.
    """

    info: SourceInfo

    @abstractmethod
    def read(self, into: Image) -> Stamp | None:
        """Write the next frame into `into` (uint8 [H, W, 3] RGB, maybe a strided view).

        Returns None at the end of the source. Raises RtsdbError when the source breaks, or when
        a frame's size differs from `info` (the message says which frame and both sizes).
        """

    def read_truth(self, into: Labels) -> bool:
        """Write the labels of the frame read last into `into` (uint8 [H, W]); False: none."""
        return False
