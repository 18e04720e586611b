"""Drawing world things into a picture and its label map at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil, dist, floor, log2

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.data.street.camera import NEAR, Camera, Floats
from rtsdb.data.street.light import Light
from rtsdb.data.street.plane import Corner, Plane, reach
from rtsdb.data.street.texture import Texture
from rtsdb.video.frame import Image, Labels

SHIFT = 4
"""Fractional bits of polygon corners: sixteenths of a pixel."""


@dataclass(frozen=True)
class _Limbs:
    """Limbs ready to be filled: outlines int32 [N, 14, 2], colours as lists, depths [N]."""

    outer: NDArray[np.int32]
    inner: NDArray[np.int32]
    dark: list[list[float]]
    bright: list[list[float]]
    depth: list[float]
    near: list[float]
    thick: list[float]


class Canvas:
    """A picture and its labels under the brush, seen by a camera in a light.

    image: uint8 [H, W, 3] RGB. labels: uint8 [H, W]. What is put on the canvas covers what was
    put there before. `limbs`, `later` and what uses them only take note: `finish` draws the notes
    in their order, because all limbs of a frame are projected at once.
    """

    def __init__(self, image: Image, labels: Labels, camera: Camera, light: Light) -> None:
        self.image = image
        self.labels = labels
        self.camera = camera
        self.light = light
        self._notes: list[Callable[[_Limbs], None]] = []
        self._limbs: list[tuple[Floats, Floats, Floats]] = []
        self._count = 0

    def hazed(self, colour: Floats, depth: float) -> Floats:
        """A lit colour (0..255, [..., 3]) as it looks from that far away."""
        share = self.light.fade(depth)
        faded: Floats = colour * (1.0 - share) + self.light.haze * share
        return faded

    def fill(self, corners: Floats, colour: Floats, label: int | None) -> None:
        """Fill a convex polygon, corners [N, 2] in pixels; label None keeps the labels."""
        points = np.rint(np.clip(corners, -9e3, 9e3) * (1 << SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(self.image, points, colour.tolist(), cv2.LINE_AA, SHIFT)
        if label is not None:
            cv2.fillConvexPoly(self.labels, points, label, cv2.LINE_8, SHIFT)

    def face(self, points: Floats, colour: Floats, label: int | None) -> None:
        """Fill a small convex polygon of world points [N, 3]; skipped when it is too near."""
        corners, depth = self.camera.project(points)
        if depth.min() > NEAR:
            self.fill(corners, self.hazed(colour, float(depth.mean())), label)

    def later(self, draw: Callable[[], None]) -> None:
        """Take note to call draw."""
        self._notes.append(lambda _: draw())

    def limbs(self, ends: Floats, radii: Floats, colours: Floats, label: int) -> None:
        """Take note of a group of round limbs, drawn far to near, brighter towards the sun.

        ends: world points [N, 2, 3]. radii: metres [N, 2]. colours: lit, 0..255 [N, 3]. Nothing
        is drawn of a group of which any end is too near.
        """
        first, self._count = self._count, self._count + len(ends)
        self._limbs.append((ends, radii, colours))
        self._notes.append(partial(self._fill_limbs, range(first, self._count), label))

    def _fill_limbs(self, group: range, label: int, limbs: _Limbs) -> None:
        if min(limbs.near[i] for i in group) <= NEAR:
            return
        for i in sorted(group, key=limbs.depth.__getitem__, reverse=True):
            cv2.fillConvexPoly(self.image, limbs.outer[i], limbs.dark[i], cv2.LINE_AA, SHIFT)
            cv2.fillConvexPoly(self.labels, limbs.outer[i], label, cv2.LINE_8, SHIFT)
            if limbs.thick[i] > 1.3:
                cv2.fillConvexPoly(self.image, limbs.inner[i], limbs.bright[i], cv2.LINE_AA, SHIFT)

    def finish(self) -> None:
        """Draw all that was noted."""
        limbs = self._project_limbs()
        notes, self._notes, self._limbs, self._count = self._notes, [], [], 0
        for draw in notes:
            draw(limbs)

    def _project_limbs(self) -> _Limbs:
        if not self._limbs:
            self._limbs.append((np.ones((1, 2, 3)), np.ones((1, 2)), np.ones((1, 3))))
        ends, radii, colours = (np.concatenate(part) for part in zip(*self._limbs, strict=True))
        corners, flat = self.camera.project(ends.reshape(-1, 3))
        depth, pairs = flat.reshape(-1, 2), corners.reshape(-1, 2, 2)
        thick = radii * self.camera.focal / np.maximum(depth, NEAR)
        middle = depth.mean(axis=1)
        share = np.array([self.light.fade(away) for away in middle.tolist()])[:, None]
        clear, veil = colours * (1.0 - share), self.light.haze * share
        shifted = pairs.copy()
        shifted[..., 0] += thick * (0.32 if self.light.sun[0] > 0 else -0.32)
        return _Limbs(
            outer=_capsules(pairs, thick),
            inner=_capsules(shifted, thick * 0.6),
            dark=(clear * 0.78 + veil).tolist(),
            bright=(clear + veil).tolist(),
            depth=middle.tolist(),
            near=depth.min(axis=1).tolist(),
            thick=thick.max(axis=1).tolist(),
        )

    def rods(self, ends: Floats, radii: Floats, colour: Floats, label: int) -> None:
        """`limbs` of one colour [3]."""
        self.limbs(ends, radii, np.broadcast_to(colour, (len(ends), 3)), label)

    def patch(
        self, texture: Texture, corner: Floats, across: Floats, up: Floats, label: int | None
    ) -> None:
        """Lay a texture on the parallelogram corner + a * across + b * up, a and b in 0..1.

        The texture's left edge is a = 0 and its bottom edge is b = 0. The parallelogram may reach
        behind the camera.
        """
        matrix = self.camera.matrix
        columns = np.stack((across, up, corner), 1)
        basis = matrix[:, :3] @ columns
        basis[:, 2] += matrix[:, 3]
        plane = Plane(basis.tolist())
        seen = plane.visible(self.camera, (0.0, 1.0))
        if len(seen) < 3:
            return
        pixels = [plane.pixel(a, b) for a, b in seen]
        points = np.array([(round(16 * x), round(16 * y)) for x, y in pixels], np.int32)
        if label is not None:
            cv2.fillConvexPoly(self.labels, points, label, cv2.LINE_8, SHIFT)
        depths = [plane.depth(a, b) for a, b in seen]
        near, far = min(depths), max(depths)
        small = min(reach(pixels, 0), reach(pixels, 1)) < 5.0
        if texture.opaque:
            # Shows where the texture is too small to be worth warping, and smooths its edges.
            colour = self.hazed(texture.mean if small else texture.edge, (near + far) / 2)
            cv2.fillConvexPoly(self.image, points, colour.tolist(), cv2.LINE_AA, SHIFT)
            if small:
                return
        spans = plane.spans(min(a for a, _ in seen), max(a for a, _ in seen), near, far)
        for span in spans:
            part = seen if len(spans) == 1 else plane.visible(self.camera, span)
            if len(part) >= 3:
                self._lay(texture, plane, part)

    def _lay(self, texture: Texture, plane: Plane, part: list[Corner]) -> None:
        """Warp the piece of the texture under part (a convex polygon in (a, b)) into place."""
        pixels = [plane.pixel(a, b) for a, b in part]
        left = max(0, floor(min(x for x, _ in pixels)) - 1)
        top = max(0, floor(min(y for _, y in pixels)) - 1)
        right = min(self.camera.width, ceil(max(x for x, _ in pixels)) + 2)
        bottom = min(self.camera.height, ceil(max(y for _, y in pixels)) + 2)
        if right <= left or bottom <= top:
            return
        a0, a1 = min(a for a, _ in part), max(a for a, _ in part)
        b0, b1 = min(b for _, b in part), max(b for _, b in part)
        mid_a, mid_b = (a0 + a1) / 2, (b0 + b1) / 2
        wide = max(0.25, dist(plane.pixel(a0, mid_b), plane.pixel(a1, mid_b)))
        tall = max(0.25, dist(plane.pixel(mid_a, b0), plane.pixel(mid_a, b1)))
        colour, hide = texture.level(
            max(0, round(log2(max(1.0, texture.width * (a1 - a0)) / wide))),
            max(0, round(log2(max(1.0, texture.height * (b1 - b0)) / tall))),
        )
        pad = 1 if hide is None else 0
        height, width = colour.shape[0], colour.shape[1] - 2 * pad
        x0, x1 = max(0, int(a0 * width) + pad - 2), ceil(a1 * width) + pad + 2
        y0, y1 = max(0, int((1 - b1) * height) - 2), ceil((1 - b0) * height) + 2
        # Texel (x, y) of the piece lies at a = (x + ax) / width, b = (by - y) / height.
        ax, by = x0 - pad + 0.5, height - y0 - 0.5
        rows = [
            [a / width, -b / height, a * ax / width + b * by / height + c]
            for a, b, c in plane.basis
        ]
        for row, start in ((0, left), (1, top)):
            rows[row] = [
                value - start * away for value, away in zip(rows[row], rows[2], strict=True)
            ]
        target, share = (
            self.image[top:bottom, left:right],
            self.light.fade(plane.depth(mid_a, mid_b)),
        )
        piece, place, size = colour[y0:y1, x0:x1], np.array(rows), (right - left, bottom - top)
        if hide is None:
            hazy = cv2.convertScaleAbs(piece, alpha=1.0 - share)
            hazy = cv2.add(hazy, np.append(self.light.haze * share, 0.0))
            cv2.warpPerspective(hazy, place, size, dst=target, borderMode=cv2.BORDER_TRANSPARENT)
            return
        over = cv2.warpPerspective(piece, place, size)
        through = cv2.warpPerspective(hide[y0:y1, x0:x1], place, size, borderValue=255)
        self._blend(np.asarray(over, np.uint8), np.asarray(through, np.uint8), target, share)

    def _blend(self, over: Image, through: Labels, target: Image, share: float) -> None:
        """Put a premultiplied picture over target, with that share of haze in it."""
        thick = np.asarray(cv2.cvtColor(through, cv2.COLOR_GRAY2RGB), np.uint8)
        veil = (255 - np.arange(256))[:, None] * (self.light.haze * share / 255)[None]
        tinted = cv2.LUT(thick, np.rint(veil).astype(np.uint8).reshape(256, 1, 3))
        hazy = cv2.addWeighted(over, 1.0 - share, tinted, 1.0, 0.0)
        cv2.multiply(target, thick, dst=target, scale=1 / 255)
        cv2.add(target, hazy, dst=target)

    def sprite(self, texture: Texture, foot: Floats, size: tuple[float, float], label: int) -> None:
        """Stand a cut-out texture upright at a world point, facing the camera.

        foot: its lowest middle point. size: width and height in metres.
        """
        corners, depths = self.camera.project(foot[None])
        depth = float(depths[0])
        if depth <= NEAR:
            return
        scale = self.camera.focal / depth
        wide, tall = size[0] * scale, size[1] * scale
        x, y = float(corners[0, 0]) - wide / 2, float(corners[0, 1]) - tall
        left, top = max(0, int(x) - 1), max(0, int(y) - 1)
        right = min(self.camera.width, ceil(x + wide) + 1)
        bottom = min(self.camera.height, ceil(y + tall) + 1)
        if right <= left or bottom <= top or wide < 0.5:
            return
        shrink = (
            max(0, round(log2(texture.width / wide))),
            max(0, round(log2(texture.height / tall))),
        )
        colour, hide = texture.level(*shrink)
        if hide is None:
            raise ValueError("sprite needs a texture with cover")
        kx, ky = wide / colour.shape[1], tall / colour.shape[0]
        place = np.array([[kx, 0.0, x + kx / 2 - left], [0.0, ky, y + ky / 2 - top]])
        span = (right - left, bottom - top)
        over = np.asarray(cv2.warpAffine(colour, place, span), np.uint8)
        through = np.asarray(cv2.warpAffine(hide, place, span, borderValue=255), np.uint8)
        self._blend(over, through, self.image[top:bottom, left:right], self.light.fade(depth))
        shown = cv2.warpAffine(texture.outline(*shrink), place, span, flags=cv2.INTER_NEAREST)
        self.labels[top:bottom, left:right][np.asarray(shown) > 0] = label


_ARC = np.pi / 2 + np.linspace(0.0, np.pi, 7)


def _capsules(ends: Floats, radii: Floats) -> NDArray[np.int32]:
    """Outlines of tapered capsules with ends [N, 2, 2] and radii [N, 2] in pixels.

    Returns int32 [N, 14, 2] in sixteenths of a pixel.
    """
    along = ends[:, 1] - ends[:, 0]
    arc = np.arctan2(along[:, 1], along[:, 0])[:, None] + _ARC
    outline = np.empty((len(ends), 2, len(_ARC), 2))
    outline[..., 0], outline[..., 1] = np.cos(arc)[:, None], np.sin(arc)[:, None]
    outline *= (radii * (1.0, -1.0))[:, :, None, None]
    outline += ends[:, :, None]
    pixels = np.rint(np.clip(outline, -9e3, 9e3) * (1 << SHIFT)).astype(np.int32)
    return pixels.reshape(len(ends), -1, 2)
