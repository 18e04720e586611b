"""Small clips for the tests of sources and sinks; and a Ctrl-C that works."""

import errno
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from rtsdb.video.frame import FrameResult, Stamp

# However slow the machine is, and whatever else it does.
settings.register_profile(
    "any speed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any speed")

CLIPS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "clips"


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_interrupts() -> None:
    """A process started in the background ignores SIGINT, and its children do too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def real_clip() -> Path:
    path = CLIPS / "highway_day_960x540.mp4"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files can be made, and nothing be written to them."""

    def fill(path: Path, content: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill)


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    """Encode grey frames, each a little brighter, with x264 at exactly the given times."""

    def make(
        name: str = "clip.mp4",
        *,
        size: tuple[int, int] = (64, 48),
        pts: Sequence[int] = tuple(range(10)),
        time_base: Fraction = Fraction(1, 25),
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", options=options or {}) as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": "10", "g": "5"})
            stream.width, stream.height = size
            stream.codec_context.time_base = time_base
            container.start_encoding()
            rng = np.random.default_rng(0)
            for number, time in enumerate(pts):
                image = rng.integers(0, 40, (size[1], size[0], 3), np.uint8) + np.uint8(
                    10 * number % 200
                )
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = time, time_base
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


@pytest.fixture
def make_result() -> Callable[..., FrameResult]:
    """A finished frame whose pictures are all one colour."""

    def make(
        index: int = 0,
        *,
        size: tuple[int, int] = (64, 48),
        pts: int | None = None,
        time_base: Fraction = Fraction(1, 25),
        colour: tuple[int, int, int] = (90, 120, 150),
        view: np.ndarray | None = None,
    ) -> FrameResult:
        image = np.empty((size[1], size[0], 3), np.uint8)
        image[:] = colour
        return FrameResult(
            stamp=Stamp(index, index if pts is None else pts, time_base),
            noisy=image,
            denoised=image,
            labels=np.full(image.shape[:2], index % 11, np.uint8),
            view=image if view is None else view,
        )

    return make


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
