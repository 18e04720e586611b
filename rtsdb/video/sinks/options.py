"""How sinks are opened: what `rtsdb run` takes beside --sink."""

from __future__ import annotations

from dataclasses import dataclass

from rtsdb.classes import CAMVID, ClassSet
from rtsdb.errors import UsageError
from rtsdb.video.sinks.encoder import ENCODERS


@dataclass(frozen=True)
class SinkOptions:
    """Options of all kinds of sinks; those that do not concern a sink do nothing.

    encoder: a key of `ENCODERS`; auto is hardware where that works. classes: of the label maps.
    view: what a window shows at first, one of `rtsdb.video.views.VIEWS`.

    >>> SinkOptions(encoder="gpu")
    Traceback (most recent call last):
    rtsdb.errors.UsageError: --encoder gpu: give auto, x264, nvenc or v4l2m2m
    """

    encoder: str = "auto"
    classes: ClassSet = CAMVID
    view: str = "side-by-side"

    def __post_init__(self) -> None:
        """Raise UsageError, in the words of the command line, for an unknown encoder."""
        if self.encoder not in ENCODERS:
            *most, last = ENCODERS
            raise UsageError(f"--encoder {self.encoder}: give {', '.join(most)} or {last}")
