import pytest

from rtsdb.watchdog import Watchdog


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
    return Watchdog(clock)


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


@pytest.mark.parametrize("took", [0.05, 0.1, 0.3])
def test_what_was_fast_is_found_to_hang_within_5_seconds(
    watchdog: Watchdog, clock: Clock, took: float
) -> None:
    for _ in range(10):
        result_after(watchdog, clock, took)
    with watchdog.call(gives_result=True):
        assert hangs_after(watchdog, clock, 4.5)


def test_a_slow_engine_is_known_for_it(watchdog: Watchdog, clock: Clock) -> None:
    result_after(watchdog, clock, 2)
    assert watchdog.patience == pytest.approx(20, abs=1)
    result_after(watchdog, clock, 1)
    assert watchdog.patience == pytest.approx(10, abs=1)
    result_after(watchdog, clock, 0.1)
    assert watchdog.patience == pytest.approx(10, abs=1)
    watchdog.restart()
    assert watchdog.patience == 30


def test_a_slow_start_is_forgotten(watchdog: Watchdog, clock: Clock) -> None:
    with watchdog.call():
        hangs_after(watchdog, clock, 20)
    result_after(watchdog, clock, 8)
    assert watchdog.patience == 30  # all may be as slow
    result_after(watchdog, clock, 0.1)
    assert watchdog.patience == 4


def test_however_slow_a_call_was_none_may_take_minutes(watchdog: Watchdog, clock: Clock) -> None:
    for _ in range(3):
        result_after(watchdog, clock, 10)
    assert watchdog.patience == 30


@pytest.mark.parametrize("results", [0, 3])
def test_in_a_hurry_no_call_may_take_longer(watchdog: Watchdog, clock: Clock, results: int) -> None:
    for _ in range(results):
        result_after(watchdog, clock, 1)
    watchdog.hurry(3)
    watchdog.hurry(5)
    assert watchdog.patience == 3


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
