import _thread
import errno
import shutil
import subprocess
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from rtsdb.errors import UsageError
from rtsdb.recordings import run as run_module
from rtsdb.recordings.plan import STATE
from rtsdb.video.sinks import encoder
from rtsdb.video.sinks.atomic_file import AtomicFile
from rtsdb.video.sources.file import VideoFileSource
from tests.recordings.runs import (
    Notes,
    ReusableEngine,
    breaking,
    check_video,
    drive,
    frames_in,
    left_in,
    lines_in,
    process,
)
from tests.video.sinks.recordings import CREATED, kinds_in, packets_in

Clip = Callable[..., Path]


def test_each_recording_becomes_a_file_of_its_own(tmp_path: Path) -> None:
    sources = [drive(tmp_path / "a.mp4"), drive(tmp_path / "b.mkv", frames=5)]
    out, labels, metadata, notes = tmp_path / "out", tmp_path / "labels", tmp_path / "m", Notes()
    ended = process(sources, out, labels=f"{labels}/", metadata=f"{metadata}/", notes=notes)
    assert [(one.recording.name, one.state, one.frames) for one in ended] == [
        ("a.mp4", "done", 20),
        ("b.mkv", "done", 5),
    ]
    assert all(one.fps > 0 and one.why is None for one in ended)
    assert notes.ended == ended
    assert notes.started == [("a.mp4", "1 of 2", 0, 20), ("b.mkv", "2 of 2", 0, 5)]
    assert notes.advanced == [*range(1, 21), *range(1, 6)]
    for source, name in zip(sources, ("a", "b"), strict=True):
        check_video(out / source.name, source)
        assert packets_in(out / source.name, "audio") == packets_in(source, "audio")
        assert len(frames_in(labels / f"{name}.mkv")) == len(frames_in(source))
        assert len(lines_in(metadata / f"{name}.jsonl")) == len(frames_in(source))
    assert kinds_in(out / "a.mp4") == ["video", "audio", "data"]
    assert packets_in(out / "a.mp4", "data") == packets_in(sources[0], "data")
    assert left_in(tmp_path) == [
        "a.mp4",
        "b.mkv",
        "labels/a.mkv",
        "labels/b.mkv",
        "m/a.jsonl",
        "m/b.jsonl",
        "out/a.mp4",
        "out/b.mkv",
    ]


def test_what_is_done_is_left_alone(tmp_path: Path) -> None:
    sources = [drive(tmp_path / "a.mp4", frames=3)]
    process(sources, tmp_path / "out")
    before = (tmp_path / "out/a.mp4").stat()
    sources.append(drive(tmp_path / "b.mp4", frames=4))
    engine = ReusableEngine()
    ended = process(sources, tmp_path / "out", engine)
    assert [(one.state, one.frames) for one in ended] == [("already done", 3), ("done", 4)]
    assert engine.submitted == 4
    assert (tmp_path / "out/a.mp4").stat() == before


def test_an_output_that_was_removed_is_made_again(tmp_path: Path) -> None:
    sources = [drive(tmp_path / "a.mp4", frames=3)]
    process(sources, tmp_path / "out")
    (tmp_path / "out/a.mp4").unlink()
    assert [one.state for one in process(sources, tmp_path / "out")] == ["done"]
    check_video(tmp_path / "out/a.mp4", sources[0])


def test_variable_times_and_tags_are_kept(tmp_path: Path, make_clip: Clip) -> None:
    clip = make_clip(pts=[0, 1, 2, 30, 250, 251, 252, 500], options={"movflags": "faststart"})
    process([clip, drive(tmp_path / "a.mp4", 3)], tmp_path / "out")
    times = [time for time, _ in frames_in(tmp_path / "out/clip.mp4")]
    assert [time * 25 for time in times] == [0, 1, 2, 30, 250, 251, 252, 500]
    with av.open(str(tmp_path / "out/a.mp4")) as file:
        assert file.metadata["creation_time"] == CREATED


def test_frames_are_those_of_each_recording(tmp_path: Path) -> None:
    source = drive(tmp_path / "a.mp4")
    engine = ReusableEngine()
    for states in (["done"], ["already done"]):
        ended = process([source], tmp_path / "out", engine, frames=11)
        assert [(one.state, one.frames) for one in ended] == [(state, 11) for state in states]
    assert len(frames_in(tmp_path / "out/a.mp4")) == 11


def test_ctrl_c_keeps_every_frame_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [
        drive(tmp_path / f"{n}.mp4", frames) for n, frames in (("a", 4), ("b", 40), ("c", 3))
    ]
    out, metadata = tmp_path / "out", tmp_path / "m"
    more = {"labels": f"{tmp_path}/labels/", "metadata": f"{metadata}/"}
    whole = process(sources[1:2], tmp_path / "whole", labels=f"{tmp_path}/whole-labels/")

    interrupted, interrupt = threading.Event(), VideoFileSource.interrupt

    def note_interrupt(source: VideoFileSource) -> None:
        interrupt(source)
        interrupted.set()

    monkeypatch.setattr(VideoFileSource, "interrupt", note_interrupt)

    def stop(number: int) -> None:
        if number == 14:
            interrupted.clear()  # what ends is interrupted, too
            _thread.interrupt_main()
            interrupted.wait(60)

    ended = process(sources, out, ReusableEngine(hook=stop), **more)
    assert [one.state for one in ended] == ["done", "interrupted", "waiting"]
    kept = ended[1].frames
    assert 10 < kept < 40
    engine, notes = ReusableEngine(), Notes()
    ended = process(sources, out, engine, notes, **more)
    assert [one.state for one in ended] == ["already done", "continued", "done"]
    assert notes.started[0] == ("b.mp4", "2 of 3", kept, 40)
    assert engine.submitted == 40 - kept + 3
    for source in sources:
        check_video(out / source.name, source)
    assert [number for number, _ in lines_in(metadata / "b.jsonl")] == [*range(40)]
    assert whole[0].state == "done"
    assert packets_in(tmp_path / "labels/b.mkv", "video") == packets_in(
        tmp_path / "whole-labels/b.mkv", "video"
    )
    assert packets_in(out / "b.mp4", "audio") == packets_in(sources[1], "audio")


def test_ctrl_c_while_files_are_joined_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = drive(tmp_path / "a.mp4")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "publish", interrupted)
        assert process([source], tmp_path / "out")[0].state == "interrupted"
    engine = ReusableEngine()
    assert process([source], tmp_path / "out", engine)[0].state == "continued"
    assert engine.submitted == 0
    check_video(tmp_path / "out/a.mp4", source)


def test_a_broken_recording_is_named_and_the_next_has_its_turn(
    tmp_path: Path, make_clip: Clip
) -> None:
    whole = make_clip("b.mkv", pts=range(60), time_base=Fraction(1, 2))
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    sources = [drive(tmp_path / "a.mkv", 3), whole, drive(tmp_path / "c.mkv", 3)]
    ended = process(sources, tmp_path / "out")
    assert [one.state for one in ended] == ["done", "failed", "done"]
    why = ended[1].why or ""
    assert f"{sources[1]}: breaks off at frame {ended[1].frames}" in why
    assert f"the {ended[1].frames} frames finished before are in " in why
    segments = sorted((tmp_path / "out" / STATE / "b.mkv").iterdir())
    assert sum(len(frames_in(path)) for path in segments) == ended[1].frames > 5
    assert left_in(tmp_path / "out")[-2:] == ["a.mkv", "c.mkv"]


def test_what_is_no_video_is_named_and_the_next_has_its_turn(tmp_path: Path) -> None:
    sources = [tmp_path / "notes.mp4", drive(tmp_path / "b.mp4", frames=3)]
    sources[0].write_text("not a video\n" * 50)
    ended = process(sources, tmp_path / "out")
    assert [one.state for one in ended] == ["failed", "done"]
    assert "notes.mp4: cannot be read as a video" in (ended[0].why or "")
    assert not (tmp_path / "out/notes.mp4").exists()


def test_an_engine_that_fails_costs_that_recording(tmp_path: Path) -> None:
    sources = [drive(tmp_path / f"{name}.mp4") for name in "ab"]
    ended = process(sources, tmp_path / "out", breaking(after=9))
    assert [one.state for one in ended] == ["failed", "failed"]
    assert "inference stage: the device is lost" in (ended[0].why or "")
    ended = process(sources, tmp_path / "out")
    assert [one.state for one in ended] == ["continued", "done"]
    for source in sources:
        check_video(tmp_path / "out" / source.name, source)


@pytest.mark.parametrize("segment", [0, 1])
def test_a_full_disk_stops_each_recording_and_makes_no_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segment: int
) -> None:
    sources = [drive(tmp_path / f"{name}.mp4") for name in "ab"]
    write = AtomicFile.write

    def write_or_fail(file: AtomicFile, data: bytes) -> int:
        if file.path.stem == f"{segment:06d}":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(AtomicFile, "write", write_or_fail)
        ended = process(sources, tmp_path / "out", labels=f"{tmp_path}/labels")
    assert [(one.state, one.frames) for one in ended] == [("failed", 8 * segment)] * 2
    for one in ended:
        assert one.why is not None
        assert "writing failed (no space left on device); make room and run again" in one.why
    assert len(left_in(tmp_path / "out")) == 2 * segment
    ended = process(sources, tmp_path / "out", labels=f"{tmp_path}/labels")
    assert [one.state for one in ended] == ["continued" if segment else "done"] * 2
    for source in sources:
        check_video(tmp_path / "out" / source.name, source)


def test_a_disk_that_is_full_when_files_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = drive(tmp_path / "a.mp4")
    write = AtomicFile.write

    def write_or_fail(file: AtomicFile, data: bytes) -> int:
        if file.path.stem == "joined" and file.tell():
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(AtomicFile, "write", write_or_fail)
        (ended,) = process([source], tmp_path / "out")
    assert (ended.state, ended.frames) == ("failed", 20)
    assert "a.mp4: writing failed (no space left on device); make room" in (ended.why or "")
    assert left_in(tmp_path / "out") == [f"{STATE}/a.mp4/00000{n}.mp4" for n in range(3)]
    engine = ReusableEngine()
    assert process([source], tmp_path / "out", engine)[0].state == "continued"
    assert engine.submitted == 0
    check_video(tmp_path / "out/a.mp4", source)


def test_a_disk_that_is_really_full(tmp_path: Path, small_disk: Path) -> None:
    sources = [drive(tmp_path / f"{name}.mkv", frames=60) for name in "ab"]
    ended = process(sources, small_disk)
    assert [one.state for one in ended] == ["failed", "failed"]
    for one in ended:
        assert "no space left on device" in (one.why or "")
    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    ended = process(sources, small_disk)
    assert {one.state for one in ended} <= {"done", "continued"}
    for source in sources:
        check_video(small_disk / source.name, source)


def test_a_segment_that_was_removed_is_made_again(tmp_path: Path) -> None:
    source = drive(tmp_path / "a.mp4", frames=30)
    out = tmp_path / "out"
    process([source], out, breaking(after=29))
    (out / STATE / "a.mp4" / "000001.mp4").unlink()
    engine = ReusableEngine()
    (ended,) = process([source], out, engine)
    assert (ended.state, engine.submitted) == ("continued", 22)
    check_video(out / "a.mp4", source)


def test_a_changed_setting_is_refused(tmp_path: Path) -> None:
    sources = [drive(tmp_path / "a.mp4", frames=3)]
    process(sources, tmp_path / "out")
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"stages": 2}, r"was begun with --(model rt|stages 1)"),
        ({"sigma": "30"}, "was begun with --sigma 25, now it is 30"),
        ({"view": "overlay"}, "was begun with --view denoised, now it is overlay"),
        ({"frames": 7}, "was begun without --frames, now it is 7"),
        ({"metadata": f"{tmp_path}/m"}, "was begun without --metadata"),
    )
    for change, message in changes:
        with pytest.raises(UsageError, match=message):
            process(sources, tmp_path / "out", **change)


def test_a_changed_recording_is_refused_and_can_be_begun_anew(tmp_path: Path) -> None:
    source, out = drive(tmp_path / "a.mp4"), tmp_path / "out"
    process([source], out, breaking(after=19))
    drive(source, frames=12)
    (ended,) = process([source], out)
    assert ended.state == "failed"
    assert f"{source}: is not the file that {out / STATE / 'a.mp4'} was made of" in (
        ended.why or ""
    )
    shutil.rmtree(out / STATE / "a.mp4")
    assert process([source], out)[0].state == "done"
    check_video(out / "a.mp4", source)
    drive(source, frames=13)
    (ended,) = process([source], out)
    assert f"{source}: is not the file that {out / 'a.mp4'} was made of" in (ended.why or "")


def test_a_file_of_someone_else_is_not_written_over(tmp_path: Path) -> None:
    source, out = drive(tmp_path / "a.mp4", frames=3), tmp_path / "out"
    out.mkdir()
    (out / "a.mp4").write_text("precious")
    (ended,) = process([source], out)
    assert "a.mp4: is there already, and not by this command" in (ended.why or "")
    assert (out / "a.mp4").read_text() == "precious"


def test_what_another_encoder_began_is_not_joined_with(tmp_path: Path) -> None:
    source, out = drive(tmp_path / "a.mp4"), tmp_path / "out"
    process([source], out, breaking(after=15))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(encoder.ENCODERS, "x264", (encoder._MPEG4,))
        (ended,) = process([source], out)
    assert "was begun with another encoder; use that, or remove" in (ended.why or "")
    assert process([source], out)[0].state == "continued"
    check_video(out / "a.mp4", source)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"paced": True}, "--resume: does not go together with --pace source"),
        ({"report": Path("r.json")}, "--resume: does not go together with --report"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        process([drive(tmp_path / "a.mp4", frames=1)], tmp_path / "out", **change)


def test_an_encoder_that_does_not_work_here_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(encoder.ENCODERS, "nvenc", (encoder.Encoder("none", {}),))
    with pytest.raises(UsageError, match="--encoder nvenc: does not work here"):
        process([drive(tmp_path / "a.mp4", frames=1)], tmp_path / "out", encoder="nvenc")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["demo", "0", "-", "rtsp://host/x", "csi://0"])
def test_only_recordings_are_taken(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: is no recording; give video files"):
        process([name], tmp_path / "out")


def test_images_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "photo.png").touch()
    with pytest.raises(UsageError, match=r"photo\.png: is an image; give video files"):
        process([tmp_path / "photo.png"], tmp_path / "out")
