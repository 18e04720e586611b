"""Time of day and weather of a street: sun, sky colours, haze."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import asin, cos, exp, pi, sin

import numpy as np

from rtsdb.data.street.camera import Floats

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Mood:
    """A kind of weather and hour, from which `make_light` draws a light.

    height: of the sun above the horizon, degrees. direct, ambient: light colours as factors on
    albedo. zenith, horizon, cloud: sky colours 0..255. cover: share of the sky under cloud 0..1.
    reach: metres after which haze takes 63 %. lit: share of the windows with a lamp on 0..1.
    """

    height: float
    direct: RGB
    ambient: RGB
    zenith: RGB
    horizon: RGB
    cloud: RGB
    cover: float
    reach: float
    lit: float


MOODS = (
    Mood(46, (.66, .62, .54), (.60, .64, .69), (58, 112, 190), (186, 208, 228), (250, 250, 250),
         .42, 330, .02),
    Mood(50, (.12, .12, .12), (.80, .82, .84), (150, 160, 172), (205, 210, 214), (226, 228, 230),
         .85, 200, .10),
    Mood(24, (.92, .66, .38), (.48, .49, .56), (84, 124, 178), (244, 206, 158), (255, 226, 190),
         .40, 230, .08),
    Mood(36, (.74, .69, .58), (.54, .59, .66), (74, 138, 212), (200, 222, 238), (255, 255, 252),
         .20, 420, .02),
    Mood(40, (.22, .22, .21), (.76, .76, .75), (178, 183, 188), (214, 215, 214), (228, 228, 226),
         .60, 95, .12),
    Mood(16, (.26, .18, .16), (.33, .35, .43), (38, 54, 98), (176, 140, 132), (136, 112, 126),
         .50, 190, .45),
)  # fmt: skip


@dataclass(frozen=True)
class Light:
    """How the street is lit. sun: unit vector towards the sun; the rest as in `Mood`."""

    sun: Floats
    mood: Mood
    _shades: dict[tuple[float, float, float], Floats] = field(default_factory=dict, init=False)

    def shade(self, normal: tuple[float, float, float]) -> Floats:
        """Factors [3] on the albedo of a surface with that unit normal; not to be written to."""
        if normal not in self._shades:
            facing = max(0.0, float(self.sun @ np.array(normal)))
            ambient = np.array(self.mood.ambient) * (0.88 + 0.12 * normal[1])
            self._shades[normal] = ambient + np.array(self.mood.direct) * facing
        return self._shades[normal]

    def shadow(self) -> float:
        """Factor that turns sunlit ground into ground in shadow."""
        ambient = float(np.mean(self.mood.ambient))
        return ambient / (ambient + float(np.mean(self.mood.direct) * self.sun[1]))

    @cached_property
    def haze(self) -> Floats:
        """Colour [3], 0..255, that distant things fade into."""
        sky: Floats = 0.8 * np.array(self.mood.horizon) + 0.2 * np.array(self.mood.zenith)
        return sky

    def fade(self, depth: float) -> float:
        """Share 0..1 of haze in the colour of a thing at that depth in metres."""
        clear = exp(-max(depth, 0.0) / self.mood.reach)
        # All is haze where the drawn street ends, so that nothing appears there at once.
        end = min(1.0, max(0.0, (depth - 120.0) / 110.0))
        return 1.0 - clear * (1.0 - end * end)


def make_light(rng: np.random.Generator, seed: int) -> Light:
    """The light of a street: neighbouring seeds get different moods, each slightly varied."""
    mood = MOODS[seed % len(MOODS)]
    height = mood.height * pi / 180 * rng.uniform(0.85, 1.15)
    side = rng.choice((-1.0, 1.0))
    # Mostly from behind the camera or the side: a sun in the picture would need glare.
    turn = rng.uniform(0.15, 0.75) * pi
    sun = np.array([side * sin(turn) * cos(height), sin(height), -cos(turn) * cos(height)])
    warmth, level = rng.uniform(-0.05, 0.05), rng.uniform(0.94, 1.06)
    tint = level * np.array([1 + warmth, 1.0, 1 - warmth])
    varied = Mood(
        height=asin(sun[1]) * 180 / pi,
        direct=_times(mood.direct, tint),
        ambient=_times(mood.ambient, tint),
        zenith=_times(mood.zenith, tint),
        horizon=mood.horizon,
        cloud=mood.cloud,
        cover=float(np.clip(mood.cover + rng.uniform(-0.12, 0.12), 0.05, 0.95)),
        reach=mood.reach * rng.uniform(0.8, 1.25),
        lit=mood.lit,
    )
    return Light(sun=sun, mood=varied)


def _times(colour: RGB, factor: Floats) -> RGB:
    red, green, blue = (min(255.0, c * f) for c, f in zip(colour, factor, strict=True))
    return (float(red), float(green), float(blue))
