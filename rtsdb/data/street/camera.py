"""The camera of the drive: where it is at a time, and how it projects the world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Points, vectors, matrices: float64."""

NEAR = 0.8
"""Depth in metres in front of which nothing is drawn."""


@dataclass(frozen=True)
class Camera:
    """A pinhole that stands at world z = 0, at (x, y) metres, and looks along +z.

    World axes: x right, y up, z forward, metres. width, height, focal, horizon in pixels; yaw in
    radians, positive to the right. The camera never rolls and shifts its horizon instead of
    pitching, so verticals stay vertical in the picture.

    >>> cam = Camera(width=200, height=100, focal=100.0, horizon=50.0, x=0.0, y=1.3, yaw=0.0)
    >>> uv, depth = cam.project(np.array([[0.0, 1.3, 10.0]]))
    >>> uv.tolist(), depth.tolist()
    ([[99.5, 50.0]], [10.0])
    """

    width: int
    height: int
    focal: float
    horizon: float
    x: float
    y: float
    yaw: float

    @cached_property
    def matrix(self) -> Floats:
        """Projection matrix, float64 [3, 4]: world point to (u * depth, v * depth, depth)."""
        c, s, mid = cos(self.yaw), sin(self.yaw), (self.width - 1) / 2
        depth = np.array([s, 0.0, c, -s * self.x])
        right = np.array([c, 0.0, -s, -c * self.x])
        down = np.array([0.0, -1.0, 0.0, self.y])
        return np.stack(
            (self.focal * right + mid * depth, self.focal * down + self.horizon * depth, depth)
        )

    def sees(self, x: float, z: float, reach: float) -> bool:
        """Whether something within reach metres of the ground point (x, z) may be in view."""
        c, s = cos(self.yaw), sin(self.yaw)
        right, depth = c * (x - self.x) - s * z, s * (x - self.x) + c * z
        # The picture's sides lean out by this much per metre of depth.
        lean = self.width / (2 * self.focal)
        return depth > -reach and abs(right) < lean * depth + reach * (1 + lean)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Pixel positions [N, 2] and depths [N] of world points [N, 3].

        Positions are meaningless where the depth is below `NEAR`.
        """
        matrix = self.matrix
        found = points @ matrix[:, :3].T + matrix[:, 3]
        depth = found[:, 2]
        return found[:, :2] / np.maximum(depth, 1e-3)[:, None], depth


def clip_near(polygon: Floats, plane: Floats) -> Floats:
    """The part [M, 3] of a convex polygon [N, 3] deeper than `NEAR`.

    plane: the last row of the camera's matrix, which gives the depth.
    """
    depth = polygon @ plane[:3] + plane[3] - NEAR
    kept: list[Floats] = []
    for i in range(len(polygon)):
        if (depth[i] >= 0) != (depth[i - 1] >= 0):
            t = depth[i - 1] / (depth[i - 1] - depth[i])
            kept.append(polygon[i - 1] + t * (polygon[i] - polygon[i - 1]))
        if depth[i] >= 0:
            kept.append(polygon[i])
    return np.array(kept).reshape(-1, 3)


@dataclass(frozen=True)
class Drive:
    """The path of the camera: steady speed, gentle sway.

    speed: m/s. lane: x of the lane's middle in metres. phase: radians, sets the sway.
    """

    speed: float
    lane: float
    phase: float

    def distance(self, seconds: float) -> float:
        """Metres driven after that time, never falling."""
        return self.speed * (seconds + 0.6 * sin(0.5 * seconds + self.phase))

    def camera(self, seconds: float, width: int, height: int) -> Camera:
        """The camera at that time for a picture of width x height pixels."""
        sway = 0.31 * seconds + self.phase
        focal = 0.76 * max(width, 4 * height / 3)
        bounce = 0.0016 * sin(2 * pi * 0.9 * seconds) + 0.0010 * sin(2 * pi * 1.7 * seconds + 1)
        return Camera(
            width=width,
            height=height,
            focal=focal,
            horizon=(height - 1) * 0.5 + focal * bounce,
            x=self.lane + 0.25 * sin(sway),
            y=1.35,
            yaw=0.035 * sin(sway + 1.2) + 0.012 * sin(2.3 * sway),
        )
