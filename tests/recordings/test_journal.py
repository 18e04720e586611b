import errno
import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.recordings.journal import Journal, Progress
from rtsdb.recordings.plan import STATE
from rtsdb.recordings.segment import Segment

SETTINGS = {"--stages": "1", "--labels": None}
SOURCE = {"path": "/drives/a.mp4", "size": 7, "mtime_ns": 9}
FIRST = Segment(0, Fraction(1, 90000), (0, 3600, 7199))
SECOND = Segment(3, Fraction(1, 90000), (10800, 14400))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / STATE).mkdir()
    return tmp_path


def write_all(folder: Path) -> None:
    with Journal(folder, SETTINGS) as journal:
        journal.begin("a.mp4", SOURCE)
        journal.add("a.mp4", FIRST)
        journal.add("a.mp4", SECOND)
        journal.end("a.mp4")
        journal.done("a.mp4")
        journal.begin("b.mp4", SOURCE)


def test_what_was_written_is_read(folder: Path) -> None:
    with Journal(folder, SETTINGS) as journal:
        assert journal.progress("a.mp4") is None
        journal.begin("a.mp4", SOURCE)
        journal.add("a.mp4", FIRST)
        journal.add("a.mp4", SECOND)
        before = journal.progress("a.mp4")
    with Journal(folder, SETTINGS) as journal:
        progress = journal.progress("a.mp4")
        assert progress == before == Progress(SOURCE, [FIRST, SECOND], frames=5)
        journal.keep("a.mp4", 1)
        assert progress.frames == 3
        journal.end("a.mp4")
    with Journal(folder, SETTINGS) as journal:
        progress = journal.progress("a.mp4")
        assert progress == Progress(SOURCE, [FIRST], frames=3, ended=True)
        journal.done("a.mp4")
        assert progress == Progress(SOURCE, [], frames=3, ended=True, done=True)
        journal.begin("a.mp4", SOURCE)
        assert journal.progress("a.mp4") == Progress(SOURCE)


@given(cut=st.integers(0, 900))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_line_that_is_cut_off_costs_itself_alone(folder: Path, cut: int) -> None:
    path = folder / STATE / "journal.jsonl"
    path.unlink(missing_ok=True)
    write_all(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    with Journal(folder, SETTINGS) as journal:
        progress = journal.progress("a.mp4")
        assert (progress is not None) == (kept >= 2)
        if progress is not None:
            assert progress.frames == {2: 0, 3: 3}.get(kept, 5)
            assert (progress.ended, progress.done) == (kept >= 5, kept >= 6)
        journal.begin("c.mp4", SOURCE)
    with Journal(folder, SETTINGS) as journal:
        assert journal.progress("c.mp4") == Progress(SOURCE)


@pytest.mark.parametrize("damage", ["\0\0", "7"])
def test_a_journal_damaged_in_the_middle_is_refused(folder: Path, damage: str) -> None:
    write_all(folder)
    path = folder / STATE / "journal.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], damage, *lines[2:]]) + "\n")
    with pytest.raises(UsageError, match=r"journal\.jsonl: line 3 cannot be read"):
        Journal(folder, SETTINGS)


@pytest.mark.parametrize(
    ("now", "message"),
    [
        ({"--stages": "3", "--labels": None}, "was begun with --stages 1, now it is 3; give that"),
        ({"--stages": "1", "--labels": "/l"}, "was begun without --labels, now it is /l"),
    ],
)
def test_other_settings_are_refused(folder: Path, now: dict[str, str | None], message: str) -> None:
    write_all(folder)
    with pytest.raises(UsageError, match=message) as caught:
        Journal(folder, now)
    assert "another --sink folder" in str(caught.value)
    Journal(folder, SETTINGS).close()


def test_a_setting_that_is_missing_now_is_named(folder: Path) -> None:
    Journal(folder, {"--labels": "/l"}).close()
    with pytest.raises(UsageError, match="was begun with --labels /l, none is given now"):
        Journal(folder, {"--labels": None})


def test_another_version_is_refused(folder: Path) -> None:
    write_all(folder)
    path = folder / STATE / "journal.jsonl"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(UsageError, match="another version of rtsdb"):
        Journal(folder, SETTINGS)


def test_one_run_at_a_time(folder: Path) -> None:
    with (
        Journal(folder, SETTINGS),
        pytest.raises(UsageError, match="another run is writing into it"),
    ):
        Journal(folder, SETTINGS)
    Journal(folder, SETTINGS).close()


def test_a_folder_that_cannot_be_locked_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(UsageError, match=r"cannot be locked \(no locks available\); give a folder"):
        Journal(folder, SETTINGS)


def test_a_full_disk_leaves_no_half_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(folder, SETTINGS) as journal:
        journal.begin("a.mp4", SOURCE)

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", full)
            with pytest.raises(RtsdbError, match="writing failed \\(no space left on device\\)"):
                journal.add("a.mp4", FIRST)
        assert journal.progress("a.mp4") == Progress(SOURCE)
        journal.add("a.mp4", FIRST)
    lines = (folder / STATE / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line).get("event") for line in lines] == [None, "begin", "segment"]
