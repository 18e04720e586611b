"""A camera that is lost in the middle of a run, and comes back."""

import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from rtsdb.classes import CAMVID
from rtsdb.errors import RtsdbError
from rtsdb.pipeline.stage import StageError
from rtsdb.video.sinks.video_file import VideoFileSink
from rtsdb.video.sources.base import SourceEvents
from rtsdb.video.sources.live import Connection, LiveSource
from rtsdb.video.sources.reconnect import ReconnectingSource
from rtsdb.video.views import ViewComposer
from tests.pipeline.doubles import HEIGHT, WIDTH, FakeEngine
from tests.pipeline.running import await_that, run

PICTURES, INTERVAL_S, GAP_S = 30, 0.025, 0.5


class Camera:
    """Two connections give 30 pictures each, the last of them twice, and are lost.

    A picture comes when the one before it is in the file, `finished` frames being so: none is
    dropped.

    In the first gap it notes how many frames the engine had been given at half of it and at its
    end, and what times the file had that was being written.
    """

    def __init__(self, engine: FakeEngine, part: Path) -> None:
        self.engine, self.part = engine, part
        self.events, self.stop = SourceEvents(), threading.Event()
        self.connections = 0
        self.finished = 0
        self.inferred: list[int] = []
        self.kept: list[Fraction] = []

    def open(self) -> ReconnectingSource:
        return ReconnectingSource(
            self.connect, attempts=1, stop=self.stop, events=self.events, wait=self.wait
        )

    def connect(self) -> LiveSource:
        self.connections += 1
        if self.connections > 2:
            raise RtsdbError("cam: not there")
        return LiveSource("cam", self.begin, stop=self.stop, events=self.events, patience=60.0)

    def begin(self, stop: threading.Event) -> Connection:
        return Connection(self.pictures(stop), Fraction(1, 1000), Fraction(100), lambda: None)

    def pictures(self, stop: threading.Event) -> Iterator[VideoFrame]:
        for number in (*range(PICTURES), PICTURES - 1):
            stop.wait(INTERVAL_S)
            image = np.full((HEIGHT, WIDTH, 3), 100 * self.connections + number, np.uint8)
            frame = VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = round(1000 * INTERVAL_S) * number
            yield frame
            given = PICTURES * (self.connections - 1) + number + 1
            await_that(partial(self.has_finished, given, stop))
        raise ConnectionResetError("cable pulled")

    def has_finished(self, frames: int, stop: threading.Event) -> bool:
        return self.finished >= frames or stop.is_set()

    def note(self, finished: int) -> None:
        self.finished = finished

    def wait(self, _: float) -> bool:
        if not self.inferred:
            for _half in range(2):
                for _step in range(25):  # or the process could be stopped for all of it
                    self.stop.wait(GAP_S / 50)
                self.inferred.append(self.engine.submitted)
            self.kept = times_in(self.part)
        return False


def times_in(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def test_nothing_is_computed_in_the_gap_and_the_file_is_whole(tmp_path: Path) -> None:
    engine, out = FakeEngine(), tmp_path / "out.mp4"
    camera = Camera(engine, tmp_path / "out.mp4.part")
    with camera.open() as source, VideoFileSink(out, "x264") as sink:
        sink.open(source.info, (WIDTH, HEIGHT))
        with pytest.raises(StageError, match=r"capture stage: cam: .*gave up after 1 tries"):
            run(
                source,
                engine,
                sink,
                composer=lambda size: ViewComposer("denoised", size, CAMVID),
                max_age=60.0,
                progress=camera.note,
            )
    times = times_in(out)
    before, after = camera.inferred
    assert 0 < before == after < engine.submitted == len(times)
    assert camera.events.dropped["repeated"] == 2
    assert len(times) + camera.events.dropped["source"] <= 2 * PICTURES
    assert camera.kept == times[: len(camera.kept)] != []
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) > 0
    assert sorted(gaps)[-1] >= GAP_S
    assert gaps.index(max(gaps)) == before - 1
