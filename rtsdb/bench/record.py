"""What counts of a turn: the frames after those that fill and warm up, and the load meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

from rtsdb.bench.load import LoadMeter
from rtsdb.bench.model import Load
from rtsdb.resource import Resource

LEAST = 3
"""Frames that count at least, however long they take."""


class Record(Resource):
    """Takes the frames of a turn as they finish, and tells when it has enough.

    Nothing is under way when a turn begins, so that its first frames wait for less than all
    others. The first `fill` frames, and those of the first `warmup` seconds, are kept apart. The
    frames after them count until `seconds` are over, and none after that. on_gpu: whether the load
    of a GPU is of interest.

    filled_ms, frames_ms: whole ways of the frames that do not count, and of those that do.
    stages_ms: by stage, of the latter. load: of exactly the time that counts, None before its end.
    """

    def __init__(self, *, fill: int, warmup: float, seconds: float, on_gpu: bool = False) -> None:
        self._fill, self._warmup, self._seconds = fill, warmup, seconds
        self._on_gpu = on_gpu
        self._meter: LoadMeter | None = None
        self._first: float | None = None  # when the first frame was finished
        self._began = self._ended = 0.0
        self.filled_ms: list[float] = []
        self.frames_ms: list[float] = []
        self.stages_ms: dict[str, list[float]] = {}
        self.load: Load | None = None

    def add(self, seconds: float, stages: Mapping[str, float]) -> None:
        """Take a frame that has just finished. seconds: of its whole way. stages: of each part."""
        now = perf_counter()
        if self.is_over:
            return
        if self._meter is None:
            self._first = now if self._first is None else self._first
            self.filled_ms.append(1000 * seconds)
            if len(self.filled_ms) >= self._fill and now - self._first >= self._warmup:
                self._meter = LoadMeter(gpu=self._on_gpu)
                self._began = perf_counter()
            return
        self.frames_ms.append(1000 * seconds)
        for name, part in stages.items():
            self.stages_ms.setdefault(name, []).append(1000 * part)
        self._ended = now
        if now - self._began >= self._seconds and len(self.frames_ms) >= LEAST:
            self.load = self._meter.load(frames=len(self.frames_ms))

    @property
    def is_over(self) -> bool:
        """Whether no more frames are wanted."""
        return self.load is not None

    @property
    def fps(self) -> float:
        """Frames that count per second of the time that counts."""
        return len(self.frames_ms) / (self._ended - self._began)

    def close(self) -> None:
        """Stop watching the load; safe to call twice."""
        if self._meter is not None:
            self._meter.close()
