"""Sinks of finished frames; `open_sink` names any of them, `FanOut` feeds several at once."""

from rtsdb.video.sinks.fan_out import FanOut, Outcome
from rtsdb.video.sinks.open import SINK_FORMS, open_labels, open_metadata, open_sink
from rtsdb.video.sinks.options import SinkOptions

__all__ = [
    "SINK_FORMS",
    "FanOut",
    "Outcome",
    "SinkOptions",
    "open_labels",
    "open_metadata",
    "open_sink",
]
