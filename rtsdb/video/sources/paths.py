"""The image and video files that a name on the command line stands for."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from pathlib import Path

from rtsdb.errors import UsageError
from rtsdb.video.sources.images import IMAGE_SUFFIXES

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg"}
    | {".flv", ".wmv", ".asf", ".3gp", ".ogv", ".mxf", ".mjpeg", ".h264", ".h265", ".hevc", ".y4m"}
)
"""Endings that count as videos in folders and patterns; a file given by name may have any."""

LIST_SUFFIX = ".txt"
"""Ending of a list of files."""


def is_image(path: Path) -> bool:
    """Whether the file's name is that of an image.

    >>> is_image(Path("frame.PNG")), is_image(Path("drive.mp4"))
    (True, False)
    """
    return path.suffix.lower() in IMAGE_SUFFIXES


def files_named(text: str) -> list[Path]:
    """The files, at least one, that `text` stands for, in the order they are shown.

    text: a file; a list of files; a folder (not the folders in it) or a pattern, whose images
    and videos come in natural order. Raises UsageError when there are no such files.
    """
    path = Path(text)
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        return _in_list(path) if path.suffix.lower() == LIST_SUFFIX else [path]
    return _matching(text)


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """The paths sorted by name, numbers within names in order of value.

    >>> [str(p) for p in natural_order([Path("f_10.png"), Path("f_2.png"), Path("a/f_11.png")])]
    ['a/f_11.png', 'f_2.png', 'f_10.png']
    """
    return sorted(paths, key=_natural_key)


def _in_folder(folder: Path) -> list[Path]:
    try:
        inside = list(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder}: cannot be listed ({error.strerror})") from error
    files = _to_show(inside)
    if not files:
        what = f"among its {len(inside)} entries" if inside else "it is empty"
        endings = ", ".join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))
        raise UsageError(f"{folder}: no images or videos in it ({what}); looked for {endings}")
    return files


def _matching(pattern: str) -> list[Path]:
    found = glob.glob(pattern, recursive=True)
    files = _to_show(map(Path, found))
    if not files:
        what = f"matches {len(found)} files but no image or video" if found else "matches nothing"
        raise UsageError(
            f"{pattern}: {what}; the pattern must match images or videos, as in 'frames/*.png'"
        )
    return files


def _in_list(path: Path) -> list[Path]:
    """The files named in a list, one a line, relative to the list's own folder."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a list of files ({error})") from error
    files = []
    for number, line in enumerate(lines, start=1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        file = path.parent / name
        if not file.is_file():
            raise UsageError(f"{path}: line {number}: {file}: no such file")
        files.append(file)
    if not files:
        raise UsageError(f"{path}: names no file; write one path to a line")
    return files


def _to_show(paths: Iterable[Path]) -> list[Path]:
    endings = IMAGE_SUFFIXES | VIDEO_SUFFIXES
    return natural_order(p for p in paths if p.suffix.lower() in endings and p.name[0] != ".")


def _natural_key(path: Path) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", str(path))
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
