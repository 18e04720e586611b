from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rtsdb.classes import CAMVID, CITYSCAPES, ClassSet
from rtsdb.video.sinks.indexed_png import indexed_png


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_ids_survive(labels: np.ndarray) -> None:
    content = np.frombuffer(indexed_png(labels, CAMVID), np.uint8)
    decoder = av.CodecContext.create("png", "r")
    (frame,) = [*decoder.decode(av.Packet(content.tobytes())), *decoder.decode(None)]
    assert frame.format.name == "pal8"
    indices, _ = frame.to_ndarray()
    np.testing.assert_array_equal(indices, labels)


@pytest.mark.parametrize("classes", [CAMVID, CITYSCAPES])
def test_colours_are_those_of_the_data_set(tmp_path: Path, classes: ClassSet) -> None:
    labels = np.arange(len(classes), dtype=np.uint8).repeat(10).reshape(1, -1).repeat(5, 0)
    (tmp_path / "a.png").write_bytes(indexed_png(labels, classes))
    picture = cv2.cvtColor(cv2.imread(str(tmp_path / "a.png")), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(picture, classes.palette()[labels])


def test_strided_labels() -> None:
    labels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert indexed_png(labels[:, ::2], CAMVID) == indexed_png(labels[:, ::2].copy(), CAMVID)
