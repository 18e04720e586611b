import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from av.error import InvalidDataError

from rtsdb.video.sources import SourceOptions, decoder, open_source
from rtsdb.video.sources.decoder import HardwareDecoderError, open_video, with_decoder


def first_frame(path: Path, decode: str) -> np.ndarray:
    image = np.empty((48, 64, 3), np.uint8)
    with open_source(str(path), SourceOptions(decode=decode)) as source:
        source.read(image)
    return image


@pytest.mark.parametrize(
    ("decode", "line"),
    [
        (
            "cuda",
            "clip.mp4: this machine has no NVIDIA GPU that FFmpeg can use; decoding on the CPU",
        ),
        ("v4l2m2m", "clip.mp4: this machine has no V4L2 decoder; decoding on the CPU"),
        ("auto", None),
        ("cpu", None),
    ],
)
def test_absent_hardware_falls_back_with_one_line(
    decode: str,
    line: str | None,
    make_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(decoder, "_cuda_works", lambda: False)
    monkeypatch.setattr(decoder.v4l2, "memory_to_memory_devices", lambda: [])
    path = make_clip()
    image = first_frame(path, decode)
    assert [record.getMessage().split("/")[-1] for record in caplog.records] == [line] * bool(line)
    assert np.array_equal(image, first_frame(path, "cpu"))


def test_hardware_that_fails_falls_back_with_one_line(
    make_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        """A decoder that opens and then refuses, as V4L2 drivers do."""

        thread_type = "AUTO"

        def decode(self, packet: object) -> None:
            raise InvalidDataError(1094995529, "Invalid data found when processing input")

    path = make_clip()
    expected = first_frame(path, "cpu")
    monkeypatch.setattr(decoder.v4l2, "memory_to_memory_devices", lambda: ["/dev/video10"])
    monkeypatch.setattr(decoder, "_v4l2m2m_context", lambda _: Broken())
    assert np.array_equal(first_frame(path, "v4l2m2m"), expected)
    warning, record = caplog.records
    assert "V4L2 decoders lose the times" in warning.getMessage()
    assert "v4l2m2m decoding failed (invalid data" in record.getMessage()
    assert record.levelno == logging.WARNING


def test_codec_without_a_hardware_decoder_goes_to_the_cpu_with_one_line(
    make_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(decoder, "_v4l2m2m_context", lambda _: None)
    video = open_video(str(make_clip()), "clip", "v4l2m2m")
    assert video.hardware is None
    assert video.context is video.stream.codec_context
    video.container.close()
    (record,) = caplog.records
    assert record.getMessage() == "clip: no v4l2m2m decoder here for h264; decoding on the CPU"


@pytest.mark.parametrize(("live", "decoders"), [(False, ["cpu"]), (True, ["v4l2m2m"])])
def test_times_of_a_file_are_not_lost_to_a_v4l2_decoder_unasked(
    live: bool, decoders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_cuda_works", lambda: False)
    monkeypatch.setattr(decoder.v4l2, "memory_to_memory_devices", lambda: ["/dev/video10"])
    tried: list[str] = []
    with_decoder("auto", "x", tried.append, live=live)
    assert tried == decoders


def test_only_failures_of_hardware_are_tried_again() -> None:
    tried = []

    def start(decoder: str) -> str:
        tried.append(decoder)
        raise ValueError("not a video")

    with pytest.raises(ValueError, match="not a video"):
        with_decoder("cpu", "x", start)
    assert tried == ["cpu"]


@pytest.mark.skipif(not decoder._cuda_works(), reason="no NVIDIA GPU here")
def test_gpu_gives_the_same_pictures(real_clip: Path) -> None:
    pictures = []
    for decode in ("cpu", "cuda"):
        image = np.empty((540, 960, 3), np.uint8)
        with open_source(str(real_clip), SourceOptions(decode=decode)) as source:
            for _ in range(5):
                source.read(image)
        pictures.append(image)
    assert np.abs(np.subtract(*pictures, dtype=np.int16)).max() <= 2


def test_hardware_is_blamed_before_its_first_frame_only(make_clip: Callable[..., Path]) -> None:
    for begun, error in ((False, HardwareDecoderError), (True, EOFError)):
        video = open_video(str(make_clip()), "clip", "cpu")
        video.hardware = "cuda"
        if begun:
            frames = video.decode(next(video.container.demux(video.stream)))
            assert len(frames + video.decode(None)) == 1
        else:
            video.context.decode(None)
        with pytest.raises(error):  # a decoder that was emptied takes nothing more
            video.decode(next(video.container.demux(video.stream)))
        video.container.close()
