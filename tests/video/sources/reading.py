"""Reading sources to their end."""

import numpy as np

from rtsdb.video.frame import Stamp
from rtsdb.video.sources.base import Source


def blank(source: Source) -> np.ndarray:
    """An array for one frame of the source."""
    return np.empty((source.info.height, source.info.width, 3), np.uint8)


def read_all(source: Source, stamps: list[Stamp] | None = None) -> list[Stamp]:
    """Stamps of all frames; in `stamps` also those that came before an error."""
    stamps = [] if stamps is None else stamps
    image = blank(source)
    while (stamp := source.read(image)) is not None:
        stamps.append(stamp)
    return stamps
