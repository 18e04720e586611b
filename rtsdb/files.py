"""Files that commands write: refused before the work begins, and never left half written."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rtsdb.errors import RtsdbError, UsageError


def check_writable(path: Path, option: str) -> None:
    """Raise UsageError, naming the option that gave `path`, if no file can be written there.

    >>> check_writable(Path("/nowhere/r.json"), "--report")
    Traceback (most recent call last):
    rtsdb.errors.UsageError: --report /nowhere/r.json: cannot be written; give a file in a \
writable folder
    """
    folder = path.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK) or path.is_dir():
        raise UsageError(f"{option} {path}: cannot be written; give a file in a writable folder")


def write_text(text: str, path: Path) -> None:
    """Write a text file in one piece or not at all."""
    write_bytes(text.encode(), path)


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file in one piece or not at all, and leave nothing else behind."""
    write_together({path: content})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: each in one piece, and none before all are complete.

    Raises RtsdbError, naming the file, where one cannot be written.
    """
    partials = {path: path.with_name(path.name + ".part") for path in contents}
    try:
        for path, content in contents.items():
            with _named(path):
                partials[path].write_bytes(content)
        for path, partial in partials.items():
            with _named(path):
                os.replace(partial, path)
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RtsdbError(f"{path}: cannot be written: {error.strerror or error}") from error


def json_number(value: float) -> float | None:
    """The value, or None for infinity and nan, which JSON does not know."""
    return value if math.isfinite(value) else None
