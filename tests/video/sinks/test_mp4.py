import re
import resource
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks import mp4
from rtsdb.video.sinks.mp4 import Mp4Sink
from rtsdb.video.sources.file import VideoFileSource

INFO = SourceInfo("demo", 64, 48, Fraction(25))
MakeResult = Callable[..., FrameResult]


def read_times(path: Path) -> list[Fraction]:
    times = []
    with VideoFileSource(path) as source:
        image = np.empty((source.info.height, source.info.width, 3), np.uint8)
        while (stamp := source.read(image)) is not None:
            times.append(stamp.seconds)
    return times


@pytest.mark.parametrize(
    ("time_base", "pts"),
    [
        (Fraction(1001, 30000), [0, 1, 2, 5, 9, 10, 11, 60, 61]),
        (Fraction(1, 90000), [126000 + 3003 * n for n in (0, 1, 2, 5, 9, 10, 70)]),
        (Fraction(1, 1000000), [0, 33366, 66733, 100100, 5000000]),
        (Fraction(1, 25), list(range(60))),
    ],
    ids=["vfr-ntsc", "offset", "microseconds", "constant"],
)
def test_times_survive_exactly(
    tmp_path: Path, make_result: MakeResult, time_base: Fraction, pts: list[int]
) -> None:
    path = tmp_path / "out.mp4"
    with Mp4Sink(path) as sink:
        sink.open(INFO, (64, 48))
        for index, time in enumerate(pts):
            assert sink.write(make_result(index, pts=time, time_base=time_base))
    assert read_times(path) == [p * time_base for p in pts]


def test_live_times_begin_at_zero(tmp_path: Path, make_result: MakeResult) -> None:
    path = tmp_path / "out.mp4"
    with Mp4Sink(path) as sink:
        sink.open(SourceInfo("/dev/video0", 64, 48, Fraction(30), live=True), (64, 48))
        for index in range(3):
            time = 10**12 + 40000 * index
            sink.write(make_result(index, pts=time, time_base=Fraction(1, 10**6)))
    assert read_times(path) == [0, Fraction(1, 25), Fraction(2, 25)]


@pytest.mark.parametrize(("size", "tag"), [((64, 48), 6), ((64, 720), 1), ((65, 721), 1)])
@pytest.mark.parametrize("colour", [(200, 40, 40), (40, 40, 200), (230, 230, 230), (10, 10, 10)])
def test_colours_survive_and_are_tagged(
    tmp_path: Path,
    make_result: MakeResult,
    size: tuple[int, int],
    tag: int,
    colour: tuple[int, int, int],
) -> None:
    path = tmp_path / "out.mp4"
    with Mp4Sink(path) as sink:
        sink.open(INFO, size)
        sink.write(make_result(size=size, colour=colour))
    with VideoFileSource(path) as source:
        even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        assert (source.info.width, source.info.height) == even
        image = np.empty((even[1], even[0], 3), np.uint8)
        source.read(image)
    assert np.abs(image.astype(int) - colour).max() <= 4
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        tags = context.colorspace, context.color_primaries, context.color_trc, context.color_range
    assert tags == (tag, tag, tag, 1)


def test_strided_view(tmp_path: Path, make_result: MakeResult) -> None:
    path = tmp_path / "out.mp4"
    canvas = np.zeros((48, 100, 3), np.uint8)
    canvas[:, 20:84] = (90, 120, 150)
    with Mp4Sink(path) as sink:
        sink.open(INFO, (64, 48))
        sink.write(make_result(view=canvas[:, 20:84]))
    image = np.empty((48, 64, 3), np.uint8)
    with VideoFileSource(path) as source:
        source.read(image)
    assert np.abs(image.astype(int) - (90, 120, 150)).max() <= 4


def test_file_can_be_played_before_it_is_closed(tmp_path: Path, make_result: MakeResult) -> None:
    path, snapshot = tmp_path / "out.mp4", tmp_path / "snapshot.mp4"
    with Mp4Sink(path) as sink:
        sink.open(INFO, (64, 48))
        for index in range(200):
            sink.write(make_result(index))
        shutil.copy(path, snapshot)  # what a kill would leave
    assert read_times(snapshot)[:60] == [Fraction(n, 25) for n in range(60)]
    assert len(read_times(path)) == 200


def test_error_elsewhere_still_finishes_the_file(tmp_path: Path, make_result: MakeResult) -> None:
    path = tmp_path / "out.mp4"

    def run() -> None:
        with Mp4Sink(path) as sink:
            write_noise(sink, 5, make_result)
            raise RuntimeError("elsewhere")

    with pytest.raises(RuntimeError, match="elsewhere"):
        run()
    assert len(read_times(path)) == 5


def test_nothing_is_made_before_open_or_left_without_frames(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with Mp4Sink(path) as sink:
        assert not path.exists()
        sink.open(INFO, (64, 48))
    assert not path.exists()
    sink.close()


def test_older_file_is_replaced_by_the_first_frame(tmp_path: Path, make_result: MakeResult) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old" * 10000)
    with Mp4Sink(path) as sink:
        sink.open(INFO, (64, 48))
        assert path.stat().st_size == 30000
        sink.write(make_result())
    assert len(read_times(path)) == 1


def test_path_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no/out\.mp4: cannot be written \(no such file"):
        Mp4Sink(tmp_path / "no" / "out.mp4").open(INFO, (64, 48))
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UsageError, match=r"folder\.mp4: cannot be written \(is a directory"):
        Mp4Sink(tmp_path / "folder.mp4").open(INFO, (64, 48))


def test_the_file_being_read_is_refused(make_clip: Callable[..., Path]) -> None:
    path = make_clip()
    before = path.read_bytes()
    with pytest.raises(UsageError, match="is the file being read"), Mp4Sink(path) as sink:
        sink.open(SourceInfo(str(path), 64, 48), (64, 48))
    assert path.read_bytes() == before


def write_noise(sink: Mp4Sink, frames: int, make_result: MakeResult) -> None:
    rng = np.random.default_rng(0)
    sink.open(INFO, (64, 48))
    for index in range(frames):
        sink.write(make_result(index, view=rng.integers(0, 255, (48, 64, 3), np.uint8)))


@pytest.fixture
def small_disk() -> Iterator[int]:
    """A limit on the size of files, in bytes, in place of a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = 150_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_disk_full_midway_says_how_many_frames_are_safe(
    tmp_path: Path, make_result: MakeResult, small_disk: int
) -> None:
    path = tmp_path / "out.mp4"
    with Mp4Sink(path) as sink, pytest.raises(RtsdbError) as caught:
        write_noise(sink, 1000, make_result)
    assert path.stat().st_size <= small_disk
    found = re.search(
        r"out\.mp4: writing failed \(file too large\); the file holds the first (\d+) of (\d+) fr",
        str(caught.value),
    )
    assert found is not None
    safe, written = map(int, found.groups())
    assert 25 <= safe < written < 1000
    assert read_times(path) == [Fraction(n, 25) for n in range(safe)]


def test_full_device_is_noticed_at_the_latest_on_close(
    tmp_path: Path, make_result: MakeResult
) -> None:
    path = tmp_path / "out.mp4"
    path.symlink_to("/dev/full")
    sink = Mp4Sink(path)
    sink.open(INFO, (64, 48))
    sink.write(make_result())
    with pytest.raises(RtsdbError, match=r"out\.mp4: writing failed \(no space left on device\)"):
        sink.close()
    sink.close()


def test_without_x264(
    tmp_path: Path, make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mp4.av, "codecs_available", {"mpeg4"})
    path = tmp_path / "out.mp4"
    with Mp4Sink(path) as sink:
        sink.open(INFO, (64, 48))
        assert sink.encoder == "mpeg4"
        for index in range(3):
            sink.write(make_result(index, pts=index * 3003, time_base=Fraction(1, 90000)))
    assert read_times(path) == [Fraction(1001 * n, 30000) for n in range(3)]
    monkeypatch.setattr(mp4.av, "codecs_available", set())
    with pytest.raises(UsageError, match="none of the encoders libx264"):
        Mp4Sink(path).open(INFO, (64, 48))
