"""How noisy a frame is: the noise model, a blind estimate of it, and its course over time."""

from rtsdb.noise.estimate import estimate_noise
from rtsdb.noise.level import MAX_SIGMA, NoiseLevel, parse_sigma
from rtsdb.noise.tracker import NoiseTracker

__all__ = ["MAX_SIGMA", "NoiseLevel", "NoiseTracker", "estimate_noise", "parse_sigma"]
