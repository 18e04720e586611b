import multiprocessing
import signal
from pathlib import Path

import pytest

from tests.recordings.crash import run_until
from tests.recordings.runs import drive, frames_in, left_in, lines_in, process
from tests.video.sinks.recordings import packets_in


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording and what a run that nothing disturbed makes of it."""
    folder = tmp_path_factory.mktemp("whole")
    source = drive(folder / "drive.mp4", frames=13)
    process([source], folder / "out", labels=f"{folder}/labels", metadata=f"{folder}/metadata")
    return folder


@pytest.mark.parametrize("moment", range(2, 50, 8))
def test_killed_at_any_moment_it_goes_on_without_loss(
    whole: Path, tmp_path: Path, moment: int
) -> None:
    source = whole / "drive.mp4"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.recordings.crash"])
    child = context.Process(target=run_until, args=(moment, source, tmp_path))
    child.start()
    child.join(300)
    assert child.exitcode in (-signal.SIGKILL, 0)
    folders = {"labels": f"{tmp_path}/labels", "metadata": f"{tmp_path}/metadata"}
    (ended,) = process([source], tmp_path / "out", **folders)
    assert ended.frames == 13
    assert ended.state in ("done", "continued", "already done")
    for name in ("out/drive.mp4", "labels/drive.mkv"):
        assert packets_in(tmp_path / name, "video") == packets_in(whole / name, "video")
    for kind in ("audio", "data"):
        assert packets_in(tmp_path / "out/drive.mp4", kind) == packets_in(source, kind)
    assert len(frames_in(tmp_path / "out/drive.mp4")) == 13
    lines = lines_in(tmp_path / "metadata/drive.jsonl")
    assert lines == lines_in(whole / "metadata/drive.jsonl")
    assert left_in(tmp_path) == ["labels/drive.mkv", "metadata/drive.jsonl", "out/drive.mp4"]
