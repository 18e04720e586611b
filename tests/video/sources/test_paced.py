import numpy as np
import pytest

from rtsdb.video.sources.base import FrameSizeChanged
from rtsdb.video.sources.paced import PacedSource
from tests.pipeline.doubles import HEIGHT, WIDTH, FakeSource


class Clock:
    """Seconds that go by only where something waits."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return False


def read_times(
    source: PacedSource, clock: Clock, *, work: float = 0.0
) -> list[tuple[float, float]]:
    """Presentation time and clock of each frame, with `work` seconds of work after each."""
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    found = []
    while (stamp := source.read(image)) is not None:
        assert stamp.arrived == clock.now
        found.append((float(stamp.seconds), clock.now))
        clock.now += work
    return found


def test_frames_come_at_their_presentation_times() -> None:
    clock = Clock()
    times = read_times(PacedSource(FakeSource(8), clock, clock.wait), clock)
    assert [now - 50 for _, now in times] == pytest.approx([seconds for seconds, _ in times])


def test_a_late_frame_is_not_held_back() -> None:
    clock = Clock()
    times = read_times(PacedSource(FakeSource(8), clock, clock.wait), clock, work=1.0)
    assert [now - 50 for _, now in times] == pytest.approx(list(range(8)))


def test_it_is_live_and_otherwise_the_source() -> None:
    inner = FakeSource(3, truth=True)
    info = PacedSource(inner).info
    assert info.live
    assert info.truth
    assert (info.name, info.width, info.height) == ("fake", WIDTH, HEIGHT)


def test_an_interrupt_ends_the_wait() -> None:
    source = PacedSource(FakeSource(8))
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    assert source.read(image) is not None
    source.interrupt()
    assert source.read(image) is None


def test_a_new_size_is_passed_on_as_live() -> None:
    source = PacedSource(FakeSource(8, sizes={1: (2 * HEIGHT, 2 * WIDTH)}))
    assert source.read(np.empty((HEIGHT, WIDTH, 3), np.uint8)) is not None
    with pytest.raises(FrameSizeChanged) as raised:
        source.read(np.empty((HEIGHT, WIDTH, 3), np.uint8))
    assert raised.value.info.live
    assert source.info == raised.value.info
    assert (source.info.width, source.info.height) == (2 * WIDTH, 2 * HEIGHT)
    assert source.read(np.empty((2 * HEIGHT, 2 * WIDTH, 3), np.uint8)) is not None
