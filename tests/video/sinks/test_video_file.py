import logging
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.video_file import VideoFileSink
from rtsdb.video.sources.file import VideoFileSource
from tests.video.sinks.recordings import make_recording

INFO = SourceInfo("demo", 64, 48, Fraction(25))
MakeResult = Callable[..., FrameResult]


def make_sink(path: Path) -> VideoFileSink:
    return VideoFileSink(path, "x264")


def read_times(path: Path) -> list[Fraction]:
    times = []
    with VideoFileSource(path) as source:
        image = np.empty((source.info.height, source.info.width, 3), np.uint8)
        while (stamp := source.read(image)) is not None:
            times.append(stamp.seconds)
    return times


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize(
    ("time_base", "pts"),
    [
        (Fraction(1001, 30000), [0, 1, 2, 5, 9, 10, 11, 60, 61]),
        (Fraction(1, 90000), [126007 + 3003 * n for n in (0, 1, 2, 5, 9, 10, 70)]),
        (Fraction(1, 1000000), [0, 33366, 66733, 100100, 5000000]),
        (Fraction(1, 25), list(range(60))),
    ],
    ids=["vfr-ntsc", "offset", "microseconds", "constant"],
)
def test_times_survive_exactly_or_to_the_millisecond_of_an_mkv(
    tmp_path: Path, make_result: MakeResult, time_base: Fraction, pts: list[int], ending: str
) -> None:
    path = tmp_path / f"out.{ending}"
    with make_sink(path) as sink:
        sink.open(INFO, (64, 48))
        for index, time in enumerate(pts):
            assert sink.write(make_result(index, pts=time, time_base=time_base))
    exact = [p * time_base for p in pts]
    wanted = exact if ending == "mp4" else [Fraction(round(time * 1000), 1000) for time in exact]
    assert read_times(path) == wanted


def test_live_times_begin_at_zero(tmp_path: Path, make_result: MakeResult) -> None:
    path = tmp_path / "out.mp4"
    with make_sink(path) as sink:
        sink.open(SourceInfo("/dev/video0", 64, 48, Fraction(30), live=True), (64, 48))
        for index in range(3):
            time = 10**12 + 40000 * index
            sink.write(make_result(index, pts=time, time_base=Fraction(1, 10**6)))
    assert read_times(path) == [0, Fraction(1, 25), Fraction(2, 25)]


def colour_tags(path: Path) -> tuple[int, int, int, int]:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return (
            context.colorspace,
            context.color_primaries,
            context.color_trc,
            context.color_range,
        )


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize(("size", "tag"), [((64, 48), 6), ((64, 720), 1), ((65, 721), 1)])
@pytest.mark.parametrize("colour", [(200, 40, 40), (40, 40, 200), (230, 230, 230), (10, 10, 10)])
def test_colours_survive_and_are_tagged(
    tmp_path: Path,
    make_result: MakeResult,
    size: tuple[int, int],
    tag: int,
    colour: tuple[int, int, int],
    ending: str,
) -> None:
    path = tmp_path / f"out.{ending}"
    with make_sink(path) as sink:
        sink.open(INFO, size)
        sink.write(make_result(size=size, colour=colour))
    with VideoFileSource(path) as source:
        even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        assert (source.info.width, source.info.height) == even
        image = np.empty((even[1], even[0], 3), np.uint8)
        source.read(image)
    assert np.abs(image.astype(int) - colour).max() <= 4
    assert colour_tags(path) == (tag, tag, tag, 1)


def test_primaries_and_transfer_are_those_of_the_recording(
    tmp_path: Path, make_result: MakeResult
) -> None:
    recording, path = tmp_path / "hdr.mp4", tmp_path / "out.mp4"
    with av.open(str(recording), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 48
        stream.codec_context.color_primaries, stream.codec_context.color_trc = 9, 16
        container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode(None))
    with make_sink(path) as sink:
        sink.open(SourceInfo("hdr", 64, 48, files=(str(recording),)), (64, 48))
        sink.write(make_result())
    assert colour_tags(path) == (6, 9, 16, 1)


@pytest.mark.parametrize("colour", [(200, 40, 40), (40, 200, 40), (40, 40, 200)])
@pytest.mark.parametrize(("height", "tag"), [(480, 1), (480, 6), (720, 1), (720, 6)])
def test_colours_of_a_tagged_recording_survive_though_the_output_has_another_matrix(
    tmp_path: Path,
    make_result: MakeResult,
    height: int,
    tag: int,
    colour: tuple[int, int, int],
) -> None:
    recording, path = tmp_path / "drive.mp4", tmp_path / "out.mp4"
    image = np.full((height, 64, 3), colour, np.uint8)
    with av.open(str(recording), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        stream.width, stream.height = 64, height
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = tag
        frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
            format="yuv420p",
            src_colorspace=5 if tag == 1 else 1,  # another one, or PyAV 16 converts nothing
            dst_colorspace=1 if tag == 1 else 5,
            dst_color_range=1,
        )
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with VideoFileSource(recording) as source, make_sink(path) as sink:
        sink.open(source.info, (64, height))
        source.read(image)
        assert np.abs(image.astype(int) - colour).max() <= 4
        sink.write(make_result(view=image))
    with VideoFileSource(path) as written:
        written.read(image)
    assert np.abs(image.astype(int) - colour).max() <= 5
    matrix = 1 if height >= 720 else 6  # as the picture is encoded
    assert colour_tags(path) == (matrix, tag, tag, 1)


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_pixels_keep_their_shape(tmp_path: Path, make_result: MakeResult, ending: str) -> None:
    path = tmp_path / f"anamorphic.{ending}"
    with make_sink(path) as sink:
        sink.open(replace(INFO, pixel_aspect=Fraction(4, 3)), (64, 48))
        sink.write(make_result())
    with VideoFileSource(path) as source:
        assert source.info.pixel_aspect == Fraction(4, 3)


def test_rotation_which_the_picture_has_already_is_not_written(
    tmp_path: Path, make_result: MakeResult
) -> None:
    upright = make_recording(tmp_path / "upright.mp4", frames=3)
    unity = np.array([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], ">i4").tobytes()
    quarter = np.array([0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30], ">i4").tobytes()
    turned, path = tmp_path / "turned.mp4", tmp_path / "out.mp4"
    turned.write_bytes(upright.read_bytes().replace(unity, quarter))
    with av.open(str(turned)) as container:  # a quarter by the file, another by the track
        assert abs(next(container.decode(video=0)).rotation) == 180
    with make_sink(path) as sink:
        sink.open(SourceInfo("turned", 64, 48, files=(str(turned),)), (64, 48))
        sink.write(make_result())
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).rotation == 0


def test_strided_view(tmp_path: Path, make_result: MakeResult) -> None:
    path = tmp_path / "out.mp4"
    canvas = np.zeros((48, 100, 3), np.uint8)
    canvas[:, 20:84] = (90, 120, 150)
    with make_sink(path) as sink:
        sink.open(INFO, (64, 48))
        sink.write(make_result(view=canvas[:, 20:84]))
    image = np.empty((48, 64, 3), np.uint8)
    with VideoFileSource(path) as source:
        source.read(image)
    assert np.abs(image.astype(int) - (90, 120, 150)).max() <= 4


def test_frames_of_another_size_are_fitted_into_the_file(
    tmp_path: Path, make_result: MakeResult
) -> None:
    path = tmp_path / "out.mp4"
    with make_sink(path) as sink:
        sink.open(INFO, (64, 48))
        sink.write(make_result(0))
        sink.write(make_result(1, size=(128, 48), colour=(200, 200, 200)))
    image = np.empty((48, 64, 3), np.uint8)
    with VideoFileSource(path) as source:
        source.read(image)
        source.read(image)
    assert image[24].min() > 190
    assert image[[2, 45]].max() < 10


WRITER = """
import numpy as np
from fractions import Fraction
from rtsdb.video.frame import FrameResult, SourceInfo, Stamp
from rtsdb.video.sinks.video_file import VideoFileSink

sinks = [VideoFileSink(f"out.{ending}", "x264") for ending in ("mp4", "mkv")]
view = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
for sink in sinks:
    sink.open(SourceInfo("camera", 64, 48, Fraction(15), live=True), (64, 48))
for index in range(10000):
    for sink in sinks:
        stamp = Stamp(index, index, Fraction(1, 15))
        sink.write(FrameResult(stamp, view, view, view[..., 0], view))
    print(index, flush=True)
"""


def test_a_killed_run_loses_a_second_at_most(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        written = 0
        for line in writer.stdout:
            written = int(line)
            if written == 100:
                writer.send_signal(signal.SIGKILL)
    for ending in ("mp4", "mkv"):
        with av.open(str(tmp_path / f"out.{ending}.part")) as container:
            times = [frame.time for frame in container.decode(video=0)]
        assert times == pytest.approx([n / 15 for n in range(len(times))], abs=6e-4)
        assert times[-1] >= written / 15 - 1
        assert not (tmp_path / f"out.{ending}").exists()


def test_error_elsewhere_still_finishes_the_file(tmp_path: Path, make_result: MakeResult) -> None:
    path = tmp_path / "out.mp4"

    def run() -> None:
        with make_sink(path) as sink:
            write_noise(sink, 5, make_result)
            raise RuntimeError("elsewhere")

    with pytest.raises(RuntimeError, match="elsewhere"):
        run()
    assert len(read_times(path)) == 5


def test_nothing_is_made_before_open_or_left_without_frames(tmp_path: Path) -> None:
    with make_sink(tmp_path / "out.mp4") as sink:
        assert not list(tmp_path.iterdir())
        sink.open(INFO, (64, 48))
    assert not list(tmp_path.iterdir())
    sink.close()


def test_older_file_is_replaced_by_the_finished_one(
    tmp_path: Path, make_result: MakeResult
) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old" * 10000)
    with make_sink(path) as sink:
        sink.open(INFO, (64, 48))
        sink.write(make_result())
        assert path.stat().st_size == 30000
    assert len(read_times(path)) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_the_file_being_read_is_refused(make_clip: Callable[..., Path]) -> None:
    path = make_clip()
    before = path.read_bytes()
    with pytest.raises(UsageError, match="is the file being read"), make_sink(path) as sink:
        sink.open(SourceInfo("clip", 64, 48, files=(str(path),)), (64, 48))
    assert path.read_bytes() == before


def write_noise(sink: VideoFileSink, frames: int, make_result: MakeResult) -> None:
    rng = np.random.default_rng(0)
    sink.open(INFO, (64, 48))
    for index in range(frames):
        sink.write(make_result(index, view=rng.integers(0, 255, (48, 64, 3), np.uint8)))


@pytest.fixture
def small_files() -> Iterator[None]:
    """A limit on the size of files, in place of a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def check_what_a_full_disk_leaves(path: Path, cause: str, make_result: MakeResult) -> None:
    with make_sink(path) as sink, pytest.raises(RtsdbError) as caught:
        write_noise(sink, 1000, make_result)
    found = re.search(
        rf"out\.m..: writing failed \({cause}\); (\S+) holds the first (\d+) of (\d+) frames",
        str(caught.value),
    )
    assert found is not None, caught.value
    part = Path(found[1])
    safe, written = int(found[2]), int(found[3])
    assert written - 25 < safe < written < 1000
    assert read_times(part) == [Fraction(n, 25) for n in range(safe)]
    assert not path.exists()


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.usefixtures("small_files")
def test_a_write_that_fails_says_how_many_frames_are_safe(
    tmp_path: Path, make_result: MakeResult, ending: str
) -> None:
    check_what_a_full_disk_leaves(tmp_path / f"out.{ending}", "file too large", make_result)


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_full_disk_says_how_many_frames_are_safe(
    small_disk: Path, make_result: MakeResult, ending: str
) -> None:
    cause = "no space left on device"
    check_what_a_full_disk_leaves(small_disk / f"out.{ending}", cause, make_result)


def test_a_disk_that_is_full_only_at_the_end(
    tmp_path: Path, make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = make_sink(tmp_path / "out.mp4")
    write_noise(sink, 3, make_result)
    monkeypatch.setattr("os.replace", fail_with_a_full_disk)
    with pytest.raises(RtsdbError, match=r"out\.mp4: writing failed \(no space left on device\)"):
        sink.close()
    sink.close()


def fail_with_a_full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_an_encoder_that_does_not_work_here(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--encoder v4l2m2m: does not work here"):
        VideoFileSink(tmp_path / "out.mp4", "v4l2m2m").open(INFO, (64, 48))
    assert not list(tmp_path.iterdir())


def test_auto_takes_what_works(
    tmp_path: Path, make_result: MakeResult, caplog: pytest.LogCaptureFixture
) -> None:
    with VideoFileSink(tmp_path / "out.mp4") as sink:
        sink.open(INFO, (640, 480))
        sink.write(make_result(size=(640, 480)))
    assert len(read_times(tmp_path / "out.mp4")) == 1
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) <= 1
