"""The keys of a window that change what the pipeline does; those of the window: test_window.py."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

pytest.importorskip("onnxruntime")

from rtsdb.errors import UsageError
from rtsdb.pipeline.command import RunRequest, run_once
from rtsdb.pipeline.processing import Processing
from rtsdb.video.sinks import window
from rtsdb.video.sources import SourceOptions
from rtsdb.weights import FOLDER


@pytest.fixture(scope="module", autouse=True)
def _libraries_have_been_used() -> None:
    """Threads and files that they keep for themselves are there before a test looks."""
    Processing(engine="onnxruntime").load_engine().close()


def run_in_a_window(clip: Path, read_key: Callable[[], str | None]) -> dict[str, object]:
    """The facts of a run at the clip's pace; read_key: the key that is pressed now."""
    request = RunRequest(
        Processing(engine="onnxruntime", precision="fp32", sigma="10", max_age=60.0),
        sources=[str(clip)],
        source_options=SourceOptions(),
        sinks=["window"],
        labels=None,
        metadata=None,
        encoder="auto",
        frames=None,
        paced=True,
        report=None,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "_require_screen", lambda: None)
        for name in ("namedWindow", "resizeWindow", "imshow", "destroyWindow"):
            patch.setattr(cv2, name, lambda *_: None)
        patch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
        patch.setattr(cv2, "waitKey", lambda _: ord(read_key() or "\xff"))
        return run_once(request, lambda *_: None, lambda _: None).facts


def test_numbers_change_the_blocks_and_q_ends_the_run(
    make_clip: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    clip = make_clip(size=(64, 64), pts=range(600), time_base=Fraction(1, 2))  # five minutes
    pressed: list[str] = []

    def press() -> str | None:
        if not pressed:
            pressed.append("2")
        elif "from here on with rt K=2" in caplog.text:
            pressed.append("q")
        else:
            return None
        return pressed[-1]

    facts = run_in_a_window(clip, press)
    assert pressed[:2] == ["2", "q"]
    assert facts["engine"]["model"] == "rt K=2"
    assert facts["settings"]["stages"] == 1
    assert 0 < facts["frames"] < 600


def test_an_engine_with_other_blocks() -> None:
    processing = Processing(engine="onnxruntime")
    assert processing.blocks == 1
    with processing.load_with(2) as engine:
        assert engine.info.model == "rt K=2"


def test_the_blocks_of_an_onnx_file_are_fixed(tmp_path: Path) -> None:
    mine = tmp_path / "mine.onnx"
    mine.write_bytes((FOLDER / "rt-k2.onnx").read_bytes())
    processing = Processing(model=str(mine))
    assert processing.blocks == 2
    with pytest.raises(UsageError, match=r"mine\.onnx: holds 2 blocks and cannot have 3"):
        processing.load_with(3)
