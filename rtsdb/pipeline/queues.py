"""A bounded queue between two threads that either of them can end."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Ended(Exception):
    """The other side of a queue is gone."""


class BoundedQueue(Generic[Item]):
    """First in, first out, at most `size` items; ended by the writer or abandoned by the reader.

    After `end`, what lies in the queue, or waits for room in it, is still read, and then `get`
    raises Ended. After `abandon`, `put` raises Ended at once, so that no writer waits for a reader
    that has died.

    >>> queue = BoundedQueue[int](2)
    >>> queue.put(7); queue.end(); queue.get()
    7
    """

    def __init__(self, size: int) -> None:
        self._items: deque[Item] = deque()
        self._size = size
        self._waiting = 0  # items for which there is no room yet
        self._changed = threading.Condition()
        self._ended = self._abandoned = False

    def put(self, item: Item) -> None:
        """Append, waiting for room; raises Ended when the reader has gone."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._abandoned or len(self._items) < self._size)
            self._waiting -= 1
            if self._abandoned:
                raise Ended
            self._items.append(item)
            self._changed.notify_all()

    def put_newest(self, item: Item) -> Item | None:
        """Append without waiting; the oldest item that had to make room for it, if one had to."""
        with self._changed:
            if self._abandoned:
                raise Ended
            dropped = self._items.popleft() if len(self._items) >= self._size else None
            self._items.append(item)
            self._changed.notify_all()
            return dropped

    def get(self, *, patience: float = math.inf) -> Item | None:
        """Take the oldest item; None if none comes within `patience` seconds.

        Raises Ended when the writer has ended and nothing is left.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._items or self._is_over(), None if math.isinf(patience) else patience
            )
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
            if self._is_over():
                raise Ended
            return None

    def _is_over(self) -> bool:
        return self._ended and not self._waiting

    def end(self) -> None:
        """Writer: nothing more will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Reader: nothing more will be read."""
        with self._changed:
            self._abandoned = True
            self._items.clear()
            self._changed.notify_all()
