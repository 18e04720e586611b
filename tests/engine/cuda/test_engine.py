"""Frames through an engine on the CUDA driver double, under every order of the GPU's work."""

from __future__ import annotations

import atexit
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsdb.errors import RtsdbError
from rtsdb.noise import NoiseLevel
from tests.cuda_double import control
from tests.cuda_double.harness import on_double, violation_of

Frame = NDArray[np.uint8]

CASES = {
    "one tile": {"size": (64, 96), "tile": None},
    "one tile, extended": {"size": (75, 101), "tile": None},
    "tiles": {"size": (128, 224), "tile": (96, 64)},
    "tiles, extended": {"size": (101, 167), "tile": (64, 64)},
}
"""Sizes as (height, width) and tiles as (width, height)."""


def toy(**settings: Any) -> Any:
    from tests.engine.cuda.toy import ToyEngine  # imports pycuda, so only on the double

    return ToyEngine(**settings)


def draw(count: int, size: tuple[int, int] = (64, 96)) -> list[tuple[Frame, NoiseLevel]]:
    rng = np.random.default_rng(0)
    return [
        (rng.integers(0, 256, (*size, 3), np.uint8), NoiseLevel(a=number, b=2.0))
        for number in range(count)
    ]


def same(engine: Any, result: Any, frame: Frame, noise: NoiseLevel) -> bool:
    return all(
        np.array_equal(found, wanted)
        for found, wanted in zip(result[:2], engine.on_the_host(frame, noise), strict=True)
    )


def all_right(engine: Any, frames: list[tuple[Frame, NoiseLevel]]) -> bool:
    """Send frames through as the pipeline does: a slot's result is used while others run."""
    right, under_way = [], []
    for number, (frame, noise) in enumerate(frames):
        under_way.append((engine.submit(frame, noise), number))
        if len(under_way) == engine.slots:
            right += [collect(engine, *under_way.pop(0), frames)]
    right += [collect(engine, *place, frames) for place in under_way]
    return all(right)


def collect(engine: Any, ticket: int, number: int, frames: list[tuple[Frame, NoiseLevel]]) -> bool:
    result = engine.result(ticket)
    right = same(engine, result, *frames[number])
    engine.release(ticket)
    return right


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("slots", [1, 3])
@on_double()
def test_frames_are_what_the_host_computes(case: str, slots: int) -> None:
    size, tile = CASES[case]["size"], CASES[case]["tile"]
    frames = draw(5, size)
    with toy(slots=slots, tile=tile) as engine:
        engine.prepare(*size)
        for order in control.every_order():
            assert all_right(engine, frames), order


@pytest.mark.parametrize("case", CASES)
@on_double(integrated="1")
def test_frames_are_what_the_host_computes_in_memory_that_is_shared(case: str) -> None:
    size, tile = CASES[case]["size"], CASES[case]["tile"]
    with toy(slots=3, tile=tile) as engine:
        engine.prepare(*size)
        assert control.counts().device_allocations == 0
        for order in control.every_order():
            assert all_right(engine, draw(5, size)), order


# Waits: without any of them, some order shows wrong pixels


@contextmanager
def without(cuda_class: Any, method: str, numbers: Iterator[bool]) -> Iterator[None]:
    """Calls of a method do nothing where `numbers` says so."""
    original = getattr(cuda_class, method)

    def call(self: Any, *arguments: Any) -> Any:
        return None if next(numbers) else original(self, *arguments)

    with patch.object(cuda_class, method, call):
        yield


def orders_that_show(change: Callable[[], Any], use: Callable[[Any], bool]) -> list[str]:
    """The orders in which an engine that was changed gives wrong pixels, or an error."""
    shown = []
    for order in control.every_order():
        with toy(slots=2) as engine:
            engine.prepare(64, 96)
            try:
                with change():
                    right = use(engine)
            except RtsdbError:
                right = False
        if not right:
            shown.append(order)
    return shown


STREAM_WAITS = ("the network waits for the upload", "the download waits for the network")
"""In the order in which they are enqueued, frame by frame."""


@pytest.mark.parametrize("wait", STREAM_WAITS)
@on_double()
def test_every_wait_between_streams_is_needed(wait: str) -> None:
    from pycuda import driver

    index = STREAM_WAITS.index(wait)

    def change() -> Any:
        numbers = itertools.cycle(number == index for number in range(len(STREAM_WAITS)))
        return without(driver.Stream, "wait_for_event", numbers)

    assert orders_that_show(change, lambda engine: all_right(engine, draw(4)))


@on_double()
def test_there_are_no_other_waits_between_streams() -> None:
    from pycuda import driver

    with toy(slots=2) as engine, patch.object(driver.Stream, "wait_for_event") as waits:
        engine.prepare(64, 96)
        engine.submit(*draw(1)[0])
        assert waits.call_count == len(STREAM_WAITS)


def right_after_frames_that_nobody_wants(engine: Any) -> bool:
    """Slots are released before their frames are done, and used again at once."""
    *unwanted, wanted = draw(6)
    for frame in unwanted:
        engine.release(engine.submit(*frame))
    ticket = engine.submit(*wanted)
    return collect(engine, ticket, 0, [wanted])


@on_double()
def test_a_slot_that_was_released_early_serves_the_next_frame() -> None:
    with toy(slots=2) as engine:
        engine.prepare(64, 96)
        for order in control.every_order():
            assert right_after_frames_that_nobody_wants(engine), order


@pytest.mark.parametrize("use", ["all_right", "right_after_frames_that_nobody_wants"])
@on_double()
def test_the_host_s_wait_for_the_download_is_needed(use: str) -> None:
    from pycuda import driver

    uses = {
        "all_right": lambda engine: all_right(engine, draw(4)),
        "right_after_frames_that_nobody_wants": right_after_frames_that_nobody_wants,
    }
    always = itertools.repeat(True)
    assert orders_that_show(lambda: without(driver.Event, "synchronize", always), uses[use])


# Closing, threads, failures


@on_double()
def test_closing_waits_for_frames_under_way_and_leaves_nothing() -> None:
    for order in control.every_order():
        with toy(slots=3) as engine:
            engine.prepare(64, 96)
            for frame in draw(2):
                engine.submit(*frame)
        assert control.counts() == (0, 0, 0, 0, 1, 0), order
        engine.close()
        engine.prepare(75, 101)
        assert all_right(engine, draw(3, (75, 101))), order
        engine.close()


def close_without_waiting() -> None:
    from rtsdb.engine.cuda.slot import Slot, Streams

    with patch.object(Slot, "finish"), patch.object(Streams, "synchronize"):
        engine = toy(slots=2)
        engine.prepare(64, 96)
        engine.submit(*draw(1)[0])
        engine.close()


def test_closing_without_waiting_would_free_what_is_in_use() -> None:
    assert "work is pending" in violation_of(close_without_waiting)


@on_double()
def test_a_result_can_be_read_after_closing() -> None:
    with toy() as engine:
        engine.prepare(64, 96)
        frame = draw(1)[0]
        result = engine.result(engine.submit(*frame))
    assert same(engine, result, *frame)


@on_double()
def test_memory_of_a_result_is_freed_in_whichever_thread_drops_it() -> None:
    with toy() as engine:
        engine.prepare(64, 96)
        held = [engine.result(engine.submit(*draw(1)[0]))]
    assert control.counts().pinned_allocations == 2
    with ThreadPoolExecutor(1) as another:
        another.submit(held.clear).result()
    assert control.counts().pinned_allocations == 0


@on_double()
def test_a_process_may_end_with_its_engine_open() -> None:
    engine = toy()
    assert engine(draw(1)[0][0]).labels.shape == (64, 96)
    atexit.register(lambda: engine.plan)  # so that it lives as long as the process


@on_double()
def test_another_size_takes_the_place_of_the_last() -> None:
    with toy(slots=2) as engine:
        engine.prepare(64, 96)
        before = control.counts()
        engine.prepare(128, 160)
        assert control.counts() == before
        assert all_right(engine, draw(3, (128, 160)))


@on_double()
def test_submit_result_and_release_may_come_from_different_threads() -> None:
    frames = draw(6)
    with (
        ThreadPoolExecutor(1) as submitter,
        ThreadPoolExecutor(1) as collector,
        ThreadPoolExecutor(1) as releaser,
        toy(slots=2) as engine,
    ):
        for order in control.every_order():
            submitter.submit(engine.prepare, 64, 96).result()
            released = []
            for frame, noise in frames:
                if len(released) >= engine.slots:
                    released[-engine.slots].result()
                ticket = submitter.submit(engine.submit, frame, noise).result()
                result = collector.submit(engine.result, ticket).result()
                assert same(engine, result, frame, noise), order
                released.append(releaser.submit(engine.release, ticket))
            for release in released:
                release.result()


@on_double()
def test_no_context_stays_current_in_a_thread() -> None:
    from pycuda import driver

    with toy() as engine:
        engine.prepare(64, 96)
        assert all_right(engine, draw(1))
        with pytest.raises(RtsdbError), engine.device.current():
            raise driver.Error
        assert driver.Context.get_current() is None


@pytest.mark.parametrize("integrated", ["0", "1"])
@on_double()
def test_out_of_memory_is_one_line_and_leaves_no_device_memory_behind(integrated: str) -> None:
    os.environ["CUDA_DOUBLE_INTEGRATED"] = integrated
    line = r"^CUDA driver double: cuMem\w+ failed: out of memory, with \d+ of 8192 MiB free on .*$"
    needed = 8 if integrated == "1" else 16
    with toy(slots=2) as engine:
        for granted in range(needed):
            control.refuse_allocations_after(granted)
            with pytest.raises(RtsdbError, match=line):
                engine.prepare(64, 96)
            assert engine.plan == "not prepared"
            assert control.counts().device_allocations == 0
        control.refuse_allocations_after(needed)
        engine.prepare(64, 96)
        assert all_right(engine, draw(3))


@on_double()
def test_a_network_that_fails_is_one_line_and_can_be_closed() -> None:
    with toy() as engine:
        engine.prepare(64, 96)
        with patch("tests.engine.cuda.toy.network", side_effect=ZeroDivisionError):
            ticket = engine.submit(*draw(1)[0])
            with pytest.raises(RtsdbError, match=r"^CUDA driver double: .* launch failure$"):
                engine.result(ticket)


@on_double()
def test_a_network_that_cannot_be_enqueued_leaves_nothing_pending_after_closing() -> None:
    with toy() as engine:
        engine.prepare(64, 96)
        with (
            patch.object(control, "enqueue", side_effect=RtsdbError("no such shape")),
            pytest.raises(RtsdbError, match="no such shape"),
        ):
            engine.submit(*draw(1)[0])
    assert control.counts().device_allocations == control.counts().pending == 0


@on_double()
def test_timings_are_those_of_the_gpu() -> None:
    """The double takes a microsecond per KiB that it copies, and a millisecond per network."""
    with toy(tile=(96, 64)) as engine:
        engine.prepare(128, 224)
        for frame in draw(2, (128, 224)):
            timings = engine.result(engine.submit(*frame)).timings
            tiles = 6 * 96 * 160 * 3
            assert timings.gather >= tiles / 1024 * 1e-6
            assert timings.infer == pytest.approx(1e-3, abs=1e-6)
            assert timings.stitch >= 128 * 224 * 4 / 1024 * 1e-6


@on_double(integrated="1")
def test_a_whole_frame_is_not_copied_where_memory_is_shared() -> None:
    with toy() as engine, patch("tests.engine.cuda.toy.enqueue_network") as enqueued:
        engine.prepare(64, 96)
        result = engine.result(engine.submit(*draw(1)[0]))
        _, bindings = enqueued.call_args.args
        assert bindings.denoised == result.denoised.ctypes.data
        assert bindings.labels == result.labels.ctypes.data
