"""Another engine at run time: loaded while the present one goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from rtsdb.engine.base import Engine
from rtsdb.resource import Resource

log = logging.getLogger(__name__)


class EngineSwitch(Resource):
    """Loads engines of other numbers of blocks K, each in a thread of its own.

    `ask` for one, and `take` it when it is `ready`: prepared for the frames' size, so that the
    change costs no more than the frames under way. Of several asked for the last counts; one that
    cannot be loaded is logged in a line. Whoever takes an engine closes the one before it; `close`
    closes the last. Used from any thread.

    load: opens the engine of a K. stages: K of the engine in use.
    """

    def __init__(self, load: Callable[[int], Engine], stages: int) -> None:
        self._load = load
        self._in_use = self._wanted = stages
        self._lock = threading.Lock()
        self._loaded: Engine | None = None
        self._taken: Engine | None = None
        self._closed = False

    def ask(self, stages: int, size: tuple[int, int]) -> None:
        """Have the engine of this K loaded, for frames of (height, width), if it is another."""
        with self._lock:
            if stages == self._wanted or self._closed:
                return
            self._wanted = stages
            self._discard()
            if stages == self._in_use:
                return
        threading.Thread(
            target=self._prepare, args=(stages, size), name=f"load K={stages}", daemon=True
        ).start()

    @property
    def ready(self) -> bool:
        """Whether there is an engine to take."""
        return self._loaded is not None

    def take(self) -> Engine | None:
        """The engine to go on with; None where it is no longer wanted."""
        with self._lock:
            engine, self._loaded = self._loaded, None
            if engine is not None:
                self._taken, self._in_use = engine, self._wanted
            return engine

    def close(self) -> None:
        """Close the engines; one that is still being loaded is closed once it is there."""
        with self._lock:
            self._closed = True
            self._discard()
            if self._taken is not None and not self._taken.left_behind:
                self._taken.close()

    def _prepare(self, stages: int, size: tuple[int, int]) -> None:
        try:
            engine = self._load(stages)
            try:
                engine.prepare(*size)
            except BaseException:
                engine.close()
                raise
        except Exception as error:  # whatever it is, the run goes on with the engine that works
            log.warning("no change to %d blocks: %s", stages, error)
            with self._lock:
                if self._wanted == stages:
                    self._wanted = self._in_use
            return
        with self._lock:
            if self._closed or stages != self._wanted or stages == self._in_use:
                engine.close()
            else:
                self._discard()  # the same, asked for twice
                self._loaded = engine

    def _discard(self) -> None:
        """Close an engine that nobody took."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None
