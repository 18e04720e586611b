import threading
from collections.abc import Iterator

import pytest

from rtsdb.pipeline import run as run_module


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "PATIENCE", 0.5)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    new = set(threading.enumerate()) - before
    for thread in new:
        thread.join(1)
    assert not [thread.name for thread in new if thread.is_alive()]
