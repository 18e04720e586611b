from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import Stamp
from rtsdb.video.sources import FrameSizeChanged, open_source
from tests.video.sources.reading import blank, read_all


def test_each_file_goes_on_one_frame_after_the_one_before(make_clip: Callable[..., Path]) -> None:
    first = make_clip("2.mp4", pts=[0, 1, 2])
    second = make_clip("10.mp4", pts=[3, 4, 9])
    with open_source([str(first), str(second)]) as source:
        stamps = read_all(source)
        assert source.read(blank(source)) is None
        assert source.info.files == (str(first), str(second))
        assert source.info.name == f"{first} and 1 more"
        assert source.info.frames is None
    assert [s.seconds * 25 for s in stamps] == [0, 1, 2, 3, 4, 9]
    assert [s.index for s in stamps] == list(range(6))
    assert len({s.time_base for s in stamps}) == 1


def test_other_time_bases_are_kept_to_a_90000th_of_a_second(
    make_clip: Callable[..., Path],
) -> None:
    first = make_clip("a.avi", pts=[0, 1, 2])
    second = make_clip("b.mp4", pts=[0, 1, 2, 4], time_base=Fraction(1001, 60000))
    with open_source([str(first), str(second)]) as source:
        seconds = [s.seconds for s in read_all(source)]
    assert [time - seconds[0] for time in seconds[:4]] == [Fraction(n, 25) for n in range(4)]
    for got, exact in zip(seconds[3:], [0, 1, 2, 4], strict=True):
        assert abs(got - seconds[3] - exact * Fraction(1001, 60000)) <= Fraction(1, 90000)


def test_pattern_plays_in_natural_order(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("drive_10.mp4", "drive_9.mp4"):
        make_clip(name)
    with open_source(str(tmp_path / "drive_*.mp4")) as source:
        assert [Path(file).name for file in source.info.files] == ["drive_9.mp4", "drive_10.mp4"]
        assert len(read_all(source)) == 20


def test_other_size_is_announced(make_clip: Callable[..., Path]) -> None:
    paths = [make_clip("a.mp4"), make_clip("b.mp4", size=(96, 64)), make_clip("c.mp4")]
    sizes = []
    with open_source(list(map(str, paths))) as source:
        stamps: list[Stamp] = []
        while len(sizes) < 2:
            with pytest.raises(FrameSizeChanged, match=r"[bc]\.mp4: is .*, the videos before") as c:
                read_all(source, stamps)
            assert c.value.info is source.info
            sizes.append((source.info.width, source.info.height))
        read_all(source, stamps)
    assert sizes == [(96, 64), (64, 48)]
    assert [s.index for s in stamps] == list(range(30))


def test_size_change_within_a_file(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    joined = tmp_path / "joined.ts"
    parts = [make_clip("a.ts"), make_clip("b.ts", size=(96, 64))]
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    with open_source([str(joined), str(parts[1])]) as source:
        with pytest.raises(FrameSizeChanged, match="frame 10 is 96x64"):
            read_all(source)
        assert len(read_all(source)) == 20


def test_reading_goes_on_after_a_broken_file(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    paths = [make_clip("a.mp4"), tmp_path / "b.mp4", make_clip("c.mp4")]
    paths[1].write_text("no video")
    with open_source(list(map(str, paths))) as source:
        with pytest.raises(RtsdbError, match=r"b\.mp4: cannot be read as a video"):
            read_all(source)
        assert [s.index for s in read_all(source)] == list(range(10, 20))


def test_live_sources_come_alone(make_clip: Callable[..., Path]) -> None:
    for text in ("demo", "-", "0", "rtsp://u:p@cam/1"):
        with pytest.raises(UsageError, match="must be the only source") as caught:
            open_source([str(make_clip()), text])
        assert "u:p" not in str(caught.value)
    with pytest.raises(UsageError, match="no source given"):
        open_source([])
