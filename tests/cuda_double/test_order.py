"""In which order the double lets work run, and what a missing wait shows there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.cuda_double import control
from tests.cuda_double.harness import on_double
from tests.cuda_double.programs import FRESH, NON_BLOCKING, SIZE, current, pinned


@on_double()
def test_work_runs_late_and_in_the_order_of_its_stream() -> None:
    with current() as cuda:
        stream, device = cuda.Stream(NON_BLOCKING), cuda.mem_alloc(SIZE)
        one, two, result = pinned(1), pinned(2), pinned(0)
        for order in control.every_order():
            result[:] = 0
            cuda.memcpy_htod_async(device, one, stream)
            cuda.memcpy_dtoh_async(result, device, stream)
            cuda.memcpy_htod_async(device, two, stream)
            if order == "lazy 0":
                assert (result == 0).all()
                assert control.counts().pending == 3
            stream.synchronize()
            assert (result == 1).all(), order
            assert control.counts().pending == 0
            cuda.memcpy_dtoh(result, device)
            assert (result == 2).all(), order


def read_what_another_stream_uploads(*, wait: bool) -> set[int]:
    """What the reader found, under every order."""
    found = set()
    with current() as cuda:
        up, down = cuda.Stream(NON_BLOCKING), cuda.Stream(NON_BLOCKING)
        uploaded, source, result = cuda.Event(), pinned(7), pinned(0)
        for _ in control.every_order():
            device = cuda.mem_alloc(SIZE)
            cuda.memcpy_htod_async(device, source, up)
            uploaded.record(up)
            if wait:
                down.wait_for_event(uploaded)
            cuda.memcpy_dtoh_async(result, device, down)
            down.synchronize()
            found |= set(result.tolist())
            up.synchronize()
    return found


@on_double()
def test_a_stream_that_waits_for_an_event_reads_what_was_written() -> None:
    assert read_what_another_stream_uploads(wait=True) == {7}


@on_double()
def test_a_stream_that_does_not_wait_may_read_what_was_not_written_yet() -> None:
    assert read_what_another_stream_uploads(wait=False) == {7, FRESH}


@on_double()
def test_a_stream_that_does_not_wait_may_overwrite_what_is_still_to_be_read() -> None:
    with current() as cuda:
        up, down, uploaded = cuda.Stream(NON_BLOCKING), cuda.Stream(NON_BLOCKING), cuda.Event()
        device, sources = cuda.mem_alloc(SIZE), (pinned(1), pinned(2))
        results = pinned(0), pinned(0)
        control.set_order("eager")
        for source, result in zip(sources, results, strict=True):
            cuda.memcpy_htod_async(device, source, up)
            uploaded.record(up)
            down.wait_for_event(uploaded)
            cuda.memcpy_dtoh_async(result, device, down)
        down.synchronize()
        assert [int(result[0]) for result in results] == [2, 2]


def order_of_four_streams(cuda: Any, seed: int) -> str:
    """In which of all their orders two pieces of work on each of four streams ran."""
    control.set_order("random", seed)
    streams = [cuda.Stream(NON_BLOCKING) for _ in range(4)]
    ran: list[str] = []
    for piece in "ab":
        for name, stream in zip("1234", streams, strict=True):
            control.enqueue(stream.handle, lambda text=name + piece: ran.append(text))
    cuda.Context.synchronize()
    for name in "1234":
        assert ran.index(f"{name}a") < ran.index(f"{name}b")
    return " ".join(ran)


@on_double()
def test_a_seed_is_an_order() -> None:
    with current() as cuda:
        orders = [order_of_four_streams(cuda, seed) for seed in range(8)]
        assert len(set(orders)) == 8
        assert [order_of_four_streams(cuda, seed) for seed in range(8)] == orders


@on_double()
def test_a_wait_is_for_the_record_before_it() -> None:
    with current() as cuda:
        first, second = cuda.Stream(NON_BLOCKING), cuda.Stream(NON_BLOCKING)
        event, ran = cuda.Event(), []
        second.wait_for_event(event)  # never recorded: not waited for
        control.enqueue(second.handle, lambda: ran.append("unrecorded"))
        second.synchronize()
        control.enqueue(first.handle, lambda: ran.append("one"))
        event.record(first)
        second.wait_for_event(event)
        control.enqueue(first.handle, lambda: ran.append("two"))
        event.record(first)
        second.synchronize()
        assert ran == ["unrecorded", "one"]
        event.synchronize()
        assert ran == ["unrecorded", "one", "two"]


@on_double()
def test_asking_lets_work_go_on() -> None:
    with current() as cuda:
        stream, event = cuda.Stream(NON_BLOCKING), cuda.Event()
        for order in control.every_order():
            for done in (event.query, stream.is_done):
                ran: list[int] = []
                for _ in range(3):
                    control.enqueue(stream.handle, lambda ran=ran: ran.append(1))
                event.record(stream)
                for _ in range(8):
                    if done():
                        break
                assert ran == [1, 1, 1], order


@pytest.mark.parametrize(
    ("flags", "expected"), [(0, ["one", "null", "two"]), (NON_BLOCKING, ["one", "two"])]
)
@on_double()
def test_the_null_stream_takes_turns_with_blocking_streams(flags: int, expected: list[str]) -> None:
    with current() as cuda:
        stream, ran = cuda.Stream(flags), []
        for handle, name in ((stream.handle, "one"), (0, "null"), (stream.handle, "two")):
            control.enqueue(handle, lambda name=name: ran.append(name))
        stream.synchronize()
        assert ran == expected
        cuda.Context.synchronize()


@on_double()
def test_memory_that_is_not_pinned_is_copied_before_the_call_returns() -> None:
    with current() as cuda:
        stream, device = cuda.Stream(NON_BLOCKING), cuda.mem_alloc(SIZE)
        plain, source, result = np.full(SIZE, 1, np.uint8), pinned(1), np.zeros(SIZE, np.uint8)
        for memory, seen in ((plain, 1), (source, 2)):
            cuda.memcpy_htod_async(device, memory, stream)
            memory[:] = 2
            cuda.memcpy_dtoh_async(result, device, stream)
            assert (result == seen).all()


@on_double()
def test_rectangles_are_copied_both_ways() -> None:
    with current() as cuda:
        stream = cuda.Stream(NON_BLOCKING)
        frame = cuda.pagelocked_empty((6, 10), np.uint8)
        frame[:] = np.arange(60, dtype=np.uint8).reshape(6, 10)
        result = cuda.pagelocked_empty((6, 10), np.uint8)
        result[:] = 0
        device = cuda.mem_alloc(3 * 4)
        there, back = cuda.Memcpy2D(), cuda.Memcpy2D()
        there.set_src_host(frame)
        there.src_pitch, there.src_x_in_bytes, there.src_y = 10, 5, 2
        there.set_dst_device(int(device))
        there.dst_pitch = 4
        back.set_src_device(int(device))
        back.src_pitch = 4
        back.set_dst_host(result[1:, 1:])
        back.dst_pitch = 10
        for copy in (there, back):
            copy.width_in_bytes, copy.height = 4, 3
            copy(stream)
        stream.synchronize()
        assert np.array_equal(result[1:4, 1:5], frame[2:5, 5:9])
        assert result.sum() == frame[2:5, 5:9].sum()


@on_double()
def test_events_tell_the_time_of_the_work_whatever_the_order() -> None:
    with current() as cuda:
        up, down = cuda.Stream(NON_BLOCKING), cuda.Stream(NON_BLOCKING)
        events = [cuda.Event() for _ in range(4)]
        source, device = cuda.pagelocked_empty(1 << 20, np.uint8), cuda.mem_alloc(1 << 20)
        for order in control.every_order():
            events[0].record(up)
            cuda.memcpy_htod_async(device, source, up)
            events[1].record(up)
            down.wait_for_event(events[1])
            events[2].record(down)
            control.enqueue(down.handle, lambda: None)
            events[3].record(down)
            if order == "lazy 0":
                with pytest.raises(cuda.RuntimeError, match="not ready"):
                    events[3].time_since(events[0])
            down.synchronize()
            assert events[1].time_since(events[0]) == pytest.approx(1.024, abs=1e-3), order
            assert events[2].time_since(events[1]) == pytest.approx(0, abs=1e-3), order
            assert events[3].time_since(events[2]) == pytest.approx(1, abs=1e-3), order
