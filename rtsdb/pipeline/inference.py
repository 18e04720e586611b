"""Frames through the engine: watched, and single failures of it survived."""

from __future__ import annotations

import logging

from rtsdb.engine.base import Engine
from rtsdb.pipeline.ring import Passage
from rtsdb.watchdog import Watchdog

log = logging.getLogger(__name__)

FAILURES = 3
"""Live frames in a row on which an engine fails before it counts as broken."""


class Inference:
    """The engine in use, and what becomes of frames on which it fails.

    live: leave such a frame out, and raise at the third in a row; else every frame counts: it is
    submitted once more, and a second failure raises.
    """

    def __init__(self, engine: Engine, *, live: bool) -> None:
        self.engine = engine
        self.watchdog = Watchdog()
        self._live = live
        self._failures = 0

    def prepare(self, height: int, width: int) -> None:
        """Make the engine ready for frames of this size; all slots must be free."""
        self.engine.prepare(height, width)
        self.watchdog.restart()

    def replace(self, engine: Engine) -> None:
        """Go on with another engine, once prepared; close the one in use, whose slots are free."""
        info = engine.info
        self.engine.close()
        self.engine = engine
        log.warning("from here on with %s, %s %s", info.model, info.name, info.precision)

    def begin(self, passage: Passage) -> None:
        """Submit a frame whose noise is known; a failure shows in `finish`, when its turn comes."""
        assert passage.noise is not None
        try:
            with self.watchdog.call():
                passage.ticket = self.engine.submit(passage.frame, passage.noise)
        except Exception as error:
            passage.failure = error

    def finish(self, passage: Passage) -> bool:
        """Wait for the result of a submitted frame; False for one that is to be left out.

        Such a frame holds no slot any more. Raises what the engine raised, if that was once too
        often.
        """
        try:
            self._collect(passage)
        except Exception as error:
            assert passage.stamp is not None
            what = f"{self.engine.info.name} failed on frame {passage.stamp.index} ({error})"
            if self._live:
                self._failures += 1
                if self._failures == FAILURES:
                    raise
                log.warning("%s; it is left out", what)
                return False
            log.warning("%s; trying again", what)
            self.begin(passage)
            self._collect(passage)
        self._failures = 0
        return True

    def release(self, passage: Passage) -> None:
        """Give back the slot of a frame, where it has one."""
        if passage.ticket is not None:
            self.engine.release(passage.ticket)
            passage.ticket = None

    def _collect(self, passage: Passage) -> None:
        failure, passage.failure = passage.failure, None
        if failure is not None:
            raise failure
        assert passage.ticket is not None
        try:
            with self.watchdog.call(gives_result=True):
                passage.result = self.engine.result(passage.ticket)
        except BaseException:
            self.release(passage)
            raise
