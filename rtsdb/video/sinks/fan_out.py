"""Several sinks fed at once, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import FrameResult, SourceInfo, Stamp
from rtsdb.video.sinks.base import Picture, Policy, Sink
from rtsdb.watchdog import Watchdog

log = logging.getLogger(__name__)

_ROOM: dict[Policy, int] = {"block": 2, "drop": 1}
"""Frames that may wait before a sink, beside the one that it is writing."""

_CLOSE_S = 4.0
"""Seconds that a sink may take in the end for each frame that is left, and for finishing."""

_IDLE_S = 0.05
_TICK_S = 0.1

_UNUSED = np.empty((0, 0, 3), np.uint8)
"""In place of a picture that no sink uses."""


@dataclass(frozen=True)
class Outcome:
    """What became of a sink.

    name, location: as the sink has them. written: frames it took. dropped: frames that it missed
    by being slow. error: what ended it early, None where nothing did.
    """

    name: str
    location: str | None
    written: int
    dropped: int
    error: str | None


@dataclass
class _Copy:
    """A frame in arrays of its own, and how many sinks have yet to write it."""

    result: FrameResult | None = None
    readers: int = 0
    arrays: dict[Picture, NDArray[np.uint8]] = field(default_factory=dict)

    def fill(self, result: FrameResult, uses: frozenset[Picture]) -> None:
        """Take over a frame's facts, and those of its pictures that `uses` names."""
        view = None if result.view is None else self._copied("view", result.view, uses)
        self.result = replace(
            result,
            noisy=self._copied("noisy", result.noisy, uses),
            denoised=self._copied("denoised", result.denoised, uses),
            labels=self._copied("labels", result.labels, uses),
            view=view,
            latency=None if result.latency is None else dict(result.latency),
        )

    def _copied(
        self, name: Picture, picture: NDArray[np.uint8], uses: frozenset[Picture]
    ) -> NDArray[np.uint8]:
        if name not in uses:
            return _UNUSED
        own = self.arrays.get(name)
        if own is None or own.shape != picture.shape:
            own = self.arrays[name] = np.empty(picture.shape, np.uint8)
        np.copyto(own, picture)
        return own


class _Branch:
    """A sink with its thread and the frames that wait for it."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.thread: threading.Thread | None = None
        self.waiting: deque[_Copy] = deque()
        self.ended = False
        self.watchdog = Watchdog()
        self.written = self.dropped = 0
        self.error: str | None = None

    def has_room(self) -> bool:
        """Whether a frame can be added without dropping one."""
        return len(self.waiting) < _ROOM[self.sink.policy]


class FanOut(Sink):
    """Gives every frame to several sinks, so that none of them takes the others down.

    Each writes in its own thread. Where a sink of policy "block" (a file) is behind, `write`
    waits for it; one of policy "drop" (a window, a stream) gets the newest frame when it is
    ready, and misses those before. A sink that raises is left out, and so is one of policy
    "block" that hangs (`Watchdog`: for 4 s, and ten times as long as ever before; 30 s at its
    first frame). Until it is found to hang no other sink gets a frame; then the others go on.
    `write` raises when none is left, `close` where one of policy "block" failed; `outcomes` tells
    what became of each.

    The sinks share one copy of a frame, of those pictures that any of them uses. The copies are
    used again, and never more than the sinks have room for.
    """

    ends_hanging = True

    def __init__(
        self,
        sinks: Sequence[Sink],
        on_output: Callable[[str, Stamp], None] = lambda *_: None,
    ) -> None:
        """on_output: called with a sink's name and a frame's stamp as soon as it is written.

        It is called in that sink's thread. Raises UsageError where two sinks write to one place.
        """
        places = [sink.location for sink in sinks if sink.location is not None]
        for place in places:
            if places.count(place) > 1:
                raise UsageError(f"{place}: given twice; give each output a place of its own")
        self.uses = frozenset[Picture]().union(*(sink.uses for sink in sinks))
        self._branches = [_Branch(sink) for sink in sinks]
        self._blocking = [branch for branch in self._branches if branch.sink.policy == "block"]
        self._on_output = on_output
        self._changed = threading.Condition()  # guards what follows, and the branches
        self._spare: list[_Copy] = []
        self._wanted = True
        self._closing = False
        self._reported = False

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Open the sinks in the order given; what one of them raises, it raises."""
        for branch in self._branches:
            branch.sink.open(source, view_size)
        for branch in self._branches:
            branch.thread = threading.Thread(
                target=self._serve, args=(branch,), name=f"sink {branch.sink.name}", daemon=True
            )
            branch.thread.start()

    def write(self, result: FrameResult) -> bool:
        """Hand a frame on; False when the person watching one of the sinks asked to stop.

        Raises RtsdbError when all sinks have failed.
        """
        with self._changed:
            self._await(self._blocking, lambda branch: branch.has_room() or self._closing)
            if self._closing:
                return False
            copy = self._spare.pop() if self._spare else _Copy()
        copy.fill(result, self.uses)
        with self._changed:
            copy.readers = 1  # this thread, so that no sink has done with it too early
            for branch in self._branches:
                if not branch.ended:
                    self._hand(copy, branch)
            self._release(copy)
            self._changed.notify_all()
            if self._wanted and all(branch.ended for branch in self._branches):
                raise self._failure(self._branches)
            return self._wanted

    def idle(self) -> bool:
        """False when the person watching one of the sinks asked to stop."""
        with self._changed:
            self._give_up_hanging(self._blocking)
        return self._wanted

    def stages_wanted(self) -> int | None:
        """The blocks K that the person watching one of the sinks asked for."""
        wanted = [branch.sink.stages_wanted() for branch in self._branches]
        return next((stages for stages in wanted if stages is not None), None)

    def hurry(self, patience: float) -> None:
        """Give sinks up that hang for so many seconds, if that is less than it was before."""
        with self._changed:
            for branch in self._branches:
                branch.watchdog.hurry(patience)

    def close(self) -> None:
        """Have the sinks write what waits, and finish; give up those that hang for 4 s, or less.

        Raises RtsdbError where a sink of policy "block" has failed. Safe to call twice.
        """
        with self._changed:
            if self._closing:
                return
            self._closing = True
            for branch in self._branches:
                branch.watchdog.hurry(_CLOSE_S)
            self._changed.notify_all()
            started = [branch for branch in self._branches if branch.thread is not None]
            self._await(started, lambda branch: False)
        with ExitStack() as others:
            for branch in self._branches:
                if branch not in started:
                    others.callback(branch.sink.close)
        failed = [b for b in self._branches if b.error and b.sink.policy == "block"]
        if failed and not self._reported:
            raise self._failure(failed)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of each sink so far, in the order given."""
        with self._changed:
            return tuple(
                Outcome(b.sink.name, b.sink.location, b.written, b.dropped, b.error)
                for b in self._branches
            )

    @property
    def location(self) -> str | None:
        """Where the outputs lie."""
        return ", ".join(filter(None, (b.sink.location for b in self._branches))) or None

    def _await(self, branches: Sequence[_Branch], done: Callable[[_Branch], bool]) -> None:
        """Wait until sinks are done or have ended; give up those that hang."""
        self._give_up_hanging(branches)
        while not all(branch.ended or done(branch) for branch in branches):
            self._changed.wait(_TICK_S)
            self._give_up_hanging(branches)

    def _hand(self, copy: _Copy, branch: _Branch) -> None:
        if not branch.has_room():
            self._release(branch.waiting.popleft())
            branch.dropped += 1
        branch.waiting.append(copy)
        copy.readers += 1

    def _release(self, copy: _Copy) -> None:
        copy.readers -= 1
        if not copy.readers:
            self._spare.append(copy)

    def _serve(self, branch: _Branch) -> None:
        """A sink's thread: write what comes, then close the sink, whatever happens."""
        try:
            while self._serve_once(branch):
                pass
        except BaseException as error:
            self._note_failure(branch, str(error) or type(error).__name__)
        try:
            with branch.watchdog.call():
                branch.sink.close()
        except BaseException as error:
            self._note_failure(branch, str(error) or type(error).__name__)
        with self._changed:
            self._end(branch)

    def _serve_once(self, branch: _Branch) -> bool:
        """Write the next frame, or idle; False when there is nothing more to do."""
        with self._changed:
            self._changed.wait_for(
                lambda: branch.waiting or branch.ended or self._closing, timeout=_IDLE_S
            )
            copy = branch.waiting.popleft() if branch.waiting else None
            if copy is None and (branch.ended or self._closing):
                return False
            self._changed.notify_all()
        if copy is not None:
            wanted = self._deliver(copy, branch)
        else:
            with branch.watchdog.call():
                wanted = branch.sink.idle()
        if not wanted:
            self._wanted = False
        return wanted

    def _deliver(self, copy: _Copy, branch: _Branch) -> bool:
        assert copy.result is not None
        try:
            with branch.watchdog.call(gives_result=True):
                wanted = branch.sink.write(copy.result)
            branch.written += 1
            self._on_output(branch.sink.name, copy.result.stamp)
        finally:
            with self._changed:
                self._release(copy)
                self._changed.notify_all()
        return wanted

    def _note_failure(self, branch: _Branch, what: str) -> None:
        name = branch.sink.name
        with self._changed:
            if branch.error is None:
                branch.error = what if what.startswith(name) else f"{name}: {what}"
                log.warning("%s; this output has ended", branch.error)

    def _give_up_hanging(self, branches: Sequence[_Branch]) -> None:
        """Leave sinks behind that hang; their threads end with them or with the process."""
        for branch in branches:
            if branch.watchdog.hangs() and not branch.ended:
                patience = branch.watchdog.patience
                self._note_failure(branch, f"nothing happened for {patience:.2g} s")
                self._end(branch)

    def _end(self, branch: _Branch) -> None:
        branch.ended = True
        while branch.waiting:
            self._release(branch.waiting.popleft())
        self._changed.notify_all()

    def _failure(self, branches: Sequence[_Branch]) -> RtsdbError:
        self._reported = True
        return RtsdbError("; ".join(b.error for b in branches if b.error))
