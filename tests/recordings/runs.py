"""Recordings processed with a double of an engine, and what is in the files that come out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import av
import numpy as np

from rtsdb.errors import RtsdbError
from rtsdb.pipeline.command import RunRequest
from rtsdb.pipeline.processing import Processing
from rtsdb.recordings.plan import Recording
from rtsdb.recordings.run import Ended, run_recordings
from rtsdb.video.sources import SourceOptions
from tests.pipeline.doubles import FakeEngine
from tests.video.sinks.recordings import make_recording


class ReusableEngine(FakeEngine):
    """Gives its slots up when it is closed, as real engines do."""

    def close(self) -> None:
        self.in_use.clear()


def breaking(after: int) -> ReusableEngine:
    """One that gives so many results, and then none."""

    def hook(number: int) -> None:
        if number >= after:
            raise RtsdbError("the device is lost")

    return ReusableEngine(hook=hook)


@dataclass
class Notes:
    """A watcher that writes everything down."""

    started: list[tuple[str, str, int, int | None]] = field(default_factory=list)
    advanced: list[int] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    def start(self, recording: Recording, place: str, done: int, total: int | None) -> None:
        self.started.append((recording.name, place, done, total))

    def advance(self, done: int) -> None:
        self.advanced.append(done)

    def end(self, ended: Ended) -> None:
        self.ended.append(ended)


def process(
    sources: Sequence[Path | str],
    sink: Path,
    engine: FakeEngine | None = None,
    notes: Notes | None = None,
    **changes: Any,
) -> list[Ended]:
    """Run as `rtsdb run --resume` does; `changes` are of the Processing or of the RunRequest."""
    own = {name: changes.pop(name) for name in ("sigma", "view", "stages") if name in changes}
    settings = {
        "sinks": [f"{sink}/"],
        "labels": None,
        "metadata": None,
        "encoder": "x264",
        "frames": None,
        "paced": False,
        "report": None,
        "source_options": SourceOptions(decode="cpu"),
        **changes,
    }
    processing = Processing(**{"sigma": "25", "view": "denoised", **own})
    request = RunRequest(processing, sources=list(map(str, sources)), **settings)
    with patch.object(Processing, "load_engine", return_value=engine or ReusableEngine()):
        return run_recordings(request, notes or Notes())


def drive(path: Path, frames: int = 20) -> Path:
    """A recording with sound and, in an mp4, telemetry, at two frames per second: 8 a segment."""
    path.write_bytes(_drive(path.suffix, frames))
    return path


@cache
def _drive(suffix: str, frames: int) -> bytes:
    with TemporaryDirectory() as folder:
        return make_recording(Path(folder) / f"drive{suffix}", frames=frames, rate=2).read_bytes()


def frames_in(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    """Times and pictures of a video."""
    with av.open(str(path)) as file:
        return [(frame.pts * frame.time_base, frame.to_ndarray()) for frame in file.decode(video=0)]


def check_video(path: Path, source: Path) -> None:
    """Every frame of the source once, at its time, and bright where it is."""
    found, wanted = frames_in(path), frames_in(source)
    assert [time for time, _ in found] == [time for time, _ in wanted]
    for (_, picture), (_, original) in zip(found, wanted, strict=True):
        assert np.abs(picture.astype(int) - original).mean() < 12


def lines_in(path: Path) -> list[tuple[int, int]]:
    """Number and pts of each frame in a file of metadata."""
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [(entry["index"], entry["pts"]) for entry in entries]


def left_in(folder: Path) -> list[str]:
    """All files in a folder and those in it, but for the journal."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in files if path.name != "journal.jsonl")
