import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from rtsdb import watchdog
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks import fan_out
from rtsdb.video.sinks.base import Picture, Policy, Sink
from rtsdb.video.sinks.fan_out import FanOut, Outcome
from rtsdb.watchdog import Watchdog
from tests.pipeline.running import Clock, await_that

INFO = SourceInfo("demo", 64, 48)
SIZE = (64, 48)
MakeResult = Callable[..., FrameResult]


def nothing(_: int) -> None:
    pass


@dataclass
class Recorder(Sink):
    """Remembers the index and the brightness of what it got; `hook` runs before each frame."""

    policy: Policy = "block"
    hook: Callable[[int], None] = nothing
    uses: frozenset[Picture] = frozenset({"denoised"})
    name: str = "recorder"
    place: str | None = None
    wanted: bool = True
    got: list[tuple[int, int, int]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    closed: int = 0

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        assert view_size == SIZE

    def write(self, result: FrameResult) -> bool:
        self.threads.add(threading.get_ident())
        self.hook(result.stamp.index)
        picture = result.denoised
        self.got.append((result.stamp.index, int(picture.min()), int(picture.max())))
        return self.wanted

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed += 1

    @property
    def location(self) -> str | None:
        return self.place

    def indices(self) -> list[int]:
        return [index for index, _, _ in self.got]


def fail_from(index: int, error: Exception) -> Callable[[int], None]:
    def hook(now: int) -> None:
        if now >= index:
            raise error

    return hook


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> tuple[Clock, Clock]:
    """Of the first two sinks."""
    made = Clock(), Clock()
    left = iter(made)
    monkeypatch.setattr(fan_out, "Watchdog", lambda: Watchdog(next(left)))
    return made


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What a hanging sink waits for; set at the end, so that no thread is left."""
    event = threading.Event()
    before = set(threading.enumerate())
    yield event
    event.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
    assert set(threading.enumerate()) <= before


def feed(fan: FanOut, frames: int, make_result: MakeResult) -> None:
    """Frames from one array that is written again and again, as the pipeline's are."""
    result = make_result()
    for index in range(frames):
        result.denoised[:] = index % 251
        fan.write(
            FrameResult(
                make_result(index).stamp, result.noisy, result.denoised, result.labels, result.view
            )
        )
    result.denoised[:] = 255


def opened(*sinks: Sink) -> FanOut:
    fan = FanOut(sinks)
    fan.open(INFO, SIZE)
    return fan


def test_every_sink_gets_every_frame_as_it_was(make_result: MakeResult) -> None:
    slow = Recorder(hook=lambda _: time.sleep(0.002))
    sinks = [Recorder(), slow, Recorder()]
    with opened(*sinks) as fan:
        feed(fan, 60, make_result)
    for sink in sinks:
        assert sink.got == [(n, n, n) for n in range(60)]
        assert sink.closed == 1
        assert len(sink.threads) == 1
    assert len(set.union(*(sink.threads for sink in sinks))) == 3


def test_a_slow_window_misses_frames_and_holds_nobody_up(
    make_result: MakeResult, released: threading.Event
) -> None:
    window = Recorder("drop", hook=lambda _: released.wait(60) and None)
    file = Recorder()
    with opened(file, window) as fan:
        feed(fan, 30, make_result)
        released.set()
    assert file.indices() == list(range(30))
    assert window.indices()[-1] == 29
    assert len(window.got) <= 3
    assert fan.outcomes[1].dropped + len(window.got) == 30


def test_copies_are_few_under_a_sink_that_hangs(
    make_result: MakeResult, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    make_copy = fan_out._Copy
    monkeypatch.setattr(fan_out, "_Copy", lambda: made.append(make_copy()) or made[-1])
    window = Recorder("drop", hook=lambda _: released.wait(60) and None)
    with opened(Recorder(), window) as fan:
        feed(fan, 100, make_result)
        assert len(made) <= 6
        released.set()


def test_only_what_is_used_is_copied(make_result: MakeResult) -> None:
    seen: list[FrameResult] = []

    class Keeper(Recorder):
        def write(self, result: FrameResult) -> bool:
            seen.append(result)
            return True

    result = make_result()
    result.latency = {"capture": 1.0}
    with opened(Keeper(uses=frozenset({"labels"})), Keeper(uses=frozenset())) as fan:
        assert not fan.wants_view
        fan.write(result)
        result.latency["encode"] = 2.0
    assert seen[0] is seen[1]
    assert seen[0].labels is not result.labels
    np.testing.assert_array_equal(seen[0].labels, result.labels)
    assert (seen[0].noisy.size, seen[0].denoised.size) == (0, 0)
    assert seen[0].latency == {"capture": 1.0}


def test_frames_may_change_their_size(make_result: MakeResult) -> None:
    sizes = []

    class Measurer(Recorder):
        def write(self, result: FrameResult) -> bool:
            sizes.append(result.denoised.shape[:2])
            return True

    with opened(Measurer()) as fan:
        for size in (SIZE, (32, 16), SIZE):
            fan.write(make_result(size=size))
    assert sizes == [(48, 64), (16, 32), (48, 64)]


def test_a_file_that_fails_leaves_the_others_alone_and_fails_the_run_at_its_end(
    make_result: MakeResult, caplog: pytest.LogCaptureFixture
) -> None:
    file = Recorder(name="a.mp4", place="a.mp4", hook=fail_from(4, RtsdbError("a.mp4: disk full")))
    other = Recorder(name="b.mp4", place="b.mp4")
    fan = opened(file, other)
    feed(fan, 20, make_result)
    assert "a.mp4: disk full" in caplog.text
    with pytest.raises(RtsdbError, match=r"^a\.mp4: disk full$"):
        fan.close()
    fan.close()
    assert other.indices() == list(range(20))
    assert (file.closed, other.closed) == (1, 1)
    assert fan.outcomes == (
        Outcome("a.mp4", "a.mp4", 4, 0, "a.mp4: disk full"),
        Outcome("b.mp4", "b.mp4", 20, 0, None),
    )
    assert fan.location == "a.mp4, b.mp4"


def test_a_stream_that_fails_does_not_fail_the_run(make_result: MakeResult) -> None:
    stream = Recorder("drop", name="udp://host", hook=fail_from(0, OSError("gone")))
    with opened(stream, Recorder()) as fan:
        feed(fan, 5, make_result)
    assert fan.outcomes[0].error == "udp://host: gone"


def test_without_any_sink_left_the_run_ends(make_result: MakeResult) -> None:
    first = Recorder(name="a", hook=fail_from(1, RtsdbError("a: full")))
    second = Recorder("drop", name="b", hook=fail_from(0, RtsdbError("b: gone")))
    numbers = itertools.count()
    with opened(first, second) as fan, pytest.raises(RtsdbError, match="a: full; b: gone"):
        await_that(lambda: not fan.write(make_result(next(numbers))))


def test_a_failure_in_close_counts(make_result: MakeResult) -> None:
    class Unfinished(Recorder):
        def close(self) -> None:
            raise RtsdbError("a.mp4: cannot be named")

    with pytest.raises(RtsdbError, match="cannot be named"), opened(Unfinished(name="a")) as fan:
        feed(fan, 3, make_result)


def hang_at(index: int, clock: Clock, released: threading.Event) -> Callable[[int], None]:
    def hook(now: int) -> None:
        if now == index:
            clock.run()
            released.wait(60)

    return hook


def test_a_file_that_hangs_is_given_up_and_the_others_finish(
    make_result: MakeResult, released: threading.Event, clocks: tuple[Clock, Clock]
) -> None:
    file = Recorder(name="a.mp4", hook=hang_at(3, clocks[0], released))
    other = Recorder()
    fan = opened(file, other)
    feed(fan, 20, make_result)
    with pytest.raises(RtsdbError, match=r"a\.mp4: nothing happened for"):
        fan.close()
    assert other.indices() == list(range(20))


def test_as_shipped_it_is_given_up_within_5_seconds(
    make_result: MakeResult, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    clocks = iter([lambda: now])  # of the first sink; the other's goes as ever
    monkeypatch.setattr(fan_out, "Watchdog", lambda: Watchdog(next(clocks, time.perf_counter)))
    hanging = threading.Event()

    def hang(index: int) -> None:
        if index == 3:
            hanging.set()
            released.wait(60)

    fan = opened(Recorder(name="a.mp4", hook=hang), Recorder())
    feed(fan, 4, make_result)
    assert hanging.wait(60)
    while fan.outcomes[0].error is None and now < 60:
        now += 0.2
        assert fan.idle()
    assert 4 <= now < 5
    assert fan.write(make_result(4))
    with pytest.raises(RtsdbError, match=r"a\.mp4: nothing happened for 4 s"):
        fan.close()
    assert [outcome.written for outcome in fan.outcomes] == [3, 5]


def test_a_sink_that_hangs_at_the_end_is_left_behind(
    make_result: MakeResult,
    released: threading.Event,
    clocks: tuple[Clock, Clock],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fan_out, "_CLOSE_S", 0.5)

    class Hanging(Recorder):
        def close(self) -> None:
            clocks[0].run()
            released.wait(60)

    other = Recorder()
    fan = opened(Hanging(name="a.mp4"), other)
    feed(fan, 2, make_result)
    begin = time.monotonic()
    with pytest.raises(RtsdbError, match=r"a\.mp4: nothing happened for 0\.5 s"):
        fan.close()
    assert time.monotonic() - begin < 30
    assert other.closed == 1


def test_slow_is_not_hung(
    make_result: MakeResult, clocks: tuple[Clock, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "_CLOSE_S", 0.8)  # three frames are left for the end
    slow = Recorder(hook=lambda _: clocks[0].spend(0.5))
    with opened(slow) as fan:
        feed(fan, 4, make_result)
    assert slow.indices() == [0, 1, 2, 3]


def test_in_a_hurry_what_hangs_is_given_up_sooner_and_what_is_slow_is_not(
    make_result: MakeResult,
    released: threading.Event,
    clocks: tuple[Clock, Clock],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watchdog, "LATER", 60.0)
    hurried = threading.Event()

    def hang(index: int) -> None:
        if index == 1:
            assert hurried.wait(60)
            clocks[0].run()
            released.wait(60)

    hanging = Recorder(name="a.mp4", hook=hang)
    slow = Recorder(hook=lambda _: clocks[1].spend(0.5))
    fan = opened(hanging, slow)
    writer = threading.Thread(target=feed, args=(fan, 8, make_result))
    writer.start()
    fan.hurry(0.8)
    fan.hurry(50.0)  # changes nothing
    hurried.set()
    writer.join(60)
    assert not writer.is_alive()
    with pytest.raises(RtsdbError, match=r"a\.mp4: nothing happened for 0\.8 s"):
        fan.close()
    assert slow.indices() == list(range(8))


def test_close_frees_a_write_that_waits(
    make_result: MakeResult, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "_CLOSE_S", 0.5)
    hanging = threading.Event()

    def hang(_: int) -> None:
        hanging.set()
        released.wait(60)

    fan = opened(Recorder(name="a", hook=hang))
    writer = threading.Thread(target=feed, args=(fan, 10, make_result))
    writer.start()
    assert hanging.wait(60)
    time.sleep(0.1)  # for the writer to fill what room there is
    with pytest.raises(RtsdbError, match="nothing happened"):
        fan.close()
    writer.join(60)
    assert not writer.is_alive()


def test_a_person_can_stop_the_run(make_result: MakeResult) -> None:
    window, file = Recorder("drop", wanted=False), Recorder()
    with opened(window, file) as fan:
        assert fan.idle()
        fan.write(make_result(0))
        while fan.idle():
            time.sleep(0.01)
        assert not fan.write(make_result(1))
    assert window.indices() == [0]
    assert file.indices() == [0, 1]


def test_keys_are_read_while_no_frame_comes() -> None:
    class Window(Recorder):
        def idle(self) -> bool:
            return False

        def stages_wanted(self) -> int | None:
            return 2

    with opened(Recorder(), Window("drop")) as fan:
        while fan.idle():
            time.sleep(0.01)
        assert fan.stages_wanted() == 2


def test_each_output_is_told(make_result: MakeResult) -> None:
    told: list[tuple[str, int]] = []
    fan = FanOut([Recorder(name="a")], lambda name, stamp: told.append((name, stamp.index)))
    with fan:
        fan.open(INFO, SIZE)
        feed(fan, 3, make_result)
    assert told == [("a", 0), ("a", 1), ("a", 2)]


def test_a_place_can_be_given_once() -> None:
    with pytest.raises(UsageError, match=r"a\.mp4: given twice"):
        FanOut([Recorder(place="a.mp4"), Recorder(), Recorder(), Recorder(place="a.mp4")])


def test_a_sink_that_cannot_be_opened_leaves_none_open() -> None:
    class Unusable(Recorder):
        def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
            raise UsageError("no display")

    first = Recorder()
    with pytest.raises(UsageError, match="no display"), FanOut([first, Unusable()]) as fan:
        fan.open(INFO, SIZE)
    assert first.closed == 1


def test_files_of_a_run(tmp_path: Path, make_result: MakeResult) -> None:
    from rtsdb.video.sinks import open_labels, open_metadata, open_sink

    sinks = [
        open_sink(str(tmp_path / "out.mp4")),
        open_sink(str(tmp_path / "out/")),
        open_labels(str(tmp_path / "labels.mkv")),
        open_metadata(str(tmp_path / "out.jsonl")),
    ]
    with opened(*sinks) as fan:
        for index in range(10):
            fan.write(make_result(index))
    assert [outcome.written for outcome in fan.outcomes] == [10] * 4
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "labels.mkv",
        "out",
        "out.jsonl",
        "out.mp4",
    ]
