import errno
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from rtsdb.classes import CAMVID
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.noise import NoiseLevel
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.atomic_file import AtomicFile
from rtsdb.video.sinks.metadata import MetadataSink

INFO = SourceInfo("demo", 64, 48)
MakeResult = Callable[..., FrameResult]


def test_a_line_for_each_frame(tmp_path: Path, make_result: MakeResult) -> None:
    path = tmp_path / "out.jsonl"
    known = make_result(3, pts=1001, time_base=Fraction(1, 30000))
    known.labels[:12] = 255
    known.noise = NoiseLevel(2.0, 369.0)
    known.latency = {"capture": 0.004, "infer": 0.02}
    with MetadataSink(path, CAMVID) as sink:
        assert not sink.wants_view
        sink.open(INFO, (1, 1))
        assert sink.write(known)
        assert sink.write(make_result(5))
    first, second = map(json.loads, path.read_text().splitlines())
    assert first == {
        "index": 3,
        "pts": 1001,
        "time_base": "1/30000",
        "seconds": pytest.approx(1001 / 30000),
        "noise": {"a": 2.0, "b": 369.0, "sigma": 25.0},
        "latency_ms": {"capture": pytest.approx(4), "infer": pytest.approx(20)},
        "classes": {"road": 0.75, "void": 0.25},
    }
    assert (second["noise"], second["latency_ms"]) == (None, None)
    assert second["classes"] == {"tree": 1.0}


def test_a_full_disk_leaves_whole_lines(
    tmp_path: Path, make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write = AtomicFile.write

    def fill(file: AtomicFile, data: bytes) -> int:
        if file.tell() > 300:
            real_write(file, data[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(file, data)

    monkeypatch.setattr(AtomicFile, "write", fill)
    path = tmp_path / "out.jsonl"

    def run() -> None:
        with MetadataSink(path, CAMVID) as sink:
            sink.open(INFO, (1, 1))
            for index in range(100):
                sink.write(make_result(index))

    with pytest.raises(RtsdbError) as caught:
        run()
    lines = (tmp_path / "out.jsonl.part").read_text().splitlines()
    assert [json.loads(line)["index"] for line in lines] == list(range(len(lines)))
    assert f"out.jsonl.part holds the first {len(lines)} frames" in str(caught.value)
    assert not path.exists()


def test_a_run_without_frames_leaves_nothing(tmp_path: Path) -> None:
    with MetadataSink(tmp_path / "out.jsonl", CAMVID) as sink:
        sink.open(INFO, (1, 1))
    assert not list(tmp_path.iterdir())
    with pytest.raises(UsageError, match="cannot be written"):
        MetadataSink(tmp_path / "no" / "out.jsonl", CAMVID).open(INFO, (1, 1))
