"""The journal of a folder of outputs: what is finished and safe, line by line."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.recordings.plan import STATE
from rtsdb.recordings.segment import Segment
from rtsdb.resource import Resource
from rtsdb.video.ffmpeg_errors import reason

VERSION = 1
"""Of the journal's lines; one of another version is refused."""

Settings = Mapping[str, str | None]
"""What an output depends on, by option, None where one was not given."""

SourceFacts = Mapping[str, object]
"""What tells whether a source is the file that it was."""


@dataclass
class Progress:
    """How far a recording is.

    segments: safe on the disk. frames: in them, or in the outputs. ended: the source has no
    further frame. done: the outputs have their names; there are no segments any more.
    """

    source: SourceFacts
    segments: list[Segment] = field(default_factory=list)
    frames: int = 0
    ended: bool = False
    done: bool = False


class Journal(Resource):
    """`.rtsdb/journal.jsonl` in the folder of the videos: JSON objects, one a line.

    The first line has the settings that all outputs of the folder share. Each line behind it is
    on the disk before the method that writes it returns, and what it tells was there before. A
    line that a crash cut off does not count. One run at a time has the journal.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        """folder: of the videos; it exists.

        Raises UsageError where it was begun with other settings, another run is writing into it,
        or the journal cannot be read.
        """
        self._folder = folder
        self._path = folder / STATE / "journal.jsonl"
        self._progress: dict[str, Progress] = {}
        try:
            self._file = open(self._path, "a+b", buffering=0)  # noqa: SIM115 (closed by close)
        except OSError as error:
            raise UsageError(f"{self._path}: cannot be written ({reason(error)})") from error
        try:
            self._lock()
            self._read(settings)
        except BaseException:
            self._file.close()
            raise

    def progress(self, name: str) -> Progress | None:
        """How far the recording is whose video has that name; None where it was not begun."""
        return self._progress.get(name)

    def begin(self, name: str, source: SourceFacts) -> Progress:
        """A recording is begun, or begun anew."""
        self._append({"event": "begin", "name": name, "source": dict(source)})
        return self._progress[name]

    def add(self, name: str, segment: Segment) -> None:
        """The next segment of a recording is safe."""
        self._append(
            {
                "event": "segment",
                "name": name,
                "first": segment.first,
                "time_base": str(segment.time_base),
                "pts": segment.pts,
            }
        )

    def keep(self, name: str, segments: int) -> None:
        """Only so many segments of a recording are there any more."""
        self._append({"event": "keep", "name": name, "segments": segments})

    def end(self, name: str) -> None:
        """All frames of a recording are in its segments."""
        self._append({"event": "end", "name": name})

    def done(self, name: str) -> None:
        """The outputs of a recording have their names."""
        self._append({"event": "done", "name": name})

    def close(self) -> None:
        """Let another run have the journal; safe to call twice."""
        self._file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"{self._folder}: another run is writing into it; wait for its end, or choose "
                "another folder"
            ) from error
        except OSError as error:  # folders on NFS
            raise UsageError(
                f"{self._folder}: cannot be locked ({reason(error)}); give a folder on a local disk"
            ) from error

    def _read(self, settings: Settings) -> None:
        self._file.seek(0)
        lines = self._file.read().splitlines(keepends=True)
        whole = 0
        for number, line in enumerate(lines):
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("cut off")
                entry = json.loads(line)
                if number:
                    self._take(entry)
                else:
                    self._check(entry, settings)
            except (ValueError, KeyError, TypeError) as error:
                if number < len(lines) - 1:
                    raise UsageError(
                        f"{self._path}: line {number + 1} cannot be read; choose another folder"
                    ) from error
                break
            whole += len(line)
        self._file.truncate(whole)
        if not whole:
            self._write({"version": VERSION, "settings": dict(settings)})

    def _check(self, entry: dict[str, Any], settings: Settings) -> None:
        """Compare the settings of the folder with those of now."""
        advice = "give that, or another --sink folder to start anew"
        if entry["version"] != VERSION:
            raise UsageError(
                f"{self._path}: is of another version of rtsdb; give another --sink folder"
            )
        before = entry["settings"]
        for option, now in settings.items():
            then = before[option]
            if then != now:
                began = f"without {option}" if then is None else f"with {option} {then}"
                given = "none is given now" if now is None else f"now it is {now}"
                raise UsageError(f"{self._folder}: was begun {began}, {given}; {advice}")

    def _append(self, entry: dict[str, Any]) -> None:
        self._write(entry)
        self._take(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        """Bring `progress` up to date."""
        name = entry["name"]
        if entry["event"] == "begin":
            self._progress[name] = Progress(entry["source"])
            return
        progress = self._progress[name]
        if entry["event"] == "segment":
            segment = Segment(entry["first"], Fraction(entry["time_base"]), tuple(entry["pts"]))
            progress.segments.append(segment)
            progress.frames = segment.end
        elif entry["event"] == "keep":
            del progress.segments[entry["segments"] :]
            progress.frames = progress.segments[-1].end if progress.segments else 0
            progress.ended = False
        elif entry["event"] == "end":
            progress.ended = True
        elif entry["event"] == "done":
            progress.done = True
            progress.segments.clear()

    def _write(self, entry: dict[str, Any]) -> None:
        """Put a line on the disk; RtsdbError, and no part of it, where that fails."""
        end = self._file.seek(0, os.SEEK_END)
        line = memoryview(json.dumps(entry).encode() + b"\n")
        try:
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(end)
            raise RtsdbError(
                f"{self._path}: writing failed ({reason(error)}); make room and run again"
            ) from error
