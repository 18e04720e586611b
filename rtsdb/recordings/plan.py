"""Which files are made of which recordings, and where their pieces lie until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rtsdb.errors import UsageError
from rtsdb.video.ffmpeg_errors import reason
from rtsdb.video.sinks.open import is_folder
from rtsdb.video.urls import is_url, redacted

STATE = ".rtsdb"
"""Folder, in each folder of outputs, for what is not finished; beside the videos, the journal."""


@dataclass(frozen=True)
class Recording:
    """A recorded file, and what is made of it: a video and, if asked for, labels and metadata."""

    source: Path
    video: Path
    labels: Path | None = None
    metadata: Path | None = None

    @property
    def name(self) -> str:
        """What messages and the journal call it: the name of its video, which is the only such."""
        return self.video.name

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All files that are made of it."""
        return tuple(path for path in (self.video, self.labels, self.metadata) if path is not None)


def pieces_folder(output: Path) -> Path:
    """Where the segments of an output lie until it is finished.

    >>> str(pieces_folder(Path("out/drive.mp4")))
    'out/.rtsdb/drive.mp4'
    """
    return output.parent / STATE / output.name


def plan_recordings(
    sources: Sequence[Path], sinks: Sequence[str], labels: str | None, metadata: str | None
) -> list[Recording]:
    """Name the outputs of each source and make their folders.

    sinks, labels, metadata: as --sink, --labels and --metadata gave them; each must be a folder.
    A video stays an .mkv where the source is one, and is an .mp4 otherwise. Raises UsageError for
    anything else than folders, and where two outputs or an output and a source are one file.
    """
    if len(sinks) != 1:
        raise UsageError("--resume: needs one --sink, a folder, such as out/")
    videos = _folder("--sink", sinks[0])
    label_folder = None if labels is None else _folder("--labels", labels)
    metadata_folder = None if metadata is None else _folder("--metadata", metadata)
    recordings = [
        Recording(
            source,
            videos / f"{source.stem}{'.mkv' if source.suffix.lower() == '.mkv' else '.mp4'}",
            label_folder and label_folder / f"{source.stem}.mkv",
            metadata_folder and metadata_folder / f"{source.stem}.jsonl",
        )
        for source in sources
    ]
    _check_names(recordings)
    return recordings


def _folder(option: str, text: str) -> Path:
    if text in ("window", "null") or is_url(text) or not is_folder(text):
        raise UsageError(
            f"{option} {redacted(text)}: with --resume each recording gets a file of its own; give "
            "a folder, such as out/"
        )
    path = Path(text)
    try:
        (path / STATE).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{option} {text}: cannot be written to ({reason(error)}); choose another folder"
        ) from error
    return path


def _check_names(recordings: Sequence[Recording]) -> None:
    made: dict[Path, Path] = {}
    for recording in recordings:
        for output in recording.outputs:
            path = output.resolve()
            if path in made:
                raise UsageError(
                    f"{made[path]} and {recording.source}: both would become {output}; process "
                    "them into folders of their own"
                )
            made[path] = recording.source
    for recording in recordings:
        if recording.source.resolve() in made:
            raise UsageError(
                f"{recording.source}: would be written over; choose another folder than its own"
            )
