"""The memory that the process really takes, under a sink ten times too slow."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rtsdb.video.frame import SourceInfo
from rtsdb.video.sinks import FanOut
from rtsdb.video.sinks.base import Sink
from tests.pipeline.doubles import FakeEngine, FakeSink, FakeSource
from tests.pipeline.running import run

WIDTH, HEIGHT = 1280, 720
FRAME = WIDTH * HEIGHT * 3
FRAMES, WARM_UP = 90, 20


def resident() -> int:
    """Bytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def alone(sink: FakeSink) -> Sink:
    return sink


def beside_another(sink: FakeSink) -> Sink:
    sink.policy = "drop"
    return FanOut([sink, FakeSink()])


@pytest.mark.parametrize("arrange", [alone, beside_another])
@pytest.mark.parametrize("live", [True, False])
def test_it_does_not_grow(live: bool, arrange: Callable[[FakeSink], Sink]) -> None:
    source, used = FakeSource(FRAMES, live=live), []
    source.info = SourceInfo("fake", WIDTH, HEIGHT, live=live)

    def produce(_: int) -> None:
        time.sleep(0.001)
        used.append(resident())

    source.hook = produce
    sink = arrange(FakeSink(hook=lambda _: time.sleep(0.01)))
    with sink:
        sink.open(source.info, (WIDTH, HEIGHT))
        run(source, FakeEngine(), sink)
    assert len(used) == FRAMES
    room = (FRAMES - WARM_UP) * FRAME  # 194 MB: what the frames after the warm-up would take
    assert max(used[WARM_UP:]) - used[WARM_UP] < room / 3
