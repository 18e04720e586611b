from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtsdb.errors import UsageError
from rtsdb.video.sinks import encoder
from rtsdb.video.sinks.encoder import ENCODERS, Encoder, add_video_stream, choose_encoder

SIZE = (64, 48)
ABSENT = Encoder("h264_of_the_future", {}, needs="time")


def test_auto_prefers_hardware_and_falls_back_with_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (x264,) = ENCODERS["x264"]
    monkeypatch.setitem(encoder.ENCODERS, "auto", (ABSENT, x264))
    encoder._tell_of_software.cache_clear()
    for _ in range(2):
        assert choose_encoder("auto", SIZE) is x264
    assert caplog.messages == ["no hardware encoder works here: encoding with libx264"]
    caplog.clear()
    encoder._tell_of_software.cache_clear()
    monkeypatch.setattr(encoder, "_HARDWARE", (x264,))
    assert choose_encoder("auto", SIZE) is x264
    assert not caplog.messages


def test_one_that_is_asked_for_and_does_not_work_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(encoder.ENCODERS, "nvenc", (ABSENT,))
    with pytest.raises(UsageError, match=r"--encoder nvenc: does not work here .* needs time"):
        choose_encoder("nvenc", SIZE)


def test_a_size_that_the_encoder_cannot_do_is_noticed() -> None:
    with pytest.raises(UsageError, match="--encoder x264: does not work here"):
        choose_encoder("x264", (64, 100_000))


@pytest.mark.parametrize("low_delay", [False, True])
def test_x264_holds_back_next_to_nothing(tmp_path: Path, low_delay: bool) -> None:
    (x264,) = ENCODERS["x264"]
    with av.open(str(tmp_path / "out.mkv"), "w") as container:
        stream = add_video_stream(
            container, x264, SIZE, Fraction(25), Fraction(1, 25), low_delay=low_delay
        )
        packets = 0
        for index in range(20):
            image = np.full((48, 64, 3), 10 * index, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            packets += len(stream.encode(frame))
            assert index + 1 - packets <= (0 if low_delay else 4)


def test_mpeg4_keeps_times_that_it_can_count(tmp_path: Path) -> None:
    mpeg4 = ENCODERS["auto"][-1]
    assert mpeg4.name == "mpeg4"
    path = tmp_path / "out.mp4"
    with av.open(str(path), "w") as container:
        stream = add_video_stream(container, mpeg4, SIZE, Fraction(30), Fraction(1, 90000))
        for index in range(3):
            frame = av.VideoFrame(*SIZE, "yuv420p")
            frame.pts, frame.time_base = 3003 * index, Fraction(1, 90000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        times = [
            packet.pts * packet.time_base for packet in container.demux(video=0) if packet.size
        ]
    assert times == [Fraction(1001 * n, 30000) for n in range(3)]
