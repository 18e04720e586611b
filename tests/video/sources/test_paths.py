from pathlib import Path

import pytest

from rtsdb.errors import UsageError
from rtsdb.video.sources.paths import files_named


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(files: list[Path]) -> list[str]:
    return [file.name for file in files]


def test_folder_gives_its_images_and_videos_in_natural_order(tmp_path: Path) -> None:
    touch(tmp_path, "b10.mp4", "b9.MOV", "a.png", "._a.png", "notes.md", "below/c.png")
    assert names(files_named(str(tmp_path))) == ["a.png", "b9.MOV", "b10.mp4"]
    assert names(files_named(str(tmp_path / "**" / "*.png"))) == ["a.png", "c.png"]


def test_file_given_by_name_may_have_any_ending(tmp_path: Path) -> None:
    touch(tmp_path, "dashcam.001", "frame[1].png")
    assert names(files_named(str(tmp_path / "dashcam.001"))) == ["dashcam.001"]
    assert names(files_named(str(tmp_path / "frame[1].png"))) == ["frame[1].png"]


def test_list_keeps_its_order(tmp_path: Path) -> None:
    touch(tmp_path, "f/2.png", "f/10.png")
    text = f"# drive home\nf/10.png\n\n  f/2.png \n{tmp_path}/f/10.png\n"
    (tmp_path / "list.txt").write_text(text)
    assert names(files_named(str(tmp_path / "list.txt"))) == ["10.png", "2.png", "10.png"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"f.png\ng.png\n", r"list\.txt: line 2: .*g\.png: no such file"),
        (b"# nothing\n\n", r"list\.txt: names no file; write one path to a line"),
        (b"\xff\xfe\x00", r"list\.txt: cannot be read as a list of files"),
    ],
    ids=["missing", "empty", "binary"],
)
def test_list_that_cannot_be_used(tmp_path: Path, content: bytes, message: str) -> None:
    touch(tmp_path, "f.png")
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        files_named(str(tmp_path / "list.txt"))


def test_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no images or videos in it \(it is empty\)"):
        files_named(str(tmp_path))
    touch(tmp_path, "notes.md")
    with pytest.raises(UsageError, match="among its 1 entries"):
        files_named(str(tmp_path))
    with pytest.raises(UsageError, match=r"\*\.png: matches nothing"):
        files_named(str(tmp_path / "*.png"))
    with pytest.raises(UsageError, match=r"\*: matches 1 files but no image or video"):
        files_named(str(tmp_path / "*"))
