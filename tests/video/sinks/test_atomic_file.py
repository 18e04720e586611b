from pathlib import Path

import pytest

from rtsdb.errors import UsageError
from rtsdb.video.frame import SourceInfo
from rtsdb.video.sinks.atomic_file import AtomicFile, refuse_input


def test_without_commit_the_part_stays_and_the_older_file_too(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with AtomicFile(path) as file:
        file.write(b"new")
    file.close()
    assert path.read_bytes() == b"old"
    assert file.part == tmp_path / "a.bin.part"
    assert file.part.read_bytes() == b"new"


def test_an_empty_part_is_taken_away(tmp_path: Path) -> None:
    AtomicFile(tmp_path / "a.bin").close()
    assert not list(tmp_path.iterdir())


def test_what_an_earlier_run_left_is_never_written_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.bin"
    for content in (b"first", b"second"):
        with AtomicFile(path) as file:
            file.write(content)
    assert "a.bin.part: kept" in caplog.text
    with AtomicFile(path) as file:
        file.write(b"third")
        file.commit()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        "a.bin": b"third",
        "a.bin.part": b"first",
        "a.bin.part2": b"second",
    }


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "a.bin"
    link.symlink_to(tmp_path / "disk" / "b.bin")
    with AtomicFile(link) as file:
        file.write(b"content")
        file.commit()
    assert link.is_symlink()
    assert (tmp_path / "disk" / "b.bin").read_bytes() == b"content"


def test_places_for_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no/a\.mp4: cannot be written \(no such file"):
        AtomicFile(tmp_path / "no" / "a.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "full.mp4").symlink_to("/dev/full")
    for name in ("folder.mp4", "full.mp4"):
        with pytest.raises(UsageError, match=rf"{name}: is not a file"):
            AtomicFile(tmp_path / name)


def test_an_input_is_refused_under_any_name(tmp_path: Path) -> None:
    drive, other = tmp_path / "drive.mp4", tmp_path / "other.mp4"
    drive.touch()
    other.symlink_to(drive)
    source = SourceInfo("drives", 64, 48, files=(str(tmp_path / "gone.mp4"), str(drive)))
    with pytest.raises(UsageError, match=r"other\.mp4: is the file being read"):
        refuse_input(other, source)
    refuse_input(tmp_path / "new.mp4", source)
