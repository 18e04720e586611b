"""One frame under way: upload, compute, download, each in a stream of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rtsdb.engine.base import Result, Timings
from rtsdb.engine.cuda.buffers import Bindings, Buffers
from rtsdb.engine.cuda.driver import driver
from rtsdb.noise import NoiseLevel
from rtsdb.video.frame import Image

Enqueue = Callable[[int, Bindings], None]
"""Enqueues the network on a stream, given by its handle, to read and write `Bindings`."""

_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: others wait for the null stream, these do not


def _stream() -> Any:
    return driver().Stream(_NON_BLOCKING)


def _event() -> Any:
    """One that a waiting thread sleeps on, for other threads need the processor."""
    return driver().Event(driver().event_flags.BLOCKING_SYNC)


@dataclass(frozen=True)
class Streams:
    """The lanes that all slots share, so that three frames can be in three stages at once."""

    upload: Any = field(default_factory=_stream)
    compute: Any = field(default_factory=_stream)
    download: Any = field(default_factory=_stream)

    def synchronize(self) -> None:
        """Wait for everything that was enqueued."""
        for stream in (self.upload, self.compute, self.download):
            stream.synchronize()


@dataclass(frozen=True)
class Stage:
    """When a stage's work began and ended on the GPU."""

    began: Any = field(default_factory=_event)
    ended: Any = field(default_factory=_event)

    @contextmanager
    def on(self, stream: Any) -> Iterator[None]:
        """What is enqueued on `stream` inside is this stage's work."""
        self.began.record(stream)
        yield
        self.ended.record(stream)

    @property
    def seconds(self) -> float:
        """How long the work took, once it is done."""
        return float(self.ended.time_since(self.began)) / 1000.0


class Slot:
    """Buffers of one frame, the network that reads and writes them, and how far they are."""

    def __init__(self, buffers: Buffers, enqueue: Enqueue, streams: Streams) -> None:
        self.buffers, self._enqueue, self._streams = buffers, enqueue, streams
        self.upload, self.compute, self.download = Stage(), Stage(), Stage()
        self._filled = 0.0
        self._under_way = False

    def start(self, frame: Image, noise: NoiseLevel) -> None:
        """Fill the buffers, on which nothing is pending, and enqueue all three stages."""
        before = time.perf_counter()
        self.buffers.fill(frame, noise)
        self._filled = time.perf_counter() - before
        self._under_way = True
        streams = self._streams
        with self.upload.on(streams.upload):
            self.buffers.upload(streams.upload)
        streams.compute.wait_for_event(self.upload.ended)
        with self.compute.on(streams.compute):
            self._enqueue(streams.compute.handle, self.buffers.bindings)
        streams.download.wait_for_event(self.compute.ended)
        with self.download.on(streams.download):
            self.buffers.download(streams.download)

    def finish(self) -> None:
        """Wait until nothing is pending on the buffers."""
        if self._under_way:
            self.download.ended.synchronize()
        self._under_way = False

    def result(self) -> Result:
        """Wait for the frame that was started."""
        self.finish()
        before = time.perf_counter()
        denoised, labels = self.buffers.collect()
        collected = time.perf_counter() - before
        timings = Timings(
            gather=self._filled + self.upload.seconds,
            infer=self.compute.seconds,
            stitch=self.download.seconds + collected,
        )
        return Result(denoised, labels, timings)
