"""Running a pipeline of doubles in one line."""

import math
import time
from collections.abc import Callable
from typing import Any

from rtsdb.engine.base import Engine
from rtsdb.pipeline.run import Pipeline
from rtsdb.pipeline.summary import Summary
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sources.base import Source
from tests.pipeline.doubles import FakeEngine, FakeSource, Hook


def run(source: Source, engine: Engine, sink: Sink, **options: Any) -> Summary:
    """Run to the end; unless options say otherwise without views, and with a known noise level.

    Nor does a live frame get too old while the machine does something else.
    """
    options = {"composer": None, "classes": 11, "sigma": 25.0, "max_age": 60.0, **options}
    return Pipeline(source, engine, sink, **options).run()


def await_that(happens: Callable[[], bool]) -> None:
    """Return as soon as it is so; raise where it is not within a minute."""
    end = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.001)


class Clock:
    """Seconds for a watchdog that go by only while a test lets them: 0.25 from look to look."""

    def __init__(self) -> None:
        self._now = self._until = 0.0

    def __call__(self) -> float:
        self._now = min(self._now + 0.25, self._until)
        return self._now

    def run(self) -> None:
        """Something hangs: go on without end."""
        self._until = math.inf

    def spend(self, seconds: float) -> None:
        """Something is slow: return when so many seconds have gone by, and stand still again."""
        self._until += seconds
        await_that(lambda: self._now >= self._until)


def one_by_one(source: FakeSource, engine: FakeEngine) -> Hook:
    """What makes frames of a live source come when the engine has those before: none is dropped."""

    def hook(index: int) -> None:
        await_that(lambda: engine.submitted >= index or source.interrupted.is_set())

    return hook


def fail_at(index: int, error: BaseException) -> Hook:
    """What raises `error` for the frame with that index."""

    def hook(now: int) -> None:
        if now == index:
            raise error

    return hook


def fail_from(index: int, error: BaseException) -> Hook:
    """What raises `error` for the frame with that index, and all after it."""

    def hook(now: int) -> None:
        if now >= index:
            raise error

    return hook
