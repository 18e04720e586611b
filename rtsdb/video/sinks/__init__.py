"""Sinks of finished frames; `open_sink` names any of them."""

from rtsdb.video.sinks.open import SINK_FORMS, open_sink

__all__ = ["SINK_FORMS", "open_sink"]
