"""Noise put on clean frames: white, signal-dependent, of cameras, and what codecs leave of it."""

from rtsdb.data.noise_models.camera import CameraNoise, draw_camera_noise
from rtsdb.data.noise_models.coded import CodedNoise
from rtsdb.data.noise_models.gaussian import GaussianNoise
from rtsdb.data.noise_models.model import NoiseModel
from rtsdb.data.noise_models.parse import NOISE_FORMS, parse_noise_model
from rtsdb.data.noise_models.simulator import NoiseSimulator

__all__ = [
    "NOISE_FORMS",
    "CameraNoise",
    "CodedNoise",
    "GaussianNoise",
    "NoiseModel",
    "NoiseSimulator",
    "draw_camera_noise",
    "parse_noise_model",
]
