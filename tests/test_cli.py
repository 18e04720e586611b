"""The command line as a person meets it: real frames end to end, and every kind of bad input."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from rtsdb import cli
from rtsdb.errors import RtsdbError
from rtsdb.video.sinks.image_dir import ImageDirSink

CLIP = Path(__file__).parents[2] / "shared" / "data" / "clips" / "highway_day_960x540.mp4"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `rtsdb` with arguments, in tmp_path; its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["rtsdb", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capfd.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out + captured.err

    return call


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """A folder of three small pictures."""
    folder = tmp_path / "frames"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(3):
        picture = cv2.resize(rng.integers(40, 200, (4, 6, 3), np.uint8), (97, 66))
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder


def test_images_to_pngs(run: Run, frames: Path, tmp_path: Path) -> None:
    code, text = run("run", "--source", frames, "--sink", "out/", "--sigma", "10")
    assert code == 0, text
    for index in range(3):
        denoised = cv2.imread(str(tmp_path / f"out/denoised/{index:06}.png"))
        labels = cv2.imread(str(tmp_path / f"out/labels/{index:06}.png"), cv2.IMREAD_UNCHANGED)
        assert denoised is not None
        assert labels is not None
        assert denoised.shape == (66, 97, 3)
        assert labels.shape == (66, 97)
        assert labels.max() < 11


def test_the_report_has_every_figure(run: Run, frames: Path, tmp_path: Path) -> None:
    arguments = ["--source", frames, "--sink", "out.mp4", "--simulate-noise", "25"]
    code, text = run("run", *arguments, "--report", "r.json", "--tile", "64x64", "--stages", "2")
    assert code == 0, text
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["frames"] == 3
    assert set(report["latency_ms"]) == {
        "capture",
        "wait for engine",
        "estimate",
        "gather",
        "infer",
        "stitch",
        "wait for render",
        "measure",
        "render",
        "encode",
        "capture to output",
    }
    for row in report["latency_ms"].values():
        assert row["count"] == 3
        assert 0 <= row["p50"] <= row["p90"] <= row["p99"] <= row["max"]
    assert 15 < report["psnr_db"]["noisy"] < 25
    assert report["psnr_db"]["denoised"] > report["psnr_db"]["noisy"]
    assert report["engine"]["model"] == "rt K=2"
    assert "tiles" in report["engine"]["tiles"]
    assert report["machine"]["versions"]["openvino"]
    assert "denoised" in text
    assert "capture to output" in text
    assert "out.mp4" in text


def test_a_real_drive_end_to_end(run: Run, tmp_path: Path) -> None:
    if not CLIP.exists():
        pytest.skip(f"{CLIP} is not on this machine")
    arguments = ["--source", CLIP, "--simulate-noise", "50", "--sink", "out.mp4"]
    code, text = run("run", *arguments, "--frames", "4", "--report", "r.json")
    assert code == 0, text
    quality = json.loads((tmp_path / "r.json").read_text())["psnr_db"]
    assert quality["denoised"] > quality["noisy"] + 6
    with av.open(str(CLIP)) as source, av.open(str(tmp_path / "out.mp4")) as written:
        wanted = [frame.time for _, frame in zip(range(4), source.decode(video=0), strict=False)]
        found = [frame.time for frame in written.decode(video=0)]
    assert found == pytest.approx(wanted, abs=1e-9)


def test_without_a_source_it_is_the_demo_and_says_so(run: Run, tmp_path: Path) -> None:
    arguments = ["--frames", "1", "--simulate-noise", "25", "--report", "r.json"]
    code, text = run("run", "--sink", "null", *arguments)
    assert code == 0, text
    assert "demo" in text
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["settings"]["size"] == [2048, 1024]
    assert report["miou"] > 0
    assert report["psnr_db"]["denoised"] > report["psnr_db"]["noisy"]


Clip = Callable[..., Path]


def text_file(folder: Path, _: Clip) -> Path:
    path = folder / "notes.mp4"
    path.write_text("not a video\n" * 50)
    return path


def truncated(_: Path, make_clip: Clip) -> Path:
    path = make_clip(size=(96, 64), pts=range(60), options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def without_frames(_: Path, make_clip: Clip) -> Path:
    return make_clip("empty.mp4", pts=())


def of_two_sizes(folder: Path, _: Clip) -> Path:
    path = folder / "mixed"
    path.mkdir()
    for index, size in enumerate(((64, 64, 3), (64, 64, 3), (80, 64, 3))):
        cv2.imwrite(str(path / f"{index}.png"), np.full(size, 90, np.uint8))
    return path


def without_images(folder: Path, _: Clip) -> Path:
    path = folder / "bare"
    path.mkdir()
    (path / "readme.txt").write_text("nothing here")
    return path


@pytest.mark.parametrize(
    ("make", "code", "kept"),
    [
        (lambda folder, _: folder / "missing.mp4", 2, False),
        (lambda *_: Path("/dev/video99"), 2, False),
        (without_images, 2, False),
        (without_frames, 1, False),
        (text_file, 1, False),
        (truncated, 1, True),
        (of_two_sizes, 1, True),
    ],
)
def test_a_bad_source_is_one_clear_line(
    run: Run,
    tmp_path: Path,
    make_clip: Clip,
    make: Callable[[Path, Clip], Path],
    code: int,
    kept: bool,
) -> None:
    source = make(tmp_path, make_clip)
    found, text = run("run", "--source", source, "--sink", "out.mp4", "--sigma", "20")
    assert found == code, text
    check_message(text, source.name)
    assert (tmp_path / "out.mp4").exists() == kept
    if kept:
        assert "are in out.mp4" in text
        with av.open(str(tmp_path / "out.mp4")) as written:
            assert sum(1 for _ in written.decode(video=0)) >= 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--sink", "/nowhere/out.mp4"], "/nowhere/out.mp4"),
        (["--sink", "out.gif"], "out.gif"),
        (["--engine", "warp"], "--engine warp"),
        (["--precision", "int3"], "--precision int3"),
        (["--model", "huge"], "--model huge"),
        (["--model", "absent.onnx"], "absent.onnx"),
        (["--sigma", "loud"], "--sigma loud"),
        (["--simulate-noise", "-3"], "noise -3"),
        (["--view", "cube"], "--view cube"),
        (["--tile", "big"], "--tile big"),
        (["--tile", "100x100"], "--tile 100x100"),
        (["--report", "/nowhere/r.json"], "/nowhere/r.json"),
        (["--labels", "labels.mp4"], "--labels labels.mp4"),
        (["--metadata", "/nowhere/m.jsonl"], "/nowhere/m.jsonl"),
        (["--encoder", "vp8"], "--encoder vp8"),
        (["--decode", "gpu"], "--decode gpu"),
        (["--capture-size", "wide"], "--capture-size wide"),
        (["--capture-fps", "0"], "--capture-fps 0"),
        (["--pixel-format", "rgb"], "--pixel-format rgb"),
        (["--reconnect", "soon"], "--reconnect soon"),
        (["--sink", "a.mp4", "--sink", "a.mp4"], "a.mp4"),
    ],
)
def test_a_bad_option_is_named_with_what_there_is(
    run: Run, frames: Path, tmp_path: Path, arguments: list[str], named: str
) -> None:
    code, text = run("run", "--source", frames, *arguments)
    assert code == 2, text
    check_message(text, named)
    assert not list(tmp_path.glob("*.mp4"))


def test_weights_of_another_shape_are_refused(run: Run, frames: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra 'train'")
    from safetensors.torch import save_file

    header = {"format": "rtsdb", "metadata": '{"preset": "rt", "stages": 1, "classes": "camvid"}'}
    save_file({"other": torch.zeros(3)}, tmp_path / "w.safetensors", metadata=header)
    arguments = ["--engine", "torch", "--model", "w.safetensors", "--sink", "null"]
    code, text = run("run", "--source", frames, *arguments)
    assert code == 2, text
    check_message(text, "w.safetensors")


def test_a_full_disk_ends_the_run_and_is_named(
    run: Run, frames: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise RtsdbError("out: no space left on device; make room and run again")

    monkeypatch.setattr(ImageDirSink, "write", full)
    code, text = run("run", "--source", frames, "--sink", "out/", "--sigma", "10")
    assert code == 1, text
    check_message(text, "no space left")


def test_several_outputs_at_once(run: Run, frames: Path, tmp_path: Path) -> None:
    sinks = ["--sink", "out.mp4", "--sink", "pictures/", "--labels", "labels/"]
    arguments = ["--source", frames, *sinks, "--metadata", "out.jsonl", "--report", "r.json"]
    code, text = run("run", *arguments)
    assert code == 0, text
    with av.open(str(tmp_path / "out.mp4")) as written:
        assert sum(1 for _ in written.decode(video=0)) == 3
    assert len(list((tmp_path / "pictures/denoised").iterdir())) == 3
    assert len(list((tmp_path / "labels").glob("*.png"))) == 3
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["index"] for line in lines] == [0, 1, 2]
    for line in lines:
        assert line["noise"]["sigma"] >= 0
        assert line["latency_ms"]["infer"] > 0
        assert sum(line["classes"].values()) == pytest.approx(1)
    outputs = json.loads((tmp_path / "r.json").read_text())["outputs"]
    assert [output["location"] for output in outputs] == [
        "out.mp4",
        "pictures",
        "labels",
        "out.jsonl",
    ]
    assert all(output["written"] == 3 and output["error"] is None for output in outputs)


def test_one_of_several_outputs_may_fail_and_is_named(
    run: Run, frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise RtsdbError("out: no space left on device; make room and run again")

    monkeypatch.setattr(ImageDirSink, "write", full)
    sinks = ["--sink", "out.mp4", "--sink", "out/"]
    code, text = run("run", "--source", frames, *sinks, "--sigma", "10", "--report", "r.json")
    assert code == 1, text
    check_message(text, "no space left")
    assert "output: out.mp4" in text
    with av.open(str(tmp_path / "out.mp4")) as written:
        assert sum(1 for _ in written.decode(video=0)) == 3
    failed = json.loads((tmp_path / "r.json").read_text())["outputs"][1]
    assert (failed["name"], failed["written"]) == ("out", 0)
    assert "no space left" in failed["error"]


def test_several_files_are_one_source(run: Run, make_clip: Clip, tmp_path: Path) -> None:
    clips = [make_clip(f"{name}.mp4", size=(64, 64), pts=range(2)) for name in "ab"]
    sources = ["--source", clips[0], "--source", clips[1]]
    code, text = run("run", *sources, "--sigma", "10")
    assert code == 0, text
    with av.open(str(tmp_path / "rtsdb-a.mp4")) as written:
        assert sum(1 for _ in written.decode(video=0)) == 4


def test_a_paced_file_is_live(run: Run, make_clip: Clip, tmp_path: Path) -> None:
    clip = make_clip(size=(64, 64), pts=range(5))
    sinks = ["--sink", "null", "--metadata", "out.jsonl"]
    arguments = [*sinks, "--sigma", "10", "--pace", "source", "--max-age-ms", "60000"]
    code, text = run("run", "--source", clip, *arguments, "--report", "r.json")
    assert code == 0, text
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["frames"] + sum(report["dropped"].values()) == 5
    assert report["settings"]["pace"] == "source"
    assert set(report["output_latency_ms"]) == {"null", "out.jsonl"}
    assert report["output_latency_ms"]["null"]["count"] == report["frames"]
    assert "arrival to out.jsonl" in text


def test_a_password_is_never_shown(run: Run) -> None:
    code, text = run("run", "--source", "rtsp://admin:secret@127.0.0.1:9", "--sink", "null")
    assert code == 1, text
    assert "secret" not in text


def test_the_installed_command_runs() -> None:
    command = shutil.which("rtsdb", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("rtsdb is not installed beside this Python")
    done = subprocess.run([command, "run", "--help"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0
    assert "--simulate-noise" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_finishes_its_file(
    make_clip: Clip, tmp_path: Path, number: signal.Signals
) -> None:
    clip, out = make_clip(size=(64, 64), pts=range(500)), tmp_path / "out.mp4"
    sources = 60 * ["--source", clip]  # more than it has time for
    part = tmp_path / "out.mp4.part"  # its name until it is finished
    command = [sys.executable, "-m", "rtsdb", "run", *sources, "--sink", out]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 300
        while not (part.exists() and part.stat().st_size) and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(number)
        text, _ = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 130, text.decode()
    with av.open(str(out)) as written:
        count = sum(1 for _ in written.decode(video=0))
    assert 1 <= count < 30_000
    assert f"{count} frames" in text.decode()


def test_running_needs_no_torch(frames: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['rtsdb', 'run', '--source', "
        f"{str(frames)!r}, '--sink', 'null', '--sigma', '10']; from rtsdb.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()


def check_message(text: str, named: str) -> None:
    """One line that begins with the program's name and names the thing; no traceback."""
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if line.startswith("rtsdb: ")]
    assert len(lines) == 1, text
    assert named in lines[0]
