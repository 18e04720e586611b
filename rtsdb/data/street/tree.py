"""Trees: leafy crowns as cut-out textures on drawn trunks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from rtsdb.classes import CAMVID
from rtsdb.data.street.camera import Floats
from rtsdb.data.street.canvas import Canvas
from rtsdb.data.street.light import Light
from rtsdb.data.street.texture import Texture, noise, tint, to_image

TREE = CAMVID.names.index("tree")

LEAVES = ((74, 104, 44), (92, 116, 48), (58, 90, 46), (124, 118, 46), (150, 96, 40))


OCTAGON = np.stack((np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)), 1)


@dataclass(frozen=True)
class Crown:
    """A crown's texture, and outlines of its light-tight parts for the shadow.

    blobs: (x, y, radius) in crown sizes, x in -0.5..0.5, y in 0..1 from the bottom.
    """

    texture: Texture
    blobs: tuple[tuple[float, float, float], ...]


def make_crown(rng: np.random.Generator, light: Light, size: int) -> Crown:
    """Grow one crown from clusters of leaves. size: of its texture in pixels."""
    base = np.array(LEAVES[int(rng.integers(len(LEAVES)))]) * rng.uniform(0.85, 1.15)
    count = 46
    turn, radius = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.uniform(0, 1, count)) * 0.34
    lumps = np.stack(
        (
            0.5 + radius * np.cos(turn) * 1.05,
            0.5 + radius * np.sin(turn),
            rng.uniform(-0.3, 0.3, count),
            rng.uniform(0.07, 0.14, count),
        ),
        1,
    )
    lumps = lumps[np.argsort(-lumps[:, 2])]
    painted = np.zeros((size, size, 4), np.uint8)
    leaf = max(0.0042, 0.8 / size) * size
    density = min(1.0, size / 320)
    for x, y, z, r in lumps:
        number = max(12, int(190 * density * (r / 0.1) ** 2))
        # Leaves sit on the lump's front half-sphere; their normals take the light.
        normal = rng.standard_normal((number, 3))
        normal[:, 2] = -np.abs(normal[:, 2])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        outward = normal + 1.2 * np.array([x - 0.5, 0.45 - y, z])
        facing = np.clip(outward @ light.sun / 1.4, 0, 1)
        depth = np.clip(0.55 + 0.45 * (0.62 - y) - 0.5 * z, 0.3, 1.0)
        strength = np.array(light.mood.ambient)[None] * depth + np.outer(
            facing, np.array(light.mood.direct)
        )
        hue = rng.uniform(0.8, 1.25, (number, 1)) * rng.uniform(0.92, 1.08, (number, 3))
        paint = np.full((number, 4), 255.0)
        paint[:, :3] = np.clip(base * hue * strength, 1, 255)
        order = np.argsort(facing + 0.3 * rng.random(number))
        places = np.stack((x + r * normal[:, 0], y - r * normal[:, 1]), 1)[order] * size
        angle = rng.uniform(0, 2 * np.pi, number)
        tip = (
            np.stack((np.cos(angle), np.sin(angle)), 1) * leaf * rng.uniform(1.2, 2.6, (number, 1))
        )
        edge = np.stack((-tip[:, 1], tip[:, 0]), 1) * rng.uniform(0.4, 0.7, (number, 1))
        rhombs = places[:, None] + np.stack((tip, edge, -tip, -edge), 1)
        for rhomb, shade in zip(
            np.rint(rhombs * 16).astype(np.int32), paint[order].tolist(), strict=True
        ):
            cv2.fillConvexPoly(painted, rhomb, shade, cv2.LINE_8, 4)
    colour, cover = np.ascontiguousarray(painted[..., :3]), painted[..., 3]
    if size >= 128:  # soften the leaf edges by a hair
        cover = np.asarray(cv2.GaussianBlur(cover, (3, 3), 0.6), np.uint8)
        bleed = np.asarray(cv2.dilate(colour, np.ones((3, 3), np.uint8)), np.uint8)
        colour = np.where(painted[..., 3:] > 0, colour, bleed)
    blobs = tuple((float(x - 0.5), float(1 - y), float(r)) for x, y, _, r in lumps[::2])
    return Crown(Texture(colour, cover), blobs)


def make_hedge(rng: np.random.Generator, light: Light, facing: float, scale: float) -> Texture:
    """Clipped hedge 6 m long and 1.5 m tall. scale: pixels per metre."""
    rows, columns = max(8, round(1.5 * scale)), max(16, round(6 * scale))
    field = 0.85 + 0.2 * noise(rng, rows, columns, 0.5 * scale + 2, 4)
    field += 0.22 * noise(rng, rows, columns, 0.06 * scale + 1, 2)
    field *= np.linspace(1.2, 0.55, rows, dtype=np.float32)[:, None]
    lit = light.shade((facing * 0.8, 0.6, 0.0))
    return Texture(to_image(tint(np.array((66, 92, 42)) * lit, field)))


def draw_tree(canvas: Canvas, crown: Crown, foot: Floats, height: float, sway: float) -> None:
    """A tree at a ground point, height in metres. sway: sideways shift of the crown in metres."""
    bark = canvas.light.shade((0.0, 0.2, -0.98)) * np.array((98.0, 82.0, 66.0))
    thick = 0.021 * height
    fork = foot + np.array([0.0, 0.42 * height, 0.0])
    trunk, radii = np.stack((foot, fork))[None], np.array([[1.25, 0.8]]) * thick
    if canvas.camera.focal * height > 60 * foot[2]:
        reach = np.array([[-0.16, 0.68, 0.0], [0.15, 0.7, 0.0], [0.02, 0.8, 0.0]]) * height
        tips = foot + reach + np.array([sway, 0.0, 0.0])
        branches = np.stack((np.broadcast_to(fork, tips.shape), tips), 1)
        canvas.rods(branches, np.full((3, 2), (0.6 * thick, 0.25 * thick)), bark * 0.8, TREE)
    canvas.rods(trunk, radii, bark, TREE)
    low = foot + np.array([sway, 0.26 * height, 0.0])
    size = (0.76 * height, 0.76 * height)
    canvas.later(partial(canvas.sprite, crown.texture, low, size, TREE))


def tree_shadow(crown: Crown, foot: Floats, height: float, sun: Floats) -> Floats:
    """Dapples [N, 8, 3] on the ground where the crown keeps the sun off."""
    drop = sun[[0, 2]] / sun[1]
    x, y, radius = np.array(crown.blobs).T
    # A blob stands for a ball somewhere in the round crown: spread the picture's x over z.
    up = (0.26 + 0.76 * y) * height
    across = np.stack((x, x * np.cos(9 * y)), 1) * 0.76 * height
    centre = foot[[0, 2]] + across - up[:, None] * drop
    size = (0.84 * height * radius)[:, None]
    rings = np.zeros((len(x), 8, 3))
    rings[..., 0] = centre[:, :1] + size * OCTAGON[:, 0]
    rings[..., 2] = centre[:, 1:] + size * OCTAGON[:, 1] * (1 + abs(drop[1]))
    return rings
