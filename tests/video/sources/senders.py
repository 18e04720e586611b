"""What sends live video to the tests, all on 127.0.0.1 and only while a block lasts."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import numpy as np
import pytest

from rtsdb.video.sources import live
from rtsdb.video.sources.live import LiveSource

SIZE = (64, 48)
PIXEL_ASPECT = Fraction(12, 11)
RATE = 50


def grey(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture whose level tells its number modulo 23."""
    return np.full((size[1], size[0], 3), 10 + 10 * (number % 23), np.uint8)


def number_of(image: np.ndarray) -> int:
    return round((float(image.mean()) - 10) / 10)


def wait_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Live sources wait a minute before a sender counts as lost: the machine may be slow."""
    monkeypatch.setattr(live, "OPENING", 60.0)
    monkeypatch.setitem(LiveSource.__init__.__kwdefaults__, "patience", 60.0)


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def encode(
    target: object, stop: threading.Event, format: str = "mpegts", size: tuple[int, int] = SIZE
) -> None:
    """Send pictures at RATE to `target`, an address or a file object, until `stop` is set."""
    options = {"preset": "ultrafast", "tune": "zerolatency", "g": "10", "crf": "10"}
    with av.open(target, "w", format=format, options={"flush_packets": "1"}) as container:
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height = size
        stream.codec_context.sample_aspect_ratio = PIXEL_ASPECT
        begin, number = time.perf_counter(), 0
        while not stop.wait(max(0.0, begin + number / RATE - time.perf_counter())):
            frame = av.VideoFrame.from_ndarray(grey(number, size), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
            number += 1


@contextmanager
def sender(address: str, format: str = "mpegts", size: tuple[int, int] = SIZE) -> Iterator[None]:
    """Sends to an address until the end of the block."""
    stop = threading.Event()
    thread = threading.Thread(target=encode, args=(address, stop, format, size))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def tcp_server(port: int, size: tuple[int, int] = SIZE) -> Iterator[None]:
    """Sends to the first that connects, and hangs up at the end of the block."""
    stop = threading.Event()

    class Unbuffered:
        def __init__(self, connection: socket.socket) -> None:
            self.connection = connection

        def write(self, data: bytes) -> int:
            self.connection.sendall(data)
            return len(data)

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                encode(Unbuffered(connection), stop, size=size)

    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(60)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@contextmanager
def http_server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Answers GET requests with `answer`; gives its host and port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):  # the receiver has seen enough
                answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
