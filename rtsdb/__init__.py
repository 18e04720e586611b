"""rtsdb: denoise and semantically segment driving and low-light video in real time."""

from rtsdb.engine import load_engine
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.noise import NoiseLevel

__all__ = ["NoiseLevel", "RtsdbError", "UsageError", "load_engine"]
