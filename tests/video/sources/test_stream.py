import base64
import socket
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path

import cv2
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import Stamp
from rtsdb.video.sources import FrameSizeChanged, SourceOptions, file, open_source
from rtsdb.video.sources.base import Source
from rtsdb.video.sources.file import VideoFileSource
from tests.video.sources.reading import blank, read_all
from tests.video.sources.senders import (
    PIXEL_ASPECT,
    RATE,
    SIZE,
    free_port,
    grey,
    http_server,
    number_of,
    sender,
    tcp_server,
)


def read(source: Source, count: int) -> tuple[list[Stamp], list[int]]:
    """Stamps and numbers of the next frames."""
    image = blank(source)
    stamps, numbers = [], []
    for _ in range(count):
        stamp = source.read(image)
        assert stamp is not None
        stamps.append(stamp)
        numbers.append(number_of(image))
    return stamps, numbers


def assert_in_step(stamps: list[Stamp], numbers: list[int]) -> None:
    """As many frames lie between two times as between the pictures' numbers."""
    for (first, was), (second, now) in pairwise(zip(stamps, numbers, strict=True)):
        assert second.seconds > first.seconds
        assert (second.seconds - first.seconds) * RATE % 23 == (now - was) % 23


@pytest.mark.parametrize(
    ("format", "address"),
    [("mpegts", "udp://127.0.0.1:{}"), ("rtp_mpegts", "rtp://127.0.0.1:{}")],
    ids=["udp", "rtp"],
)
def test_datagrams(format: str, address: str) -> None:
    address = address.format(free_port(socket.SOCK_DGRAM))
    with sender(address, format), open_source(address) as source:
        assert source.info.live
        assert (source.info.width, source.info.height) == SIZE
        assert source.info.pixel_aspect == PIXEL_ASPECT
        assert_in_step(*read(source, 12))


def test_size_changes_within_a_stream() -> None:
    address = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    with sender(address):
        source = open_source(address)
        before, _ = read(source, 3)
    with source, sender(address, size=(96, 64)):
        with pytest.raises(FrameSizeChanged, match="is 96x64, the frames before it 64x48"):
            read(source, 100)
        assert (source.info.width, source.info.height) == (96, 64)
        after, numbers = read(source, 3)
        assert_in_step(after, numbers)
        assert after[0].seconds > before[-1].seconds


def test_h264_over_rtp_as_an_sdp_file_describes_it(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    description = tmp_path / "camera.sdp"
    description.write_text(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=camera\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1\n"
    )
    with sender(f"rtp://127.0.0.1:{port}", "rtp"), open_source(str(description)) as source:
        assert_in_step(*read(source, 12))


def test_a_server_that_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtsdb.video.sources.reconnect.FIRST_DELAY", 0.05)
    port = free_port(socket.SOCK_STREAM)
    with tcp_server(port):
        source = open_source(f"tcp://127.0.0.1:{port}")
        before, numbers = read(source, 5)
        assert_in_step(before, numbers)
    with source, tcp_server(port, size=(96, 64)):
        with pytest.raises(FrameSizeChanged, match="came back with 96x64"):
            read_all(source, before)
        after, numbers = read(source, 5)
        assert_in_step(after, numbers)
        assert source.events.reconnects == 1
        gap = after[0].arrived - before[-1].arrived
        assert source.events.lost_seconds == pytest.approx(gap)
        assert float(after[0].seconds - before[-1].seconds) == pytest.approx(gap, abs=0.001)
        assert after[0].index == before[-1].index + 1


def test_the_end_of_a_stream_without_reconnection() -> None:
    port = free_port(socket.SOCK_STREAM)
    with tcp_server(port):
        source = open_source(f"tcp://127.0.0.1:{port}", SourceOptions(reconnect=0))
        read(source, 2)
    with source:
        read_all(source)


def mjpeg(request: BaseHTTPRequestHandler) -> None:
    """Ten pictures a second, as web cameras send them."""
    wanted = "Basic " + base64.b64encode(b"driver:p@ss").decode()
    if request.headers["Authorization"] != wanted:
        request.send_response(401)
        request.send_header("WWW-Authenticate", 'Basic realm="camera"')
        request.end_headers()
        return
    request.send_response(200)
    request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
    request.end_headers()
    for number in range(1000):
        picture = cv2.imencode(".jpg", grey(number))[1].tobytes()
        request.wfile.write(
            b"--next\r\nContent-Type: image/jpeg\r\n"
            b"Content-Length: %d\r\n\r\n%b\r\n" % (len(picture), picture)
        )
        time.sleep(0.1)


def test_web_camera_has_the_times_of_arrival_and_a_password() -> None:
    with http_server(mjpeg) as host:
        with open_source(f"http://driver:p%40ss@{host}/video?token=secret") as source:
            assert source.info.name == f"http://***@{host}/video?token=***"
            stamps, numbers, skipped = [], [], []
            for _ in range(6):
                before = source.events.dropped["source"]
                (stamp,), (number,) = read(source, 1)
                skipped.append((before, source.events.dropped["source"]))
                stamps.append(stamp)
                numbers.append(number)
        with pytest.raises(RtsdbError, match=r"401 Unauthorized") as caught:
            open_source(f"http://driver:wrong@{host}/video?token=secret")
    assert "wrong" not in str(caught.value)
    assert "secret" not in str(caught.value)
    for first, second in pairwise(stamps):
        passed = float(second.seconds - first.seconds)
        assert passed == pytest.approx(second.arrived - first.arrived, abs=0.001)
    (before_first, after_first), *_, (before_last, after_last) = skipped
    least, most = before_last - after_first, after_last - before_first
    assert (numbers[-1] - numbers[0] - 5 - least) % 23 <= most - least


def test_a_file_on_a_web_server_is_a_file(make_clip: Callable[..., Path]) -> None:
    content = make_clip(options={"movflags": "faststart"}).read_bytes()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    with http_server(answer) as host, open_source(f"http://{host}/clip.mp4") as source:
        assert isinstance(source, VideoFileSource)
        assert not source.info.live
        seconds = [stamp.seconds for stamp in read_all(source)]
    assert seconds == [Fraction(n, 25) for n in range(10)]


def test_a_file_on_a_web_server_that_falls_silent_breaks_off(
    make_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = make_clip(pts=range(100), options={"movflags": "faststart"}).read_bytes()
    monkeypatch.setattr(file, "_STALL_S", 5.0)
    done = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        # All in one go to the kernel, which sends it while this thread does something else.
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * len(content))
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[: len(content) // 2])
        done.wait(60)

    stamps: list[Stamp] = []
    with http_server(answer) as host, open_source(f"http://{host}/clip.mp4") as source:
        begin = time.monotonic()
        with pytest.raises(RtsdbError, match=r"clip\.mp4: breaks off at frame"):
            read_all(source, stamps)
        assert time.monotonic() - begin < 45
        done.set()
    assert 10 < len(stamps) < 100


def test_segments_that_come_at_once_do_not_cost_their_frames(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    options = {"hls_time": "10", "hls_flags": "omit_endlist"}
    make_clip("live.m3u8", pts=range(0, 1000, 4), options=options)

    def answer(request: BaseHTTPRequestHandler) -> None:
        content = (tmp_path / request.path.lstrip("/")).read_bytes()
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    once = SourceOptions(reconnect=0)
    with http_server(answer) as host, open_source(f"http://{host}/live.m3u8", once) as source:
        assert source.info.live
        stamps, _ = read(source, 10)
    # Not just one of each segment's frames; some are lost where the process is held up.
    assert stamps[-1].seconds - stamps[0].seconds < 15


@pytest.mark.parametrize(
    "address", ["rtsp://u:secret@{}/1", "tcp://u:secret@{}", "http://{}/?k=secret"]
)
def test_nobody_there(address: str) -> None:
    address = address.format(f"127.0.0.1:{free_port(socket.SOCK_STREAM)}")
    with pytest.raises(RtsdbError, match=r"cannot be received \(connection refused\)") as caught:
        open_source(address)
    assert caught.value.__suppress_context__
    assert "secret" not in str(caught.value)


def test_protocol_that_is_not_built_in() -> None:
    with pytest.raises(UsageError, match=r"^gopher2://\*\*\*@host/: .* built without gopher2; use"):
        open_source("gopher2://user:secret@host/")
