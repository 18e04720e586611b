"""What is known of each frame, as lines of JSON: a sink."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from rtsdb.classes import VOID, ClassSet
from rtsdb.errors import RtsdbError
from rtsdb.video.ffmpeg_errors import reason
from rtsdb.video.frame import FrameResult, Labels, SourceInfo
from rtsdb.video.sinks.atomic_file import AtomicFile, refuse_input
from rtsdb.video.sinks.base import Picture, Sink

_MID_GREY = 128


class MetadataSink(Sink):
    """Writes one JSON object a line for each frame.

    index: the frame's number in the source. pts, time_base: its time, exactly ("1/90000"), and
    seconds. noise: a and b of the variance a*y + b at grey level y, and sigma at y = 128.
    latency_ms: by stage. classes: the share of the frame that each class has, "void" for pixels
    without one; classes that are not there are left out. noise and latency_ms are null where
    the pipeline does not tell them.
    """

    uses: frozenset[Picture] = frozenset({"labels"})

    def __init__(self, path: str | Path, classes: ClassSet) -> None:
        self._path = Path(path)
        self._classes = classes
        self._written = 0
        self._file: AtomicFile | None = None

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Create the file; UsageError where that cannot be."""
        refuse_input(self._path, source)
        self._file = AtomicFile(self._path)

    def write(self, result: FrameResult) -> bool:
        """Write the frame's line; RtsdbError when the disk is full."""
        assert self._file is not None, "open comes before write"
        line = json.dumps(_facts(result, self._classes)) + "\n"
        whole = self._file.tell()
        try:
            self._file.write(line.encode())
            self._file.sync()
        except OSError as error:
            self._file.truncate(whole)
            raise self._failed(error) from error
        self._written += 1
        return True

    def close(self) -> None:
        """Give the file its name; RtsdbError when that fails. Safe to call twice."""
        if self._file is None:
            return
        try:
            if self._written:
                self._file.commit()
        except OSError as error:
            raise self._failed(error) from error
        self._let_go()

    @property
    def location(self) -> str | None:
        """The file's path."""
        return str(self._path)

    def _failed(self, error: OSError) -> RtsdbError:
        """Give the file up, unnamed as it is."""
        assert self._file is not None
        part = self._file.part
        self._let_go()
        return RtsdbError(
            f"{self._path}: writing failed ({reason(error)}); {part} holds the first "
            f"{self._written} frames, make room and run again"
        )

    def _let_go(self) -> None:
        assert self._file is not None
        self._file.close()
        self._file = None


def _facts(result: FrameResult, classes: ClassSet) -> dict[str, object]:
    stamp, noise, latency = result.stamp, result.noise, result.latency
    return {
        "index": stamp.index,
        "pts": stamp.pts,
        "time_base": str(stamp.time_base),
        "seconds": float(stamp.seconds),
        "noise": noise and {"a": noise.a, "b": noise.b, "sigma": noise.sigma_at(_MID_GREY)},
        "latency_ms": latency and {stage: 1000 * s for stage, s in latency.items()},
        "classes": class_shares(result.labels, classes),
    }


def class_shares(labels: Labels, classes: ClassSet) -> dict[str, float]:
    """The share of pixels, 0..1, that each class present in `labels` has, by name.

    >>> from rtsdb.classes import CAMVID
    >>> class_shares(np.array([[0, 3], [3, 255]], np.uint8), CAMVID)
    {'sky': 0.25, 'road': 0.5, 'void': 0.25}
    """
    counts = np.ravel(cv2.calcHist([labels], [0], None, [256], [0, 256]))
    names = dict(enumerate(classes.names)) | {VOID: "void"}
    return {names[i]: float(counts[i]) / labels.size for i in names if counts[i]}
