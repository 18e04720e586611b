import itertools
import queue
import re
import socket
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks import push
from rtsdb.video.sinks.push import PushSink

INFO = SourceInfo("camera", 64, 48, Fraction(25), live=True)
MakeResult = Callable[..., FrameResult]

LISTEN = {
    "udp": {"timeout": "60000000"},
    "tcp": {"listen": "1", "listen_timeout": "60000"},
    "rtsp": {"rtsp_flags": "listen", "listen_timeout": "60"},
}


KINDS = {
    "udp": socket.SOCK_DGRAM,
    "tcp": socket.SOCK_STREAM,
    "rtsp": socket.SOCK_STREAM,
}


def free_port(protocol: str) -> int:
    with socket.socket(type=KINDS[protocol]) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_taken(protocol: str, port: int) -> bool:
    """As the kernel tells it: who tried to bind the port could take it from the player."""
    table = Path("/proc/net") / ("udp" if protocol == "udp" else "tcp")
    return f":{port:04X} 00000000:0000 " in table.read_text()


class Listener:
    """A player that waits for a stream, in a thread: the first frames' times and brightness.

    It stays until `over` is set: one that hangs up is an error to the sender.
    """

    def __init__(self, url: str, protocol: str, frames: int) -> None:
        self.frames: list[tuple[float, float]] = []
        self.told: queue.Queue[object] = queue.Queue()
        self._open = url, protocol, frames
        self.over = threading.Event()
        threading.Thread(target=self._play, daemon=True).start()
        while not is_taken(protocol, int(re.findall(r":(\d+)", url)[0])):
            assert self.told.empty(), self.told.get()
            time.sleep(0.01)

    def _play(self) -> None:
        url, protocol, frames = self._open
        options = {**LISTEN[protocol], "fflags": "nobuffer", "probesize": "10000"}
        try:
            with av.open(url, options={**options, "analyzeduration": "0"}) as stream:
                for frame in itertools.islice(stream.decode(video=0), frames):
                    assert frame.time is not None
                    self.frames.append((frame.time, float(frame.to_ndarray()[:48].mean())))
                self.told.put("done")
                self.over.wait(60)
        except Exception as error:
            self.told.put(error)


def send_until(sink: PushSink, done: Callable[[], bool], make_result: MakeResult) -> int:
    """Frames at 100 per second at most, and 6000 of them; how many."""
    for index in range(6000):
        level = 16 + 2 * (index % 100)
        assert sink.write(make_result(index, colour=(level, level, level)))
        if done():
            return index + 1
        time.sleep(0.01)
    raise AssertionError("nothing came in a minute")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A player that is slow to answer is not taken for a dead one."""
    for protocol, carrier in push.PROTOCOLS.items():
        options = carrier.options.replace("timeout=2000000", "timeout=60000000")
        monkeypatch.setitem(push.PROTOCOLS, protocol, carrier._replace(options=options))


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("protocol", list(LISTEN))
def test_a_player_sees_the_stream(make_result: MakeResult, protocol: str) -> None:
    url = f"{protocol}://127.0.0.1:{free_port(protocol)}" + "/live" * (protocol == "rtsp")
    listener = Listener(url, protocol, frames=10)
    with PushSink(url, "x264") as sink:
        sink.open(INFO, (64, 48))
        assert (sink.policy, sink.location, sink.name) == ("drop", None, url)
        send_until(sink, lambda: not listener.told.empty(), make_result)
    listener.over.set()
    assert listener.told.get() == "done"
    steps = [b - a for (a, _), (b, _) in itertools.pairwise(listener.frames)]
    assert steps == pytest.approx([0.04] * 9, abs=1e-3)
    levels = [level for _, level in listener.frames]
    assert levels[0] < levels[-1]


def test_nobody_there(make_result: MakeResult) -> None:
    url = f"rtsp://user:secret@127.0.0.1:{free_port('tcp')}/live?key=secret"
    with PushSink(url, "x264") as sink:
        sink.open(INFO, (64, 48))
        with pytest.raises(RtsdbError) as caught:
            send_until(sink, lambda: False, make_result)
    assert "cannot be sent to (connection refused); is the server up" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("patient")
def test_a_lost_connection_is_made_anew(
    make_result: MakeResult, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(push, "_SETTLED_S", 0.2)
    monkeypatch.setattr(push, "_FIRST_WAIT_S", 0.1)
    url = f"tcp://127.0.0.1:{free_port('tcp')}"
    with PushSink(url, "x264") as sink:
        sink.open(INFO, (64, 48))
        first = Listener(url, "tcp", frames=60)
        send_until(sink, lambda: not first.told.empty(), make_result)
        first.over.set()
        send_until(sink, lambda: "connection is lost" in caplog.text, make_result)
        second = Listener(url, "tcp", frames=40)  # 0.4 s, or the connection would not settle
        send_until(sink, lambda: not second.told.empty(), make_result)
        send_until(sink, lambda: "connected again" in caplog.text, make_result)
        second.over.set()
    assert (first.told.get(), second.told.get()) == ("done", "done")


def test_a_server_that_does_not_answer_holds_nobody_up(make_result: MakeResult) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"rtmp://127.0.0.1:{server.getsockname()[1]}/app/key"
        begin = time.monotonic()
        with PushSink(url, "x264") as sink:
            sink.open(INFO, (64, 48))
            with pytest.raises(RtsdbError, match=r"rtmp://.*/app/\*"):
                send_until(sink, lambda: False, make_result)
        assert time.monotonic() - begin < 30


def test_srt_that_pyav_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push.av, "open", raise_protocol_not_found)
    with pytest.raises(UsageError, match="srt: this PyAV is built without it"):
        PushSink("srt://host:9000", "x264").open(INFO, (64, 48))


def raise_protocol_not_found(*_: object) -> None:
    raise av.error.ProtocolNotFoundError(1, "Protocol not found")
