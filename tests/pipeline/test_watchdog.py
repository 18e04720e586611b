import pytest

from rtsdb.pipeline.watchdog import Watchdog


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watchdog(clock: Clock) -> Watchdog:
    return Watchdog(first=30.0, later=4.0, clock=clock)


def hangs_after(watchdog: Watchdog, clock: Clock, seconds: float) -> bool:
    """Whether a call under way hangs when `seconds` have gone by, looked at all the time."""
    for _ in range(round(seconds / 0.05)):
        clock.seconds += 0.05
        found = watchdog.hangs()
    return found


def result_after(watchdog: Watchdog, clock: Clock, seconds: float) -> None:
    with watchdog.call(gives_result=True):
        hangs_after(watchdog, clock, seconds)


def test_the_first_result_may_take_long(watchdog: Watchdog, clock: Clock) -> None:
    with watchdog.call():
        assert not hangs_after(watchdog, clock, 5)  # submitted; no result yet
    with watchdog.call(gives_result=True):
        assert not hangs_after(watchdog, clock, 29)
        assert hangs_after(watchdog, clock, 2)


def test_later_ones_less(watchdog: Watchdog, clock: Clock) -> None:
    result_after(watchdog, clock, 0.1)
    with watchdog.call():
        assert not hangs_after(watchdog, clock, 3.5)
        assert hangs_after(watchdog, clock, 1)


def test_a_slow_engine_is_known_for_it(watchdog: Watchdog, clock: Clock) -> None:
    result_after(watchdog, clock, 2)
    result_after(watchdog, clock, 0.1)
    assert watchdog.patience == pytest.approx(20, abs=1)
    watchdog.restart()
    assert watchdog.patience == 30


def test_between_calls_nothing_hangs(watchdog: Watchdog, clock: Clock) -> None:
    result_after(watchdog, clock, 0.1)
    assert not hangs_after(watchdog, clock, 100)
    with pytest.raises(RuntimeError), watchdog.call():
        raise RuntimeError("broken")
    assert not hangs_after(watchdog, clock, 100)


def test_the_time_that_the_process_lay_stopped_does_not_count(
    watchdog: Watchdog, clock: Clock
) -> None:
    result_after(watchdog, clock, 0.1)
    with watchdog.call(gives_result=True):
        clock.seconds += 3600
        assert not hangs_after(watchdog, clock, 1)
    assert watchdog.patience < 20
