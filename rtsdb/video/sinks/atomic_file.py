"""A long file that gets its name when it is complete, and survives a power cut until then."""

from __future__ import annotations

import contextlib
import logging
import os
from itertools import count
from pathlib import Path
from time import monotonic

from rtsdb.errors import UsageError
from rtsdb.resource import Resource
from rtsdb.video.ffmpeg_errors import reason
from rtsdb.video.frame import SourceInfo

log = logging.getLogger(__name__)

_SYNC_INTERVAL_S = 0.3  # the most that a power cut can take of what `sync` was called for


class AtomicFile(Resource):
    """Written as `NAME.part` and renamed to NAME by `commit`; until then an older NAME stays.

    `close` without `commit` leaves the part as it is, for what can be saved of it. A part that
    an earlier run left is never written over: this one is `NAME.part2` then, and so on.

    It is a file for PyAV too, and a stricter one than FFmpeg's own, which loses the error of the
    last write and takes a partial one for whole.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with AtomicFile(Path(folder) / "a.txt") as file:
    ...         file.write(b"whole")
    ...         during = os.listdir(folder)
    ...         file.commit()
    ...     during, os.listdir(folder)
    5
    (['a.txt.part'], ['a.txt'])
    """

    def __init__(self, path: Path) -> None:
        """Create the part; UsageError where `path` is no place for a file."""
        self.path = path
        self._target = Path(os.path.realpath(path))  # what a link points to, and not the link
        if self._target.exists() and not self._target.is_file():
            raise UsageError(f"{path}: is not a file, and cannot become one; choose another name")
        try:
            if self._target.exists():
                os.close(os.open(self._target, os.O_WRONLY))  # an older one, if it may be written
            self.part, descriptor = _create_part(self._target)
        except OSError as error:
            raise UsageError(
                f"{path}: cannot be written ({reason(error)}); "
                "choose a path in an existing folder that you may write to"
            ) from error
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        self._synced = monotonic()
        self.seek = self._file.seek
        self.tell = self._file.tell
        self.truncate = self._file.truncate

    def write(self, data: bytes) -> int:
        """Write all of `data`, or raise OSError."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        return len(data)

    def sync(self) -> None:
        """Have what was written put on the disk, unless that was done a moment ago."""
        now = monotonic()
        if now - self._synced >= _SYNC_INTERVAL_S:
            self._synced = now
            os.fsync(self._file.fileno())

    def commit(self) -> None:
        """Close the file and give it its name, replacing an older one; OSError if that fails."""
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self.part, self._target)
        sync_folder(self._target.parent)

    def close(self) -> None:
        """Close the file; a part that holds nothing is taken away. Safe to call twice."""
        if not self._file.closed:
            empty = os.fstat(self._file.fileno()).st_size == 0
            self._file.close()
            if empty:
                self.part.unlink(missing_ok=True)


def refuse_input(path: Path, source: SourceInfo) -> None:
    """Raise UsageError if `path` is a file that the source reads."""
    if path.exists() and any(path.samefile(f) for f in source.files if os.path.exists(f)):
        raise UsageError(f"{path}: is the file being read; choose another name")


def _create_part(target: Path) -> tuple[Path, int]:
    """The first free name of a part, and its open file."""
    part = target.with_name(f"{target.name}.part")
    numbers = count(2)
    while part.exists():
        log.warning("%s: kept; it is what a run that was cut off had written", part)
        part = target.with_name(f"{target.name}.part{next(numbers)}")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    sync_folder(target.parent)
    return part, descriptor


def sync_folder(folder: Path) -> None:
    """Have the names in a folder put on the disk, where its file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
