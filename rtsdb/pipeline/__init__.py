"""A frame's way from source to engine to sink, and what it costs."""
