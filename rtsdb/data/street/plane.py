"""Projection of flat surfaces: which part is in view, and in which pieces to draw it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log

from rtsdb.data.street.camera import NEAR, Camera

Corner = tuple[float, float]


@dataclass(frozen=True)
class Plane:
    """Projection of a parallelogram: basis @ (a, b, 1) = (u * depth, v * depth, depth)."""

    basis: list[list[float]]

    def depth(self, a: float, b: float) -> float:
        """Depth in metres of a point."""
        along, up, start = self.basis[2]
        return along * a + up * b + start

    def pixel(self, a: float, b: float) -> Corner:
        """Where a point shows."""
        (ua, ub, uc), (va, vb, vc), (da, db, dc) = self.basis
        depth = da * a + db * b + dc
        return (ua * a + ub * b + uc) / depth, (va * a + vb * b + vc) / depth

    def visible(self, camera: Camera, span: Corner) -> list[Corner]:
        """The part of span x 0..1 inside the picture, as a convex polygon in (a, b)."""
        (ua, ub, uc), (va, vb, vc), (da, db, dc) = self.basis
        right, bottom = camera.width + 1.0, camera.height + 1.0
        polygon: list[Corner] = [(span[0], 0.0), (span[1], 0.0), (span[1], 1.0), (span[0], 1.0)]
        for a, b, c in (
            (da, db, dc - NEAR),
            (ua + 2 * da, ub + 2 * db, uc + 2 * dc),
            (right * da - ua, right * db - ub, right * dc - uc),
            (va + 2 * da, vb + 2 * db, vc + 2 * dc),
            (bottom * da - va, bottom * db - vb, bottom * dc - vc),
        ):
            polygon = _clip(polygon, a, b, c)
        return polygon

    def spans(self, first: float, last: float, near: float, far: float) -> list[Corner]:
        """Cut a = first..last into pieces over which the depth, near..far, changes little.

        Each piece is drawn with one mip level and one amount of haze.
        """
        slope, base = self.basis[2][0], self.basis[2][2]
        if abs(slope) * (last - first) < 0.2 * near:
            return [(first, last)]
        pieces = max(1, ceil(log(far / near) / log(1.6)))
        stops = sorted(
            (near * (far / near) ** (i / pieces) - base) / slope for i in range(1, pieces)
        )
        inner = [a for a in stops if first < a < last]
        return list(zip([first, *inner], [*inner, last], strict=True))


def _clip(polygon: list[Corner], a: float, b: float, c: float) -> list[Corner]:
    """The part of a convex polygon where a * x + b * y + c >= 0."""
    kept: list[Corner] = []
    values = [a * x + b * y + c for x, y in polygon]
    if not values or min(values) >= 0:
        return polygon
    for i, (here, value) in enumerate(zip(polygon, values, strict=True)):
        before, earlier = polygon[i - 1], values[i - 1]
        if (value >= 0) != (earlier >= 0):
            t = earlier / (earlier - value)
            kept.append(
                (before[0] + t * (here[0] - before[0]), before[1] + t * (here[1] - before[1]))
            )
        if value >= 0:
            kept.append(here)
    return kept


def reach(pixels: list[Corner], axis: int) -> float:
    """Extent of pixel positions along x (axis 0) or y (1)."""
    return max(pixel[axis] for pixel in pixels) - min(pixel[axis] for pixel in pixels)
