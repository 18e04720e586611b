from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtsdb.classes import CITYSCAPES
from rtsdb.errors import UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.indexed_png import indexed_png
from rtsdb.video.sinks.label_dir import LabelDirSink

INFO = SourceInfo("demo", 64, 48)


def test_a_file_for_each_frame(tmp_path: Path, make_result: Callable[..., FrameResult]) -> None:
    folder = tmp_path / "a" / "labels"
    with LabelDirSink(folder, CITYSCAPES) as sink:
        sink.open(INFO, (1, 1))
        for index in (0, 7):
            assert sink.write(make_result(index))
    assert (sink.location, sink.wants_view) == (str(folder), False)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        f"00000{n}.png": indexed_png(np.full((48, 64), n, np.uint8), CITYSCAPES) for n in (0, 7)
    }
    with pytest.raises(UsageError, match="holds images already"):
        LabelDirSink(folder, CITYSCAPES).open(INFO, (1, 1))
