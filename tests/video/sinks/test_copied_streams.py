import errno
import logging
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from rtsdb.errors import RtsdbError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks import copied_streams
from rtsdb.video.sinks.atomic_file import AtomicFile
from rtsdb.video.sinks.copied_streams import CopiedStreams
from rtsdb.video.sinks.video_file import VideoFileSink
from tests.video.sinks.recordings import CREATED, kinds_in, make_recording, packets_in

MakeResult = Callable[..., FrameResult]


def process(recording: Path, output: Path, make_result: MakeResult, frames: int = 50) -> Path:
    """What a run does to a recording, but for the pictures."""
    with VideoFileSink(output, "x264") as sink:
        sink.open(SourceInfo("drive", 64, 48, Fraction(25), files=(str(recording),)), (64, 48))
        for index in range(frames):
            sink.write(make_result(index))
    return output


@pytest.mark.parametrize("kind", ["audio", "data"])
def test_packets_and_their_times_pass_unchanged(
    tmp_path: Path, make_result: MakeResult, kind: str
) -> None:
    recording = make_recording(tmp_path / "drive.mp4")
    output = process(recording, tmp_path / "out.mp4", make_result)
    assert kinds_in(output) == ["video", "audio", "data"]
    assert packets_in(output, kind) == packets_in(recording, kind)


def test_an_mkv_holds_the_sound_and_says_what_it_cannot(
    tmp_path: Path, make_result: MakeResult, caplog: pytest.LogCaptureFixture
) -> None:
    recording = make_recording(tmp_path / "drive.mp4")
    output = process(recording, tmp_path / "out.mkv", make_result)
    assert kinds_in(output) == ["video", "audio"]
    copied, original = packets_in(output, "audio"), packets_in(recording, "audio")
    assert [content for _, content in copied] == [content for _, content in original]
    for (time, _), (exact, _) in zip(copied, original, strict=True):
        assert abs(time - exact) <= Fraction(1, 2000)
    (line,) = (r.message for r in caplog.records if "left out" in r.message)
    assert line == (
        f"{recording}: stream 2 (data, unknown codec) is left out: matroska cannot hold it"
    )


def test_data_of_an_unknown_type_costs_itself_alone(
    tmp_path: Path, make_result: MakeResult, caplog: pytest.LogCaptureFixture
) -> None:
    recording = make_recording(tmp_path / "drive.mp4", telemetry=b"camm")
    output = process(recording, tmp_path / "out.mp4", make_result)
    assert kinds_in(output) == ["video", "audio"]
    assert packets_in(output, "audio") == packets_in(recording, "audio")
    assert "stream 2 (data, unknown codec) is left out: mp4 cannot hold it" in caplog.text


def test_broadcast_sound_goes_into_an_mp4(tmp_path: Path, make_result: MakeResult) -> None:
    recording = make_recording(tmp_path / "drive.ts")
    output = process(recording, tmp_path / "out.mp4", make_result)
    with av.open(str(recording)) as file, av.open(str(output)) as copy:
        samples = [sum(f.samples for f in opened.decode(audio=0)) for opened in (file, copy)]
    assert samples[0] == samples[1] > 0
    times = [[time for time, _ in packets_in(path, "audio")] for path in (recording, output)]
    assert times[1] == pytest.approx(times[0], abs=1e-4)


@pytest.mark.parametrize("kind", ["audio", "data"])
def test_a_run_cut_short_copies_what_goes_with_its_frames(
    tmp_path: Path, make_result: MakeResult, kind: str
) -> None:
    recording = make_recording(tmp_path / "drive.mp4", frames=125)
    output = process(recording, tmp_path / "out.mp4", make_result, frames=50)
    expected = [p for p in packets_in(recording, kind) if p[0] < 2]
    assert packets_in(output, kind) == expected


def test_a_run_cut_before_the_sound_begins(tmp_path: Path, make_result: MakeResult) -> None:
    recording = make_recording(tmp_path / "drive.mp4", frames=100, sound_from=2.0)
    output = process(recording, tmp_path / "out.mp4", make_result, frames=25)
    assert len(packets_in(output, "video")) == 25
    assert not packets_in(output, "audio")


def test_further_videos_are_copied(tmp_path: Path, make_result: MakeResult) -> None:
    front, rear = make_recording(tmp_path / "front.mp4"), tmp_path / "both.mp4"
    with av.open(str(front)) as file, av.open(str(rear), "w") as both:
        stream = both.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.width, stream.height = 640, 480
        copy = both.add_stream_from_template(file.streams.video[0])
        for index, packet in enumerate(file.demux(video=0)):
            if packet.size:
                frame = av.VideoFrame(640, 480, "yuv420p")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                both.mux(stream.encode(frame))
                packet.stream = copy
                both.mux(packet)
        both.mux(stream.encode(None))
    output = process(rear, tmp_path / "out.mp4", make_result)
    with av.open(str(output)) as file, av.open(str(front)) as original:
        second = [bytes(packet) for packet in file.demux(video=1) if packet.size]
        assert second == [bytes(packet) for packet in original.demux(video=0) if packet.size]
        assert all(frame.width == 64 for frame in original.decode(video=0))


def test_sound_that_goes_on_after_the_picture_is_kept(
    tmp_path: Path, make_result: MakeResult
) -> None:
    recording = make_recording(tmp_path / "drive.mp4", sound_from=5.0)
    output = process(recording, tmp_path / "out.mp4", make_result)
    assert packets_in(output, "audio") == packets_in(recording, "audio")


def test_a_stream_that_an_mp4_would_wait_too_long_for_is_left_out(
    tmp_path: Path,
    make_result: MakeResult,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(copied_streams, "_LATEST_START_S", 1)
    recording = make_recording(tmp_path / "drive.mp4", sound_from=1.5)
    assert kinds_in(process(recording, tmp_path / "a.mp4", make_result)) == ["video", "data"]
    assert "does not begin in the first 1 s; an .mkv might hold it" in caplog.text
    assert kinds_in(process(recording, tmp_path / "b.mkv", make_result)) == ["video", "audio"]


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_tags_are_kept(tmp_path: Path, make_result: MakeResult, ending: str) -> None:
    recording = make_recording(tmp_path / "drive.mkv")
    output = process(recording, tmp_path / f"out{ending}", make_result)
    with av.open(str(output)) as file:
        tags = {key.lower(): value for key, value in file.metadata.items()}
        assert tags["creation_time"] == CREATED
        assert (tags["title"], tags["make"]) == ("Drive", "Dash")
        assert file.streams.audio[0].metadata["language"] in ("deu", "ger")
        assert tags["encoder"].startswith("Lavf")


def test_in_the_file_packets_lie_where_their_time_is(
    tmp_path: Path, make_result: MakeResult
) -> None:
    recording = make_recording(tmp_path / "drive.mp4", frames=125)
    output = process(recording, tmp_path / "out.mp4", make_result, frames=125)
    newest = Fraction(0)
    with av.open(str(output)) as file:
        for packet in file.demux():
            if packet.size:
                time = packet.dts * packet.time_base
                newest = max(newest, time)
                assert newest - time < Fraction(1, 2)


def test_a_recording_that_breaks_off_costs_only_what_it_lost(
    tmp_path: Path, make_result: MakeResult, caplog: pytest.LogCaptureFixture
) -> None:
    whole = make_recording(tmp_path / "whole.mkv", frames=100)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    output = process(broken, tmp_path / "out.mkv", make_result)
    copied = packets_in(output, "audio")
    assert 20 < len(copied) < 100
    assert copied == packets_in(whole, "audio")[: len(copied)]


def test_a_full_disk_is_not_taken_for_a_bad_packet(
    tmp_path: Path,
    make_result: MakeResult,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recording = make_recording(tmp_path / "drive.mp4")
    copy, write = CopiedStreams._copy, AtomicFile.write
    copying = []

    def copy_and_tell(copied: CopiedStreams, due: Any) -> None:
        copying.append(due)
        copy(copied, due)
        copying.clear()

    def write_or_fail(file: AtomicFile, data: bytes) -> int:
        if copying:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(CopiedStreams, "_copy", copy_and_tell)
    monkeypatch.setattr(AtomicFile, "write", write_or_fail)
    with pytest.raises(RtsdbError, match="no space left on device"):
        process(recording, tmp_path / "out.mkv", make_result)
    assert "breaks off" not in caplog.text


def test_several_files_in_a_row_are_not_copied_from(
    tmp_path: Path, make_result: MakeResult, caplog: pytest.LogCaptureFixture
) -> None:
    recording = str(make_recording(tmp_path / "drive.mp4"))
    with VideoFileSink(tmp_path / "out.mp4", "x264") as sink:
        sink.open(SourceInfo("two", 64, 48, files=(recording, recording)), (64, 48))
        sink.write(make_result())
    assert kinds_in(tmp_path / "out.mp4") == ["video"]
    assert "copied from single files only" in caplog.text


def test_a_photo_has_nothing_to_copy(
    tmp_path: Path, make_result: MakeResult, caplog: pytest.LogCaptureFixture
) -> None:
    av.VideoFrame(64, 48, "rgb24").save(str(tmp_path / "photo.png"))
    process(tmp_path / "photo.png", tmp_path / "out.mp4", make_result, frames=1)
    assert kinds_in(tmp_path / "out.mp4") == ["video"]
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]
