"""A network as an engine runs it."""

from __future__ import annotations

import time

import numpy as np

from rtsdb.engine.base import Engine
from rtsdb.evaluation.subject import Output, Subject
from rtsdb.metrics import Picture
from rtsdb.noise import NoiseLevel
from rtsdb.video.frame import Labels


class EngineSubject(Subject):
    """One engine, opened for `stages` blocks; closed with the subject.

    The time of a frame is that from its submission to its result, one frame at a time.
    """

    labels = True

    def __init__(self, engine: Engine, *, name: str, stages: int) -> None:
        self.name, self.stages, self._engine = name, (stages,), engine
        info = engine.info
        self.about = f"{info.name} {info.precision} on {info.device}"

    def run(self, noisy: Picture, level: NoiseLevel, truth: Labels) -> list[Output]:
        """Process a uint8 frame; `truth` is not looked at."""
        frame = np.ascontiguousarray(noisy, np.uint8)
        self._engine.prepare(*frame.shape[:2])
        before = time.perf_counter()
        ticket = self._engine.submit(frame, level)
        try:
            result = self._engine.result(ticket)
            seconds = time.perf_counter() - before
            return [Output(result.denoised.copy(), result.labels.copy(), seconds)]
        finally:
            self._engine.release(ticket)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()
