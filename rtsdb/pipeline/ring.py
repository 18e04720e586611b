"""The preallocated frames that travel through the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rtsdb.engine.base import Result
from rtsdb.noise import NoiseLevel
from rtsdb.pipeline.latency import Trace
from rtsdb.video.frame import Image, Labels, SourceInfo, Stamp


@dataclass
class Passage:
    """Room for one frame on its way, used again and again.

    frame: what the engine gets. clean: the frame before simulated noise, the same array as
    `frame` where none is simulated. truth: ground-truth labels, where the source has them.
    stamp, noise, ticket, result: set by the stages as the frame passes them. failure: why the
    engine did not take it.
    """

    frame: Image
    clean: Image
    truth: Labels | None
    trace: Trace = field(default_factory=Trace)
    stamp: Stamp | None = None
    noise: NoiseLevel | None = None
    ticket: int | None = None
    result: Result | None = None
    failure: Exception | None = None


def make_passage(source: SourceInfo, *, simulated: bool) -> Passage:
    """A free passage for frames of `source`, to which noise is added or not."""
    shape = (source.height, source.width)
    frame = np.zeros((*shape, 3), np.uint8)
    clean = np.zeros_like(frame) if simulated else frame
    truth = np.zeros(shape, np.uint8) if source.truth else None
    return Passage(frame, clean, truth)
