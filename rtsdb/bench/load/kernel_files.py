"""Values in /proc and /sys, any of which may be absent, forbidden, or fail to be read for once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ROOT = Path("/")
"""Where /proc and /sys are; tests have their own."""


def read_text(path: Path) -> str | None:
    """Content without surrounding white space; None where it cannot be read.

    >>> read_text(Path("/nowhere")) is None
    True
    """
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None


def read_number(path: Path) -> int | None:
    """Content as a whole number; None where it cannot be read or is something else."""
    try:
        return int(read_text(path) or "")
    except ValueError:
        return None


def read_numbers(paths: Sequence[Path]) -> list[int]:
    """Numbers of those files that have one."""
    return [number for path in paths if (number := read_number(path)) is not None]
