"""Several videos, one after the other, as one source."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from rtsdb.errors import RtsdbError
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources.base import FrameSizeChanged, Source
from rtsdb.video.sources.pts import FALLBACK_RATE
from rtsdb.watchdog import Watchdog

_COARSEST = Fraction(1, 90000)  # time base that takes in the times of files with other ones


class SequenceSource(Source):
    """Plays files in order; each goes on one frame interval after the last frame of the one before.

    Times are in the time base of the first file, divided where that is coarser than 1/90000 s:
    exact for it and for files with the same time base, else rounded to it. Files are opened when
    their turn comes. One of another frame size shows as FrameSizeChanged. After an error in one
    file, `read` goes on with the next.

    open_file: opens one path; the first is opened on construction.
    """

    def __init__(
        self, name: str, paths: Sequence[Path], open_file: Callable[[Path], Source]
    ) -> None:
        self._paths = list(paths)
        self._open_file = open_file
        self.watchdog = self._reads = Watchdog()
        self._opened = 1
        self._source: Source | None = open_file(self._paths[0])
        self._interval = _interval(self._source.info)
        self._begun = False  # whether a frame of the open file was given
        self._last: Stamp | None = None
        self._shift = 0
        self.info = replace(
            self._source.info, name=name, frames=None, files=tuple(map(str, self._paths))
        )

    def read(self, into: Image) -> Stamp | None:
        """Write the next frame into `into` (uint8 [H, W, 3] RGB, maybe a strided view).

        Returns None at the end of the last file. Raises what the files raise, and
        FrameSizeChanged before the first frame of a file with another frame size.
        """
        while self._source is not None or self._open_next():
            assert self._source is not None
            self._check_size(self._source.info)
            try:
                with self._reads.call(gives_result=True):
                    stamp = self._source.read(into)
            except FrameSizeChanged as change:
                self.info = replace(self.info, width=change.info.width, height=change.info.height)
                raise
            except RtsdbError:
                self.close()
                raise
            if stamp is not None:
                return self._place(stamp)
            self.close()
        return None

    def close(self) -> None:
        """Close the file being read; safe to call twice."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def _open_next(self) -> bool:
        """Open the file whose turn it is; False when there is none left."""
        if self._opened == len(self._paths):
            return False
        self._opened += 1
        self._begun = False
        with self._reads.call():
            self._source = self._open_file(self._paths[self._opened - 1])
        return True

    def _check_size(self, given: SourceInfo) -> None:
        before = self.info
        if (given.width, given.height) != (before.width, before.height):
            self.info = replace(before, width=given.width, height=given.height)
            raise FrameSizeChanged(
                f"{given.name}: is {given.width}x{given.height}, the videos before it "
                f"{before.width}x{before.height}; give videos of one size",
                self.info,
            )

    def _place(self, stamp: Stamp) -> Stamp:
        """The file's stamp in the number and time of the whole sequence."""
        last = self._last
        if last is None:
            base = stamp.time_base / max(1, math.ceil(stamp.time_base / _COARSEST))
        else:
            base = last.time_base
        pts = round(stamp.seconds / base)
        if not self._begun and last is not None:
            self._shift = last.pts + max(1, round(self._interval / base)) - pts
        if not self._begun and self._source is not None:
            self._interval = _interval(self._source.info)
        self._begun = True
        pts += self._shift
        if last is not None:
            pts = max(pts, last.pts + 1)
        self._last = Stamp(last.index + 1 if last else 0, pts, base)
        return self._last


def _interval(info: SourceInfo) -> Fraction:
    """Seconds from one frame to the next."""
    return 1 / (info.rate or FALLBACK_RATE)
