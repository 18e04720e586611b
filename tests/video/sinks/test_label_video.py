from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.label_video import LabelVideoSink

INFO = SourceInfo("demo", 65, 47, Fraction(25))
MakeResult = Callable[..., FrameResult]


def read(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    with av.open(str(path)) as container:
        return [
            (frame.pts * frame.time_base, frame.to_ndarray()) for frame in container.decode(video=0)
        ]


def test_ids_and_times_survive(tmp_path: Path, make_result: MakeResult) -> None:
    rng = np.random.default_rng(0)
    pts = (0, 3600, 3690, 900_000)
    maps = [rng.integers(0, 256, (47, 65), np.uint8) for _ in pts]
    with LabelVideoSink(tmp_path / "out.mkv") as sink:
        assert not sink.wants_view
        sink.open(INFO, (1, 1))
        for index, (time, labels) in enumerate(zip(pts, maps, strict=True)):
            result = make_result(index, pts=time, time_base=Fraction(1, 90000))
            result.labels = labels
            assert sink.write(result)
    assert sink.location == str(tmp_path / "out.mkv")
    written = read(tmp_path / "out.mkv")
    assert [time for time, _ in written] == [0, Fraction(40, 1000), Fraction(41, 1000), 10]
    for (_, found), labels in zip(written, maps, strict=True):
        np.testing.assert_array_equal(found, labels)


def test_maps_of_another_size_are_fitted(tmp_path: Path, make_result: MakeResult) -> None:
    with LabelVideoSink(tmp_path / "out.mkv") as sink:
        sink.open(INFO, (1, 1))
        sink.write(make_result(3, size=(130, 94)))
    ((_, labels),) = read(tmp_path / "out.mkv")
    assert (labels.shape, np.unique(labels).tolist()) == ((47, 65), [3])
