"""Running a pipeline of doubles in one line."""

from typing import Any

from rtsdb.engine.base import Engine
from rtsdb.pipeline.run import Pipeline
from rtsdb.pipeline.summary import Summary
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sources.base import Source
from tests.pipeline.doubles import Hook


def run(source: Source, engine: Engine, sink: Sink, **options: Any) -> Summary:
    """Run to the end: without views, with a known noise level unless options say otherwise."""
    options = {"composer": None, "classes": 11, "sigma": 25.0, **options}
    return Pipeline(source, engine, sink, **options).run()


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
