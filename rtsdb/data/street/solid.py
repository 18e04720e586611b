"""Solids made of flat polygons, drawn face by face."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from rtsdb.data.street.camera import NEAR, Floats, clip_near
from rtsdb.data.street.canvas import SHIFT, Canvas


@dataclass(frozen=True)
class Solid:
    """Convex polygons in painting order, world axes, the origin on the ground.

    points: all corners [N, 3]; ends: where each polygon's corners end. planes [M, 4]: outward
    normal and offset; a polygon shows to eyes in front of its plane. paints [M, 3, 3]: what of the
    colour goes with the paint, what is its own, and what glowing lamps add. fine, labelled:
    bool [M].
    """

    points: Floats
    ends: tuple[int, ...]
    planes: Floats
    paints: Floats
    fine: tuple[bool, ...]
    labelled: tuple[bool, ...]

    def colours(self, paint: Floats, glow: float) -> Floats:
        """Lit colours [M, 3], 0..255, under a paint [3] and with lamps on (1) or off (0)."""
        mixed = self.paints[:, 0] * paint + self.paints[:, 1] + self.paints[:, 2] * glow
        return np.asarray(np.minimum(mixed, 255.0))


PAINT = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
"""The colour of a part that is painted, a row of `Solid.paints`."""


def plain(red: float, green: float, blue: float) -> Floats:
    """The colour of a part that is not painted, a row of `Solid.paints`."""
    return np.array([[0.0, 0.0, 0.0], [red, green, blue], [0.0, 0.0, 0.0]])


def glowing(red: float, green: float, blue: float) -> Floats:
    """What a lamp adds when it is on, a row of `Solid.paints`."""
    return np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [red, green, blue]])


@dataclass
class Builder:
    """Collects polygons given in the solid's own axes: along, up, aside (x).

    ahead: 1 when along is the world's +z, -1 when it is -z.
    """

    ahead: float
    points: list[Floats] = field(default_factory=list)
    planes: list[Floats] = field(default_factory=list)
    paints: list[Floats] = field(default_factory=list)
    fine: list[bool] = field(default_factory=list)
    labelled: list[bool] = field(default_factory=list)

    def add(
        self, points: Floats, outward: Floats, paint: Floats, *, fine: bool = False,
        label: bool = False,
    ) -> None:  # fmt: skip
        """A polygon [N, 3] that shows from the side outward (a normal) points to.

        paint: [3, 3], see `Solid.paints`.
        """
        flip = np.array([1.0, 1.0, self.ahead])
        world, normal = points[:, [2, 1, 0]] * flip, outward[[2, 1, 0]] * flip
        self.points.append(world)
        self.planes.append(np.append(normal, normal @ world[0]))
        self.paints.append(paint)
        self.fine.append(fine)
        self.labelled.append(label)

    def solid(self) -> Solid:
        """All of them."""
        ends = np.cumsum([len(points) for points in self.points]).tolist()
        return Solid(
            np.concatenate(self.points), tuple(ends), np.array(self.planes),
            np.array(self.paints), tuple(self.fine), tuple(self.labelled),
        )  # fmt: skip


def draw_solid(canvas: Canvas, solid: Solid, paint: Floats, foot: Floats, label: int) -> None:
    """Draw the faces turned to the camera of a solid whose origin stands at foot.

    paint: what `Solid.colours` gave.
    """
    camera, world = canvas.camera, solid.points + foot
    corners, depth = camera.project(world)
    if depth.max() <= NEAR:
        return
    away, crossing = float(depth.mean()), bool(depth.min() <= NEAR)
    eye = np.array([camera.x, camera.y, 0.0]) - foot
    shown = (solid.planes[:, :3] @ eye > solid.planes[:, 3]).tolist()
    detail = camera.focal > 14.0 * away
    colours = canvas.hazed(paint, away).tolist()
    pixels = np.rint(np.clip(corners, -9e3, 9e3) * (1 << SHIFT)).astype(np.int32)
    start = 0
    for i, end in enumerate(solid.ends):
        if shown[i] and (detail or not solid.fine[i]):
            part = pixels[start:end]
            if crossing:
                clipped, _ = camera.project(clip_near(world[start:end], camera.matrix[2]))
                part = np.rint(np.clip(clipped, -9e3, 9e3) * (1 << SHIFT)).astype(np.int32)
            if len(part):
                cv2.fillConvexPoly(canvas.image, part, colours[i], cv2.LINE_AA, SHIFT)
                if solid.labelled[i]:
                    cv2.fillConvexPoly(canvas.labels, part, label, cv2.LINE_8, SHIFT)
        start = end
