from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtsdb.errors import RtsdbError
from rtsdb.video.sources import FrameSizeChanged, open_source

RED = (220, 30, 40)


def save(path: Path, colour: tuple[int, int, int] = RED, size: tuple[int, int] = (40, 30)) -> Path:
    path.parent.mkdir(exist_ok=True)
    image = np.empty((size[1], size[0], 3), np.uint8)
    image[:] = colour[::-1]
    assert cv2.imwrite(str(path), image)
    return path


@pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "bmp", "tif", "webp", "PNG"])
def test_one_image(tmp_path: Path, ending: str) -> None:
    path = save(tmp_path / f"photo.{ending}")
    with open_source(str(path)) as source:
        assert (source.info.width, source.info.height, source.info.frames) == (40, 30, 1)
        canvas = np.zeros((30, 80, 3), np.uint8)
        stamp = source.read(canvas[:, ::2])
        assert stamp is not None
        assert (stamp.index, stamp.seconds) == (0, 0)
        assert source.read(canvas[:, ::2]) is None
    assert np.abs(canvas[:, ::2].astype(int) - RED).max() <= 6
    assert not canvas[:, 1::2].any()


@pytest.mark.parametrize("kind", ["folder", "pattern"])
def test_numbers_sort_by_value(tmp_path: Path, kind: str) -> None:
    for number in (10, 2, 1):
        save(tmp_path / "f" / f"frame_{number}.png", (number, 0, 0))
    (tmp_path / "f" / "notes.txt").write_text("not an image")
    text = tmp_path / "f" if kind == "folder" else tmp_path / "f" / "frame_*.png"
    image = np.empty((30, 40, 3), np.uint8)
    with open_source(str(text)) as source:
        seen = []
        while (stamp := source.read(image)) is not None:
            seen.append((stamp.seconds, image[0, 0, 0]))
        assert source.info.rate == 25
    assert seen == [(Fraction(0), 1), (Fraction(1, 25), 2), (Fraction(2, 25), 10)]


def test_name_with_brackets_is_not_a_pattern(tmp_path: Path) -> None:
    with open_source(str(save(tmp_path / "frame[1].png"))) as source:
        assert source.info.frames == 1


def test_grey_and_deep_images_become_rgb(tmp_path: Path) -> None:
    deep = np.full((30, 40), 200 * 256, np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    image = np.empty((30, 40, 3), np.uint8)
    with open_source(str(tmp_path / "deep.png")) as source:
        source.read(image)
    assert np.unique(image).tolist() == [200]


def test_other_size_names_the_file_and_both_sizes(tmp_path: Path) -> None:
    save(tmp_path / "f" / "1.png")
    save(tmp_path / "f" / "2.png", size=(20, 10))
    image = np.empty((30, 40, 3), np.uint8)
    with open_source(str(tmp_path / "f")) as source:
        source.read(image)
        with pytest.raises(FrameSizeChanged, match=r"2\.png: is 20x10, .* 40x30") as caught:
            source.read(image)
        assert caught.value.info is source.info
        stamp = source.read(np.empty((source.info.height, source.info.width, 3), np.uint8))
        assert stamp is not None
        assert stamp.index == 1


@pytest.mark.parametrize("content", [b"", b"no image", None], ids=["empty", "text", "truncated"])
def test_unreadable_image_names_the_file(
    tmp_path: Path, content: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    first = save(tmp_path / "f" / "1.png")
    bad = tmp_path / "f" / "2.bmp"
    if content is None:
        content = save(bad).read_bytes()[:200]
    bad.write_bytes(content)
    image = np.empty((30, 40, 3), np.uint8)
    with open_source(str(tmp_path / "f")) as source:
        source.read(image)
        with pytest.raises(RtsdbError, match=r"2\.bmp: cannot be read as an image"):
            source.read(image)
    first.unlink()
    with pytest.raises(RtsdbError, match=r"2\.bmp: cannot be read as an image"):
        open_source(str(tmp_path / "f"))
    assert capfd.readouterr().err == ""
