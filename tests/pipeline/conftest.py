import os
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """No thread, no open file."""
    threads, files = set(threading.enumerate()), open_files()
    yield
    new = set(threading.enumerate()) - threads
    for thread in new:
        thread.join(60)
    assert not [thread.name for thread in new if thread.is_alive()]
    assert not open_files() - files


def open_files() -> set[str]:
    """What this process has open below the tests' folder, by number; libraries keep files, too."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the one of the listing itself
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
    return {name for name in found if "/pytest-" in name}
