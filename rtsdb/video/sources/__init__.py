"""Sources of frames; `open_source` opens any of them."""

from rtsdb.video.sources.base import FrameSizeChanged, SourceEvents
from rtsdb.video.sources.open import SOURCE_FORMS, open_source
from rtsdb.video.sources.options import SourceOptions

__all__ = ["SOURCE_FORMS", "FrameSizeChanged", "SourceEvents", "SourceOptions", "open_source"]
