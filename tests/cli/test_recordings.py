"""`rtsdb run --resume` as a person meets it."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rtsdb import cli
from tests.recordings.runs import drive, frames_in, left_in
from tests.video.sinks.recordings import make_recording, packets_in

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `rtsdb run` with arguments, in tmp_path; its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["rtsdb", "run", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capfd.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out + captured.err

    return call


def street(path: Path, frames: int) -> Path:
    """A recording of a size that the network takes, at two frames per second."""
    return make_recording(path, frames=frames, rate=2, size=(96, 64))


STOPPED_RUN = """
import os, sys, time
from rtsdb.recordings.journal import Journal

number, left, add = int(sys.argv.pop(1)), int(sys.argv.pop(1)), Journal.add

def add_and_stop(*segment):
    global left
    add(*segment)
    left -= 1
    if not left:
        os.kill(os.getpid(), number)
        time.sleep(1)  # nothing more is written until it is noticed

Journal.add = add_and_stop
from rtsdb.cli import main
main()
"""


def stop_after(segments: int, arguments: list[str], number: signal.Signals) -> int:
    """Run `rtsdb` and send it a signal when so many more segments are safe; its exit code."""
    program = [sys.executable, "-c", STOPPED_RUN, str(int(number)), str(segments)]
    return subprocess.run([*program, *arguments], capture_output=True, timeout=300).returncode


def test_killed_and_stopped_it_goes_on_with_no_frame_lost_or_doubled(
    run: Run, tmp_path: Path
) -> None:
    first, second = street(tmp_path / "a.mp4", 8), street(tmp_path / "b.mkv", 40)
    arguments = ["--sink", "out/", "--labels", "labels/", "--sigma", "25", "--resume"]
    arguments = ["--source", str(first), str(second), *arguments]
    out = tmp_path / "out"
    assert stop_after(2, ["run", *arguments], signal.SIGKILL) == -signal.SIGKILL
    assert not (out / "b.mkv").exists()
    assert stop_after(2, ["run", *arguments], signal.SIGTERM) == 130
    code, text = run(*arguments)
    assert code == 0, text
    assert [word in text for word in ("already done", "continued", "failed")] == [True, True, False]
    for source in (first, second):
        times = [time for time, _ in frames_in(source)]
        assert [time for time, _ in frames_in(out / source.name)] == times
        assert packets_in(out / source.name, "audio") == packets_in(source, "audio")
    code, text = run("--source", second, "--labels", "whole.mkv", "--sink", "null", "--sigma", "25")
    assert code == 0, text
    whole = packets_in(tmp_path / "whole.mkv", "video")
    assert packets_in(tmp_path / "labels/b.mkv", "video") == whole
    code, text = run(*arguments, "--view", "overlay")
    assert code == 2, text
    assert "was begun with --view side-by-side, now it is overlay" in text


def test_one_that_fails_is_told_at_once_and_in_the_end(run: Run, tmp_path: Path) -> None:
    sources = [street(tmp_path / f"{name}.mp4", 3) for name in "abc"]
    sources[1].write_text("not a video\n" * 50)
    code, text = run("--source", *sources, "--sink", "out/", "--sigma", "25", "--resume")
    assert code == 1, text
    lines = text.splitlines()
    assert any(line.startswith("b.mp4: failed: ") for line in lines), text
    assert lines[-1] == "rtsdb: 1 of 3 recordings failed"
    (row,) = (line for line in lines if line.startswith("│ b.mp4 "))
    assert "cannot be read as a video" in row
    assert left_in(tmp_path / "out") == ["a.mp4", "c.mp4"]


def test_further_files_are_one_source_without_resume(run: Run, tmp_path: Path) -> None:
    sources = [street(tmp_path / f"{name}.mp4", 3) for name in "ab"]
    code, text = run("--source", *sources, "--sink", "out.mp4", "--sigma", "25")
    assert code == 0, text
    assert len(frames_in(tmp_path / "out.mp4")) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "a.mp4", "--source", "b.mp4", "c.mp4"], "c.mp4: where it comes among"),
        (["--source", "a.mp4", "--sink", "out.mp4", "--resume"], "--sink out.mp4: with --resume"),
        (["--source", "a.mp4", "--view", "cube", "--sink", "out/", "--resume"], "--view cube"),
        (["--source", "a.mp4", "--encoder", "x", "--sink", "out/", "--resume"], "--encoder x"),
        (["--source", "a.mp4", "--resume"], "--resume: needs one --sink, a folder"),
        (["--sink", "out/", "--resume"], "demo: is no recording"),
        (["--source", "a.mp4", "--sink", "./", "--resume"], "a.mp4: would be written over"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    run: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    for name in "abc":
        drive(tmp_path / f"{name}.mp4", frames=1)
    code, text = run(*arguments)
    assert code == 2, text
    (line,) = (line for line in text.splitlines() if line.startswith("rtsdb: "))
    assert message in line


def test_help_tells_of_several_files(run: Run) -> None:
    code, text = run("--help")
    assert code == 0
    assert "--resume" in text
    assert "[FILE]..." in text
