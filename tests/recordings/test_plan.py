import re
from pathlib import Path

import pytest

from rtsdb.errors import UsageError
from rtsdb.recordings.plan import pieces_folder, plan_recordings


def test_every_source_gets_outputs_of_its_own(tmp_path: Path) -> None:
    out, labels, metadata = tmp_path / "out", tmp_path / "labels", tmp_path / "a" / "b"
    sources = [tmp_path / "one.MOV", tmp_path / "two.mkv"]
    one, two = plan_recordings(sources, [f"{out}/"], str(labels), str(metadata))
    assert one.outputs == (out / "one.mp4", labels / "one.mkv", metadata / "one.jsonl")
    assert two.outputs == (out / "two.mkv", labels / "two.mkv", metadata / "two.jsonl")
    assert (one.name, two.name) == ("one.mp4", "two.mkv")
    for output in one.outputs:
        assert pieces_folder(output).parent.is_dir()


def test_labels_and_metadata_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    (only,) = plan_recordings([Path("a.mp4")], [str(tmp_path)], None, None)
    assert only.outputs == (tmp_path / "a.mp4",)


@pytest.mark.parametrize(
    ("sinks", "labels", "metadata", "message"),
    [
        ([], None, None, "needs one --sink, a folder"),
        (["a/", "b/"], None, None, "needs one --sink, a folder"),
        (["out.mp4"], None, None, "--sink out.mp4: .* a folder"),
        (["window"], None, None, "--sink window: .* a folder"),
        (["rtsp://me:secret@host/x"], None, None, r"--sink rtsp://\*\*\*@host/x: .* a folder"),
        (["OUT"], "labels.mkv", None, "--labels labels.mkv: .* a folder"),
        (["OUT"], None, "m.jsonl", "--metadata m.jsonl: .* a folder"),
        (["/proc/nowhere/"], None, None, "--sink /proc/nowhere/: cannot be written to"),
    ],
)
def test_anything_but_folders_is_refused(
    tmp_path: Path, sinks: list[str], labels: str | None, metadata: str | None, message: str
) -> None:
    sinks = [str(tmp_path) if sink == "OUT" else sink for sink in sinks]
    with pytest.raises(UsageError, match=message):
        plan_recordings([Path("a.mp4")], sinks, labels, metadata)


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape("a/x.mp4 and b/x.mov: both would become")):
        plan_recordings([Path("a/x.mp4"), Path("b/x.mov")], [str(tmp_path)], None, None)


def test_labels_that_would_be_the_video_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="both would become"):
        plan_recordings([Path("a/x.mkv")], [str(tmp_path)], str(tmp_path), None)


def test_a_source_is_never_written_over(tmp_path: Path) -> None:
    source = tmp_path / "x.mp4"
    with pytest.raises(UsageError, match=r"x\.mp4: would be written over"):
        plan_recordings([source], [str(tmp_path)], None, None)
