from fractions import Fraction

import pytest
import soak
from process_watch import Sample
from soak import PARTS, Ages, check_balance, check_count, check_drift, check_memory

from rtsdb.video.frame import Stamp

MB = 1_000_000


def samples(growth: float, count: int = 600) -> list[Sample]:
    """One each second; growth: of memory, in MB per hour."""
    return [Sample(n, round((300 + growth * n / 3600) * MB), 9, 5) for n in range(count)]


@pytest.mark.parametrize(("in_file", "passed"), [(7, True), (6, False), (8, False)])
def test_frames_balance(in_file: int, passed: bool) -> None:
    verdict = check_balance(10, in_file, {"queue": 2, "age": 1})
    assert verdict.passed == passed
    assert verdict.found == f"10 {'=' if passed else '!='} {in_file} + 1 age + 2 queue"


@pytest.mark.parametrize(("growth", "passed"), [(0, True), (5, True), (-50, True), (20, False)])
def test_memory_may_grow_a_little(growth: float, passed: bool) -> None:
    assert check_memory(samples(growth)).passed == passed


def test_memory_of_a_short_run_is_not_judged() -> None:
    verdict = check_memory(samples(0, count=10))
    assert (verdict.found, verdict.passed) == ("too short to tell", False)


@pytest.mark.parametrize(
    ("during", "after", "passed"),
    [([9, 11, 12, 8], 8, True), ([9, 11, 12, 10], 8, False), ([9, 11, 11, 9], 9, False)],
)
def test_files_and_threads_must_go_again(during: list[int], after: int, passed: bool) -> None:
    assert check_count("open files", 8, during, after).passed == passed


def test_drift_compares_the_halves() -> None:
    assert check_drift([100, 101, 99, 100, 900, 110, 109, 111, 110, 110]).found == "1.10"
    assert not check_drift([100.0] * 5 + [130.0] * 5).passed


def test_ages_are_those_of_the_file_by_part_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(soak, "perf_counter", lambda: now)
    ages = Ages("file", most=PARTS)
    for number in range(2 * PARTS):
        now += 1.0
        for name in ("file", "other"):
            ages(name, Stamp(number, number, Fraction(1, 30), arrived=now - number))
    assert ages.count == PARTS  # there was room for no more
    found = ages.p99_by_part()
    assert len(found) == PARTS
    assert max(age for age in found if age == age) == pytest.approx(1000 * (PARTS - 1))
