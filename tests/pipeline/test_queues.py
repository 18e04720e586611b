import threading

import pytest

from rtsdb.pipeline.queues import BoundedQueue, Ended
from tests.pipeline.running import await_that


def test_items_come_out_in_order() -> None:
    queue = BoundedQueue[int](3)
    for item in (1, 2, 3):
        queue.put(item)
    assert [queue.get() for _ in range(3)] == [1, 2, 3]


def test_what_lies_in_it_is_read_after_the_end() -> None:
    queue = BoundedQueue[int](2)
    queue.put(1)
    queue.end()
    assert queue.get() == 1
    with pytest.raises(Ended):
        queue.get()


def test_without_waiting_an_empty_queue_gives_nothing() -> None:
    assert BoundedQueue[int](1).get(patience=0.0) is None


def test_put_waits_for_room() -> None:
    queue = BoundedQueue[int](1)
    queue.put(1)
    writer = threading.Thread(target=queue.put, args=(2,))
    writer.start()
    writer.join(0.05)
    assert writer.is_alive()
    assert queue.get() == 1
    writer.join(60)
    assert queue.get() == 2


def test_what_waits_for_room_is_read_after_the_end() -> None:
    queue = BoundedQueue[int](1)
    queue.put(1)
    writer = threading.Thread(target=queue.put, args=(2,))
    writer.start()
    await_that(lambda: queue._waiting > 0)
    queue.end()
    assert [queue.get(), queue.get()] == [1, 2]
    with pytest.raises(Ended):
        queue.get()
    writer.join(60)


def test_abandoning_frees_a_waiting_writer() -> None:
    queue = BoundedQueue[int](1)
    queue.put(1)
    raised = []

    def write() -> None:
        with pytest.raises(Ended):
            queue.put(2)
        raised.append(True)

    writer = threading.Thread(target=write)
    writer.start()
    queue.abandon()
    writer.join(60)
    assert raised


def test_ending_frees_a_waiting_reader() -> None:
    queue = BoundedQueue[int](1)
    raised = []

    def read() -> None:
        with pytest.raises(Ended):
            queue.get()
        raised.append(True)

    reader = threading.Thread(target=read)
    reader.start()
    queue.end()
    reader.join(60)
    assert raised


def test_the_newest_pushes_the_oldest_out() -> None:
    queue = BoundedQueue[int](2)
    assert [queue.put_newest(item) for item in (1, 2, 3)] == [None, None, 1]
    assert [queue.get(), queue.get()] == [2, 3]
