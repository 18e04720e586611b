"""A camera that misbehaves by a script; `rtsdb.video.sources.live.LiveSource` connects to it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from fractions import Fraction
from itertools import count, cycle
from time import perf_counter

from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from rtsdb.bench.frames import draw_frames
from rtsdb.video.colour import to_yuv
from rtsdb.video.sources.live import Connection

RATE = 20
SIZES = ((320, 192), (256, 160), (384, 224))
EVERY = 15.0
"""Seconds from the end of one fault to the next."""

SILENCE = 2.0
"""Seconds of pictures that come late, in one go."""

FAULTS = {
    "lost": "breaks, refuses once, comes back with the picture that it broke after",
    "burst": f"silent for {SILENCE:.0f} s, whose pictures then come in one go",
    "new size": "the next picture has another size",
    "silent": "gives nothing more, until it is opened again",
    "lost, new size": "breaks, refuses once, comes back with another size",
    "repeats": "the same picture five times more",
}


class FaultyCamera:
    """Noisy street pictures, RATE a second, with one of FAULTS every 15 s, in turn.

    given: pictures handed over so far, whatever became of them. faults: by name, how often.
    opened: to be set when a connection's first picture has been seen: only then more come, so
    that none is lost uncounted. over: once set, no more pictures come.
    """

    def __init__(self) -> None:
        self.given = 0
        self.faults: Counter[str] = Counter()
        self.opened = threading.Event()
        self.over = threading.Event()
        reformatter = VideoReformatter()
        self._pictures = {
            size: [to_yuv(image, reformatter).to_ndarray() for image in draw_frames(*size, count=8)]
            for size in SIZES
        }
        self._sizes, self._names = cycle(SIZES), cycle(FAULTS)
        self._size = next(self._sizes)
        self._next_fault = perf_counter() + EVERY
        self._refuses = False
        self._first = self._number = 0

    def connect(self, stop: threading.Event) -> Connection:
        """Open it; OSError where it refuses."""
        if self._refuses:
            self._refuses = False
            raise OSError("still unplugged")
        self.opened.clear()
        return Connection(self._run(stop), Fraction(1, RATE), Fraction(RATE), lambda: None)

    def _run(self, stop: threading.Event) -> Generator[VideoFrame, None, None]:
        yield self._picture(self._first)
        self.opened.wait()
        begin, behind = perf_counter(), self._number
        for number in count(behind + 1):
            wait = begin + (number - behind) / RATE - perf_counter()
            if stop.wait(max(0.0, wait)) or self.over.is_set():
                break
            if perf_counter() >= self._next_fault:
                yield from self._misbehave(stop)
                self._next_fault = perf_counter() + EVERY
            if stop.is_set():
                break
            yield self._picture(number)
        stop.wait()

    def _misbehave(self, stop: threading.Event) -> Generator[VideoFrame, None, None]:
        name = next(self._names)
        self.faults[name] += 1
        if name == "burst":
            stop.wait(SILENCE)  # what is late by then comes without a wait
        elif name == "silent":
            self._first = self._number + RATE
            stop.wait()
        elif name == "repeats":
            for _ in range(5):
                yield self._picture(self._number)
        else:
            if "new size" in name:
                self._size = next(self._sizes)
            if "lost" in name:
                self._first, self._refuses = self._number, True
                self._next_fault = perf_counter() + EVERY
                raise OSError("unplugged")

    def _picture(self, number: int) -> VideoFrame:
        """The picture at `number` intervals, handed over."""
        pictures = self._pictures[self._size]
        picture = VideoFrame.from_ndarray(pictures[number % len(pictures)], format="yuv420p")
        picture.pts = number
        self._number = number
        self.given += 1
        return picture
