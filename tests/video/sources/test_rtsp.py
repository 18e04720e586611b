"""A real RTSP round trip on this machine, with GStreamer's server from Debian."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from rtsdb.errors import RtsdbError
from rtsdb.video.sources import FrameSizeChanged, open_source
from tests.video.sources.reading import read_all
from tests.video.sources.senders import free_port

PYTHON = "/usr/bin/python3"  # Debian's, which sees Debian's GStreamer
SERVER = Path(__file__).with_name("rtsp_server.py")


@contextmanager
def server(port: int, width: int, height: int) -> Iterator[None]:
    """The server, killed at the end of the block; skips the test where there is none."""
    if not Path(PYTHON).exists():
        pytest.skip(f"no {PYTHON} to run GStreamer's RTSP server")
    command = [PYTHON, str(SERVER), str(port), str(width), str(height)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                assert process.stderr is not None
                reason = process.stderr.read().strip().splitlines()[-1:]
                pytest.skip(f"no RTSP server: {reason}; {SERVER.name} names Debian's packages")
            yield
        finally:
            process.kill()


def test_server_killed_and_restarted_with_another_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtsdb.video.sources.reconnect.FIRST_DELAY", 0.05)
    port = free_port(socket.SOCK_STREAM)
    address = f"rtsp://driver:pass@127.0.0.1:{port}/ball"
    small, large = np.empty((120, 160, 3), np.uint8), np.empty((240, 320, 3), np.uint8)
    with server(port, 320, 240):
        source = open_source(address)
        assert source.info.name == f"rtsp://***@127.0.0.1:{port}/ball"
        before = [source.read(large) for _ in range(5)]
        assert large.max() > 200, "the ball is white"
        assert large.mean() < 60, "all else is black"
    with source:
        with server(port, 160, 120):
            with pytest.raises(FrameSizeChanged, match="came back with 160x120") as caught:
                read_all(source, before)
            assert caught.value.info.width == 160
            after = [source.read(small) for _ in range(5)]
        stamps = [stamp for stamp in before + after if stamp is not None]
    assert len(stamps) == len(before + after)
    assert [stamp.index for stamp in stamps] == list(range(len(stamps)))
    gap = after[0].arrived - before[-1].arrived
    assert float(after[0].seconds - before[-1].seconds) == pytest.approx(gap, abs=0.001)
    assert source.events.reconnects == 1
    assert source.events.lost_seconds == pytest.approx(gap)


def test_wrong_password_is_said_but_not_told() -> None:
    port = free_port(socket.SOCK_STREAM)
    with server(port, 160, 120), pytest.raises(RtsdbError, match="401 Unauthorized") as caught:
        open_source(f"rtsp://driver:secret@127.0.0.1:{port}/ball")
    assert "secret" not in str(caught.value)
