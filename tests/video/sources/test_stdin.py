import os
import pty
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.sources import open_source
from rtsdb.video.sources.base import Source
from tests.video.sources.reading import read_all


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The descriptor that another program would write to; the test closes it."""
    read, write = os.pipe()
    with os.fdopen(read) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield write


def fill(pipe: int, content: bytes, *, close: bool = True) -> threading.Thread:
    """Write as another program does, beside the one that reads."""

    def write() -> None:
        with os.fdopen(pipe, "wb", closefd=close) as file:
            file.write(content)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def interrupt_after(writer: threading.Thread, source: Source) -> None:
    """Interrupt when all is written: what nobody reads would hold the writer up for ever."""

    def interrupt() -> None:
        writer.join()
        time.sleep(0.2)
        source.interrupt()

    threading.Thread(target=interrupt).start()


def test_piped_video(pipe: int, make_clip: Callable[..., Path]) -> None:
    writer = fill(pipe, make_clip("clip.mkv").read_bytes())
    with open_source("-") as source:
        assert (source.info.name, source.info.live) == ("standard input", False)
        assert source.info.files == ()
        seconds = [float(stamp.seconds) for stamp in read_all(source)]
    writer.join()
    assert seconds == [number / 25 for number in range(10)]


def test_interrupt_while_the_sender_is_silent(pipe: int, make_clip: Callable[..., Path]) -> None:
    writer = fill(pipe, make_clip("clip.ts", pts=range(60)).read_bytes(), close=False)
    with open_source("-") as source:
        interrupt_after(writer, source)
        read_all(source)
    writer.join()
    os.close(pipe)


def test_interrupt_in_the_middle_of_a_file_that_tells_its_duration(
    pipe: int, make_clip: Callable[..., Path]
) -> None:
    content = make_clip("clip.mkv", pts=range(200)).read_bytes()
    writer = fill(pipe, content[: len(content) // 2], close=False)
    with open_source("-") as source:
        interrupt_after(writer, source)
        assert len(read_all(source)) < 200  # and nothing is said to be missing
    writer.join()
    os.close(pipe)


def test_text_piped_in(pipe: int) -> None:
    writer = fill(pipe, b"Just a text.\n" * 50)
    with pytest.raises(RtsdbError, match="standard input: cannot be read as a video"):
        open_source("-")
    writer.join()


def test_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    master, terminal = pty.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(UsageError, match=r"^-: nothing is piped in; pipe a video, as in"):
            open_source("-")
    os.close(master)
