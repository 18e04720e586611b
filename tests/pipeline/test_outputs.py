import _thread
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from rtsdb.errors import HangsError, RtsdbError
from rtsdb.pipeline import outputs
from rtsdb.pipeline.outputs import close_output
from rtsdb.pipeline.stage import Patience
from tests.pipeline.doubles import FakeSink
from tests.pipeline.running import await_that


@dataclass
class Closing(FakeSink):
    """Does `finish` when it is closed."""

    finish: Callable[[], object] = lambda: None
    closed: bool = False

    def close(self) -> None:
        self.finish()
        self.closed = True


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each patience with a sink so far."""
    found: list[float] = []

    def noted(seconds: float) -> Patience:
        found.append(seconds)
        return Patience()

    monkeypatch.setattr(outputs, "Patience", noted)
    return found


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What a hanging sink waits for."""
    event = threading.Event()
    yield event
    event.set()


def test_ctrl_c_does_not_cut_a_file_off_that_is_being_finished(waits: list[float]) -> None:
    def interrupted() -> None:
        await_that(lambda: len(waits) == 1)
        _thread.interrupt_main()
        await_that(lambda: len(waits) == 2)

    sink = Closing(finish=interrupted)
    close_output(sink)
    assert sink.closed
    assert waits == [30.0, 4.0]


def test_one_that_hangs_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, release: threading.Event
) -> None:
    monkeypatch.setattr(outputs, "FIRST", 0.2)
    sink = Closing(finish=lambda: release.wait(60))
    with pytest.raises(HangsError, match=r"^closing: could not be finished in"):
        close_output(sink)
    assert sink.left_behind
    assert not sink.closed


def test_what_closing_raises_is_raised() -> None:
    def full() -> None:
        raise RtsdbError("out.mp4: writing failed (no space left on device)")

    with pytest.raises(RtsdbError, match=r"^out\.mp4: writing failed"):
        close_output(Closing(finish=full))
