import os
import subprocess
import sys
from pathlib import Path

import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.sources import open_source
from tests.v4l2_double.build import build, missing

ROOT = Path(__file__).resolve().parents[3]


def test_on_a_camera_double(tmp_path: Path) -> None:
    if missing() is not None:
        pytest.skip(f"no camera double: {missing()}")
    tests = ROOT / "tests" / "v4l2_double" / "preloaded_camera.py"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:doctest", "-o", "addopts=", str(tests)],
        env=os.environ | {"LD_PRELOAD": str(build(tmp_path))},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout


@pytest.mark.parametrize("text", ["97", "/dev/video97", "097"])
def test_absent_camera(text: str) -> None:
    with pytest.raises(UsageError, match=r"^/dev/video97: no such camera; there is ") as caught:
        open_source(text)
    assert "\n" not in str(caught.value)


def test_device_that_is_no_camera() -> None:
    with pytest.raises(RtsdbError, match=r"/dev/null: cannot capture from it \(inapp.*\); another"):
        open_source("/dev/null")


def test_permission_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("rtsdb.video.sources.decoder.av.open", refuse)
    with pytest.raises(RtsdbError, match=r"/dev/null: no permission .* group 'video'"):
        open_source("/dev/null")
