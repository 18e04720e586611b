"""Files that commands write: refused before the work begins, and never left half written."""

from __future__ import annotations

import math
import os
from pathlib import Path

from rtsdb.errors import UsageError


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
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def json_number(value: float) -> float | None:
    """The value, or None for infinity and nan, which JSON does not know."""
    return value if math.isfinite(value) else None
