"""The preallocated frames that travel through the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rtsdb.engine.base import Result
from rtsdb.pipeline.latency import Trace
from rtsdb.pipeline.queues import BoundedQueue
from rtsdb.video.frame import Image, Labels, SourceInfo, Stamp


@dataclass
class Passage:
    """Room for one frame on its way, used again and again.

    frame: what the engine gets. clean: the frame before simulated noise, the same array as
    `frame` where none is simulated. truth: ground-truth labels, where the source has them.
    stamp, ticket, result: set by the stages as the frame passes them.
    """

    frame: Image
    clean: Image
    truth: Labels | None
    trace: Trace = field(default_factory=Trace)
    stamp: Stamp | None = None
    ticket: int | None = None
    result: Result | None = None


def make_ring(source: SourceInfo, size: int, *, simulated: bool) -> BoundedQueue[Passage]:
    """A queue of `size` free passages for frames of `source`."""
    shape = (source.height, source.width)
    ring = BoundedQueue[Passage](size)
    for _ in range(size):
        frame = np.zeros((*shape, 3), np.uint8)
        clean = np.zeros_like(frame) if simulated else frame
        truth = np.zeros(shape, np.uint8) if source.truth else None
        ring.put(Passage(frame, clean, truth))
    return ring
