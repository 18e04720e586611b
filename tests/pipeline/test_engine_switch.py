import threading
from collections.abc import Iterator

import pytest

from rtsdb.errors import UsageError
from rtsdb.pipeline.engine_switch import EngineSwitch
from tests.pipeline.doubles import FakeEngine, FakeSink, FakeSource
from tests.pipeline.running import await_that, run

SIZE = (64, 96)


class Loader:
    """Opens a double for each K; one of `held` is waited for until `go` is set."""

    def __init__(self, *held: int) -> None:
        self.held = held
        self.go = threading.Event()
        self.opened: list[tuple[int, FakeEngine]] = []

    def __call__(self, stages: int) -> FakeEngine:
        if stages == 3:
            raise UsageError("mine.onnx: has one block")
        if stages in self.held:
            self.go.wait(60)
        self.opened.append((stages, FakeEngine()))
        return self.opened[-1][1]


@pytest.fixture
def loader() -> Iterator[Loader]:
    loader = Loader()
    yield loader
    loader.go.set()


def await_loaded() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("load K="):
            thread.join(60)


def test_an_engine_is_prepared_before_it_can_be_taken(loader: Loader) -> None:
    loader.held = (2,)
    with EngineSwitch(loader, stages=1) as switch:
        switch.ask(2, SIZE)
        assert not switch.ready
        loader.go.set()
        await_loaded()
        engine = switch.take()
        assert engine is loader.opened[0][1]
        assert engine.prepared == [SIZE]
        assert not switch.ready
        assert not engine.closed
    assert engine.closed


def test_the_engine_in_use_is_not_loaded_again(loader: Loader) -> None:
    with EngineSwitch(loader, stages=1) as switch:
        switch.ask(1, SIZE)
        await_loaded()
        assert not loader.opened


def test_the_last_one_asked_for_counts(loader: Loader) -> None:
    loader.held = (2,)
    with EngineSwitch(loader, stages=2) as switch:
        switch.ask(1, SIZE)
        await_loaded()
        switch.ask(2, SIZE)  # the one in use
        assert not switch.ready
        assert switch.take() is None
        switch.ask(1, SIZE)
        await_loaded()
        assert switch.take() is loader.opened[1][1]
    assert [engine.closed for _, engine in loader.opened] == [True, True]


def test_one_that_comes_too_late_is_closed(loader: Loader) -> None:
    loader.held = (2,)
    switch = EngineSwitch(loader, stages=1)
    switch.ask(2, SIZE)
    switch.close()
    loader.go.set()
    await_loaded()
    assert not switch.ready
    assert loader.opened[0][1].closed


def test_one_that_cannot_be_loaded_is_a_line_and_can_be_asked_for_again(
    loader: Loader, caplog: pytest.LogCaptureFixture
) -> None:
    with EngineSwitch(loader, stages=1) as switch:
        for _ in range(2):
            switch.ask(3, SIZE)
            await_loaded()
            assert not switch.ready
    assert caplog.messages == ["no change to 3 blocks: mine.onnx: has one block"] * 2


@pytest.mark.parametrize("live", [True, False])
def test_a_key_changes_the_engine_between_two_frames(
    loader: Loader, caplog: pytest.LogCaptureFixture, live: bool
) -> None:
    first, sink, source = FakeEngine(), FakeSink(), FakeSource(60, live=live)
    presses = {2: 5, 3: 30}

    def press(index: int) -> None:
        for key in [key for key, when in presses.items() if index >= when]:
            del presses[key]
            sink.asked = key

    def pause(index: int) -> None:
        """Let no frame come before what was asked for has been dealt with."""
        if index == 20:
            await_that(lambda: switch.ready or first.closed)
        if index == 50:
            await_that(lambda: "no change" in caplog.text)

    sink.hook, source.hook = press, pause
    with EngineSwitch(loader, stages=1) as switch:
        summary = run(source, first, sink, switch=switch)
    ((stages, second),) = loader.opened
    assert stages == 2
    assert first.closed
    assert second.closed
    assert first.submitted + second.submitted == summary.frames == len(sink.written)
    assert first.submitted > 0
    assert second.submitted >= len([index for index in sink.indices() if index > 20]) > 0
    for stamp, least, most in sink.written:
        assert least == most == 100 + stamp.index
    if not live:
        assert sink.indices() == list(range(60))
    assert summary.frames + summary.dropped["queue"] == 60
    assert "from here on with fake K=1, fake fp32" in caplog.messages
    assert "no change to 3 blocks: mine.onnx: has one block" in caplog.messages
