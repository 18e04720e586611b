import shutil
import struct
import wave
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import Stamp
from rtsdb.video.sources.base import FrameSizeChanged
from rtsdb.video.sources.decoder import VideoInput
from rtsdb.video.sources.file import VideoFileSource
from tests.video.sources.reading import read_all


def test_variable_frame_rate_keeps_its_exact_times(make_clip: Callable[..., Path]) -> None:
    pts = [0, 1, 2, 5, 9, 10, 30, 31]
    with VideoFileSource(make_clip(pts=pts, time_base=Fraction(1001, 30000))) as source:
        stamps = read_all(source)
    assert [s.seconds for s in stamps] == [p * Fraction(1001, 30000) for p in pts]
    assert [s.index for s in stamps] == list(range(8))


def test_info_and_order(make_clip: Callable[..., Path]) -> None:
    path = make_clip()
    with VideoFileSource(path) as source:
        assert source.info.name == str(path)
        assert (source.info.width, source.info.height) == (64, 48)
        assert (source.info.rate, source.info.frames, source.info.live) == (25, 10, False)
        image = np.empty((48, 64, 3), np.uint8)
        means = []
        while source.read(image) is not None:
            means.append(image.mean())
        assert source.read(image) is None
    assert np.allclose(np.diff(means), 10, atol=2)
    source.close()


def test_real_clip(real_clip: Path) -> None:
    with VideoFileSource(real_clip) as source:
        image = np.empty((540, 960, 3), np.uint8)
        assert [source.read(image).seconds for _ in range(5)] == [Fraction(n, 25) for n in range(5)]
        sky, road = image[100:200, 300:700].mean((0, 1)), image[450:, 300:600].mean((0, 1))
    assert sky[2] > sky[0] + 30, "the sky is blue: red and blue are not swapped"
    assert sky.mean() > road.mean()


def test_frame_goes_into_a_strided_view(make_clip: Callable[..., Path]) -> None:
    path = make_clip()
    whole, canvas = np.empty((48, 64, 3), np.uint8), np.zeros((60, 100, 3), np.uint8)
    with VideoFileSource(path) as source:
        source.read(whole)
    with VideoFileSource(path) as source:
        source.read(canvas[6:54, 10:74])
    assert np.array_equal(canvas[6:54, 10:74], whole)
    canvas[6:54, 10:74] = 0
    assert not canvas.any()


def test_size_change_names_the_frame_and_both_sizes_and_goes_on(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    joined = tmp_path / "joined.ts"
    parts = [make_clip("a.ts"), make_clip("b.ts", size=(96, 64))]
    joined.write_bytes(b"".join(p.read_bytes() for p in parts))
    with VideoFileSource(joined) as source:
        image = np.empty((48, 64, 3), np.uint8)
        for _ in range(10):
            assert source.read(image) is not None
        with pytest.raises(
            FrameSizeChanged, match=r"joined\.ts: frame 10 is 96x64.*64x48"
        ) as caught:
            source.read(image)
        assert caught.value.info is source.info
        assert (source.info.width, source.info.height) == (96, 64)
        stamps = read_all(source)
    assert [s.index for s in stamps] == list(range(10, 20))


@pytest.mark.parametrize(
    ("matrix", "turns"),
    [("1 0 0 1", 0), ("0 1 -1 0", 1), ("-1 0 0 -1", 2), ("0 -1 1 0", 3)],
    ids=["upright", "clockwise", "upside-down", "counterclockwise"],
)
def test_rotation_is_applied(tmp_path: Path, matrix: str, turns: int) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 220  # the corner tells which way is up
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        stream.width, stream.height = 64, 48
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 44  # of the display matrix, 3x3 in 16.16 fixed point
    a, b, c, d = (int(value) << 16 for value in matrix.split())
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    expected = np.rot90(picture, -turns)
    with VideoFileSource(path) as source:
        assert (source.info.height, source.info.width) == expected.shape[:2]
        assert source.info.pixel_aspect == (Fraction(3, 4) if turns % 2 else Fraction(4, 3))
        canvas = np.zeros((70, 70, 3), np.uint8)
        image = canvas[3 : 3 + expected.shape[0], 2 : 2 + expected.shape[1]]
        assert source.read(image) is not None
    assert np.abs(image.astype(int) - expected).mean() < 8


def test_joined_recordings_whose_clock_restarts_stay_in_order(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    part = make_clip("a.ts", pts=range(40))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    with VideoFileSource(joined) as source:
        seconds = [s.seconds for s in read_all(source)]
    assert len(seconds) == 80
    assert set(np.diff(seconds)) == {Fraction(1, 25)}


def test_truncated_file_gives_its_good_frames_first(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    path = make_clip(pts=range(100), options={"movflags": "faststart"})
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    good: list[Stamp] = []
    with (
        VideoFileSource(cut) as source,
        pytest.raises(RtsdbError, match=r"cut\.mp4: breaks off at frame \d+") as caught,
    ):
        read_all(source, good)
    assert 20 < len(good) < 100
    assert f"at frame {len(good)} " in str(caught.value)
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)


def test_truncated_matroska_is_noticed(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    path = make_clip("whole.mkv", pts=range(100), time_base=Fraction(1, 25))
    with VideoFileSource(path) as source:
        assert len(read_all(source)) == 100
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with (
        VideoFileSource(cut) as source,
        pytest.raises(RtsdbError, match=r"breaks off .* s are missing"),
    ):
        read_all(source)


def test_damage_in_the_middle_is_passed_over(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    path, damaged = make_clip(pts=range(100)), tmp_path / "damaged.mp4"
    with av.open(str(path)) as container:
        packet = list(container.demux(video=0))[52]
    content = bytearray(path.read_bytes())
    content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    damaged.write_bytes(content)
    with VideoFileSource(damaged) as source:
        seconds = [s.seconds for s in read_all(source)]
    assert 95 <= len(seconds) < 100
    assert seconds == sorted(set(seconds))
    assert seconds[-1] == Fraction(99, 25)


def test_damage_at_the_end_is_an_error(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    path, damaged = make_clip(pts=range(100)), tmp_path / "damaged.mp4"
    with av.open(str(path)) as container:
        packets = list(container.demux(video=0))[50:-1]
    content = bytearray(path.read_bytes())
    for packet in packets:
        content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    damaged.write_bytes(content)
    good: list[Stamp] = []
    with VideoFileSource(damaged) as source, pytest.raises(RtsdbError, match="breaks off at") as e:
        read_all(source, good)
    assert 40 <= len(good) <= 50
    assert f"at frame {len(good)} " in str(e.value)


def test_decode_error_midway_ends_with_the_frame_number(
    make_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaking:
        """A container whose device fails after five packets."""

        def __init__(self, inner: av.container.InputContainer) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self.inner, name)

        def demux(self, stream: object) -> object:
            for number, packet in enumerate(self.inner.demux(stream)):
                if number == 5:
                    raise OSError(5, "Input/output error")
                yield packet

    opened = av.open(str(make_clip()))
    monkeypatch.setattr("rtsdb.video.sources.decoder.av.open", lambda *_, **__: Breaking(opened))
    good: list[Stamp] = []
    with (
        VideoFileSource("usb.mp4") as source,
        pytest.raises(RtsdbError, match=r"usb\.mp4: breaks off .*input/output") as caught,
    ):
        read_all(source, good)
    assert len(good) >= 3
    assert f"at frame {len(good)} " in str(caught.value)


def test_missing_index_cannot_be_opened(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(make_clip(pts=range(100)).read_bytes()[:5000])
    with pytest.raises(RtsdbError, match=r"cut\.mp4: cannot be read as a video .*download"):
        VideoFileSource(cut)


@pytest.mark.parametrize("content", [b"", b"Just a text.\n" * 50])
def test_text_named_mp4(tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.mp4"
    path.write_bytes(content)
    with pytest.raises(RtsdbError, match=r"notes\.mp4: cannot be read as a video") as caught:
        VideoFileSource(path)
    assert not isinstance(caught.value, UsageError)
    assert capfd.readouterr() == ("", ""), "FFmpeg's own messages stay off the terminal"


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(8000))
    with pytest.raises(RtsdbError, match=r"sound\.wav: holds no video stream"):
        VideoFileSource(path)


def test_video_without_frames(make_clip: Callable[..., Path]) -> None:
    flags = {"movflags": "frag_keyframe+empty_moov"}
    with pytest.raises(RtsdbError, match=r"clip\.mp4: holds no video frame"):
        VideoFileSource(make_clip(pts=(), options=flags))


def test_trimmed_by_edit_list_is_not_truncated(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    path, trimmed = make_clip(pts=range(100)), tmp_path / "trimmed.mp4"
    with av.open(str(path)) as given, av.open(str(trimmed), "w") as out:
        stream = out.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.pts -= 50 * packet.duration
                packet.dts -= 50 * packet.duration
                packet.stream = stream
                out.mux(packet)
    with VideoFileSource(trimmed) as source:
        assert 49 <= len(read_all(source)) <= 51


def test_name_with_a_colon(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "2024-05-01T10:30.mp4"
    shutil.copy(make_clip(), path)
    with VideoFileSource(path) as source:
        assert len(read_all(source)) == 10


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.avi"])
def test_reading_goes_on_behind_any_frame(make_clip: Callable[..., Path], name: str) -> None:
    path = make_clip(name, pts=range(90), time_base=Fraction(1, 10))  # B-frames, a key frame in 5
    image = np.empty((48, 64, 3), np.uint8)
    with VideoFileSource(path) as source:
        stamps = read_all(source)
    pictures = []
    with VideoFileSource(path) as source:
        while source.read(image) is not None:
            pictures.append(image.copy())
    for last in (0, 1, 37, 38, 39, 40, 41, 88, 89):
        with VideoFileSource(path) as source:
            source.continue_after(stamps[last])
            for index in range(last + 1, min(last + 4, 90)):
                assert source.read(image) == stamps[index]
                np.testing.assert_array_equal(image, pictures[index])
            assert read_all(source) == stamps[last + 4 :]


def test_going_on_decodes_only_what_is_needed(
    make_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip(pts=range(200), time_base=Fraction(1, 10))
    with VideoFileSource(path) as source:
        stamps = read_all(source)
    decoded = []
    decode = VideoInput.decode

    def count(video: VideoInput, packet: object) -> list[av.VideoFrame]:
        decoded.append(packet)
        return decode(video, packet)

    with VideoFileSource(path) as source:
        monkeypatch.setattr(VideoInput, "decode", count)
        source.continue_after(stamps[150])
    assert len(decoded) < 50


def test_going_on_in_joined_recordings_whose_clock_restarts(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    part = make_clip("a.ts", pts=range(40))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    with VideoFileSource(joined) as source:
        stamps = read_all(source)
    for last in (20, 60):
        with VideoFileSource(joined) as source:
            source.continue_after(stamps[last])
            assert read_all(source) == stamps[last + 1 :]


@pytest.mark.parametrize("change", [{"pts": 3 * 512 + 1}, {"index": 10, "pts": 10 * 512}])
def test_going_on_behind_a_frame_that_is_not_there(
    make_clip: Callable[..., Path], change: dict[str, int]
) -> None:
    last = replace(Stamp(3, 3 * 512, Fraction(1, 25 * 512)), **change)
    with (
        VideoFileSource(make_clip()) as source,
        pytest.raises(RtsdbError, match=rf"frame {last.index} is not what it was"),
    ):
        source.continue_after(last)


def test_frames_to_come_are_guessed_where_only_the_duration_is_known(
    make_clip: Callable[..., Path],
) -> None:
    with VideoFileSource(make_clip("clip.mkv", pts=range(50))) as source:
        assert source.info.frames == 50
