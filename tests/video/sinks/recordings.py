"""Recordings as dash cameras make them, and what is in a file."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.container import OutputContainer
from av.stream import DataStream

CREATED = "2024-05-06T07:08:09.000000Z"


def make_recording(
    path: Path,
    *,
    frames: int = 50,
    rate: int = 25,
    size: tuple[int, int] = (64, 48),
    sound_from: float = 0.0,
    telemetry: bytes = b"gpmd",
) -> Path:
    """Sound as stream 0, the picture as 1 and, in an mp4, telemetry as 2.

    rate: frames per second. sound_from: when the sound begins, in seconds. telemetry: the data's
    type in the file.
    """
    mp4 = path.suffix == ".mp4"
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as file:
        sound = file.add_stream("aac", rate=48000, layout="stereo")
        picture = file.add_stream("libx264", rate=rate)
        picture.width, picture.height = size
        data = add_telemetry(file) if mp4 else None
        file.metadata.update({"creation_time": CREATED, "title": "Drive", "make": "Dash"})
        sound.metadata["language"] = "deu"
        for index in range(frames):
            image = rng.integers(0, 200, (size[1], size[0], 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            file.mux(picture.encode(frame))
            if data is not None and index % 10 == 0:
                fix = av.Packet(f"fix {index}".encode())
                fix.stream, fix.time_base = data, Fraction(1, rate)
                fix.pts = fix.dts = index
                fix.duration = 10
                file.mux(fix)
        file.mux(picture.encode(None))
        for index in range(frames * 48000 // rate // 1024):
            tone = rng.uniform(-0.5, 0.5, (2, 1024)).astype(np.float32)
            part = av.AudioFrame.from_ndarray(tone, format="fltp", layout="stereo")
            part.sample_rate = 48000
            part.pts = index * 1024 + round(48000 * sound_from)
            file.mux(sound.encode(part))
        file.mux(sound.encode(None))
    path.write_bytes(path.read_bytes().replace(b"gpmd", telemetry))
    return path


def add_telemetry(file: OutputContainer) -> DataStream:
    try:
        return file.add_data_stream("bin_data")
    except ValueError:
        pytest.skip(f"PyAV {av.__version__} cannot write telemetry (17 can)")


def kinds_in(path: Path) -> list[str]:
    """The kinds of streams in a file: video, audio, data, subtitle."""
    with av.open(str(path)) as file:
        return [stream.type for stream in file.streams]


def packets_in(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """Time and content of the packets of the only stream of a kind."""
    with av.open(str(path)) as file:
        (stream,) = (s for s in file.streams if s.type == kind)
        packets = [packet for packet in file.demux(stream) if packet.size]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in packets]
