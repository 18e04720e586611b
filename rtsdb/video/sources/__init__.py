"""Sources of frames; `open_source` opens any of them."""

from rtsdb.video.sources.open import SOURCE_FORMS, open_source

__all__ = ["SOURCE_FORMS", "open_source"]
