"""The measured noise of five cameras.

The figures are the calibration published with Wei et al., "A Physics-based Noise Formation Model
for Extreme Low-light Raw Denoising", CVPR 2020 (github.com/Vandermode/ELD, camera_params, the
profile its code uses), from flat and dark frames. They are in the units of a 14-bit raw file
("DN"), in which each camera's noise grows with its gain as a straight line in logarithms.

The files give the least and greatest system gain of the calibration. In all five the quotient is
64, that of ISO 6400 and ISO 100; gain is proportional to ISO, and the electrons that then fill
the scale at ISO 100 (35 000 to 166 000) are what such sensors hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_ISO, MAX_ISO = 100, 6400
"""Range of the calibration."""

WHITE = 16383 - 800
"""Raw value in DN, above black, at which the sensor is full; the calibration's code has it so."""


@dataclass(frozen=True)
class LogLine:
    """sigma = exp(slope * ln K + bias): a standard deviation in DN at a gain of K DN/electron."""

    slope: float
    bias: float

    def at(self, gain: float) -> float:
        """Standard deviation in DN."""
        return math.exp(self.slope * math.log(gain) + self.bias)


@dataclass(frozen=True)
class Sensor:
    """One camera's sensor.

    gain_100: system gain in DN per electron at ISO 100. read, row: standard deviation of the
    noise of each pixel and of each whole row.

    >>> round(SENSORS["nikon-d850"].gain(3200), 1)
    13.3
    """

    gain_100: float
    read: LogLine
    row: LogLine

    def gain(self, iso: float) -> float:
        """System gain in DN per electron."""
        return self.gain_100 * iso / 100


SENSORS = {
    "canon-eos5d4": Sensor(0.2182, LogLine(0.6771, 1.5122), LogLine(0.4713, -0.8079)),
    "canon-eos70d": Sensor(0.4075, LogLine(0.5681, 1.9983), LogLine(0.7292, -0.9371)),
    "canon-eos700d": Sensor(0.4476, LogLine(0.6525, 2.0799), LogLine(0.6221, -0.7756)),
    "nikon-d850": Sensor(0.4150, LogLine(0.5635, 0.7994), LogLine(0.4483, -1.7977)),
    "sony-a7s2": Sensor(0.0939, LogLine(0.5407, 1.2182), LogLine(0.5275, -0.5917)),
}
"""By name."""
