"""An engine that takes its time, and Ctrl-C."""

import signal
import threading
import time

from rtsdb.engine.base import Result, Timings
from tests.pipeline.doubles import HEIGHT, WIDTH, FakeEngine, Hook, nothing


class SlowEngine(FakeEngine):
    """Takes two milliseconds for a frame, of which it says that one and a half are infer."""

    def result(self, ticket: int) -> Result:
        time.sleep(0.002)
        return super().result(ticket)._replace(timings=Timings(0.0002, 0.0015, 0.0003))


def slow_engine(hook: Hook = nothing) -> FakeEngine:
    """One that is prepared for the doubles' frames; `hook` runs before each result."""
    engine = SlowEngine(hook)
    engine.prepare(HEIGHT, WIDTH)
    return engine


def ctrl_c_at(ticket: int) -> Hook:
    """What presses Ctrl-C when the frame with that ticket is computed, by whatever thread."""

    def hook(now: int) -> None:
        if now == ticket:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    return hook
