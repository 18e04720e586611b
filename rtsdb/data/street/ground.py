"""The ground of a street: road, markings, kerbs and pavements as one repeating texture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.classes import CAMVID
from rtsdb.data.street.camera import NEAR, Floats, clip_near
from rtsdb.data.street.canvas import Canvas
from rtsdb.data.street.light import Light
from rtsdb.data.street.texture import Texture, noise, tint, to_image

ROAD = CAMVID.names.index("road")
PAVEMENT = CAMVID.names.index("pavement")

PERIOD = 24.0
"""Metres along the road after which the ground repeats."""

VIEW = 230.0
"""Metres ahead of the camera up to which the street is drawn."""


@dataclass(frozen=True)
class Section:
    """Cross-section of the street, metres from its middle.

    kerb: where the road ends. wall: where the buildings stand. lane: middle of the own lane,
    on the side that one drives on (positive: right).
    """

    kerb: float
    wall: float
    lane: float


def make_ground(rng: np.random.Generator, section: Section, light: Light, detail: float) -> Texture:
    """Draw the ground from one building line to the other, over one `PERIOD`.

    The texture's x axis runs along the road and its y axis from the left building line (bottom
    row) to the right one. detail: 1 for a picture 2048 wide, less for smaller ones.
    """
    along, aside = 64 * detail, 150 * detail
    width, height = round(PERIOD * along), round(2 * section.wall * aside)
    x = section.wall - (np.arange(height, dtype=np.float32) + 0.5) / aside
    z = (np.arange(width, dtype=np.float32) + 0.5) / along
    lit = light.shade((0.0, 1.0, 0.0))
    picture = _asphalt(rng, height, width, aside, float(rng.uniform(70, 108)))
    _slabs(rng, picture, x, z, section)
    paint = _markings(rng, x, z, section)
    worn = np.clip(0.86 + 0.12 * noise(rng, height, width, 20 * detail + 2, 3), 0.45, 1.0)
    for mask, colour in paint:
        share = (mask * worn)[..., None]
        picture += share * (np.array(colour, np.float32) - picture)
    return Texture(to_image(picture * lit.astype(np.float32)))


def _asphalt(
    rng: np.random.Generator, height: int, width: int, scale: float, grey: float
) -> NDArray[np.float32]:
    field = 1 + 0.05 * noise(rng, height, width, 2.5 * scale, 4)
    grain = rng.standard_normal((height, width), np.float32)
    field += 0.085 * grain + 0.03 * noise(rng, height, width, 5, 2)
    image = tint((grey, grey * 1.005, grey * 1.02), field)
    for _ in range(5):  # repaired patches, tarred seams
        x0, y0 = int(rng.integers(width)), int(rng.integers(height // 4, 3 * height // 4))
        x1, y1 = (
            x0 + int(rng.uniform(0.05, 0.16) * width),
            y0 + int(rng.uniform(0.03, 0.08) * height),
        )
        image[y0:y1, x0:x1] *= rng.uniform(0.82, 1.12)
        edge = max(1, int(scale * 0.008))
        cv2.rectangle(image, (x0, y0), (x1, y1), (grey * 0.72,) * 3, edge)
    for _ in range(7):  # cracks
        steps = rng.normal((0.02 * width, 0.0), (0.01 * width, 0.01 * height), (9, 2))
        walk = np.cumsum(steps, axis=0) + rng.uniform((0, 0.3 * height), (width, 0.7 * height))
        cv2.polylines(image, [np.rint(walk * 16).astype(np.int32)], False, (grey * 0.66,) * 3,
                      max(1, int(scale * 0.008)), cv2.LINE_AA, 4)  # fmt: skip
    return image


def _slabs(
    rng: np.random.Generator,
    picture: NDArray[np.float32],
    x: NDArray[np.float32],
    z: NDArray[np.float32],
    section: Section,
) -> None:
    """Lay both pavements with their kerbstones and gutters over the asphalt."""
    size = float(rng.choice((0.4, 0.6, 0.8)))
    base = np.array((150, 146, 138)) * rng.uniform(0.8, 1.15) * rng.uniform(0.95, 1.05, 3)
    table = rng.uniform(0.88, 1.1, 4096).astype(np.float32)
    rows = np.abs(x) - section.kerb
    row = np.floor(rows / size)
    shift = 0.5 * (row % 2)
    columns = np.floor((z[None, :] / size + shift[:, None]) % (PERIOD / size))
    slabs = table[(row[:, None] * 61 + columns * 7 + (x[:, None] > 0)).astype(int) % 4096]
    joint_x = np.abs((rows / size) % 1 - 0.5) > 0.48
    joint_z = np.abs((z[None, :] / size + shift[:, None]) % 1 - 0.5) > 0.475
    slabs = np.where(joint_x[:, None] | joint_z, 0.72, slabs).astype(np.float32)
    slabs *= 1 + 0.05 * rng.standard_normal((len(x), len(z)), np.float32)
    slabs *= 1 + 0.05 * noise(rng, len(x), len(z), 60 + len(z) / 30, 3)
    flat = rows > 0.32
    picture[flat] = tint(base, slabs[flat])
    kerb = (rows > 0.1) & (rows <= 0.32)
    stones = (np.abs((z / 0.9) % 1 - 0.5) < 0.49).astype(np.float32)
    grain = 1 + 0.05 * rng.standard_normal((int(kerb.sum()), len(z)), np.float32)
    picture[kerb] = tint(base * 1.18, grain * (0.75 + 0.25 * stones))
    picture[(rows > 0.0) & (rows <= 0.1)] *= 0.5
    picture[(rows > -0.35) & (rows <= 0.0)] *= 0.84


def _markings(
    rng: np.random.Generator, x: NDArray[np.float32], z: NDArray[np.float32], section: Section
) -> list[tuple[NDArray[np.float32], tuple[int, int, int]]]:
    """Coverage masks [len(x), len(z)] of the painted lines, with their colours."""
    white, yellow = (222, 222, 216), (212, 172, 60)

    def stripe(middle: float, width: float) -> NDArray[np.float32]:
        soft = np.clip((width / 2 - np.abs(x - middle)) / 0.012 + 0.5, 0, 1)
        return np.asarray(soft, np.float32)

    period, filled = ((6.0, 3.0), (4.0, 2.0), (8.0, 2.5))[int(rng.integers(3))]
    dashes = ((z % period) < filled).astype(np.float32)
    whole = np.ones_like(z)
    centre_dashes = whole if rng.random() < 0.2 else dashes
    centre = yellow if rng.random() < 0.2 else white
    lines = [(np.outer(stripe(0.0, 0.14), centre_dashes), centre)]
    kind = int(rng.integers(3))
    for side in (-1.0, 1.0):
        if kind == 0:
            for offset in (0.45, 0.7):
                lines.append((np.outer(stripe(side * (section.kerb - offset), 0.1), whole), yellow))
        elif kind == 1:
            bay = stripe(side * (section.kerb - 2.15), 0.1)
            short = ((z % 6.0) < 0.12).astype(np.float32)
            reach = (np.abs(x - side * (section.kerb - 1.1)) < 1.05).astype(np.float32)
            lines.append((np.maximum(np.outer(bay, whole), np.outer(reach, short)), white))
        else:
            lines.append((np.outer(stripe(side * (section.kerb - 2.3), 0.1), whole), white))
    return lines


def draw_ground(canvas: Canvas, texture: Texture, section: Section, distance: float) -> None:
    """Draw the ground from the camera to the horizon. distance: metres driven so far."""
    outside = canvas.light.shade((0.0, 1.0, 0.0)) * np.array((96.0, 98.0, 82.0))
    camera = canvas.camera
    row = max(0, min(camera.height, round(camera.horizon)))
    below = (0, row), (camera.width, camera.height)
    cv2.rectangle(canvas.image, *below, canvas.hazed(outside, 60.0).tolist(), -1)
    start = -(distance % PERIOD)
    for place in np.arange(start, VIEW, PERIOD)[::-1]:
        canvas.patch(
            texture,
            np.array([-section.wall, 0.0, place]),
            np.array([0.0, 0.0, PERIOD]),
            np.array([2 * section.wall, 0.0, 0.0]),
            PAVEMENT,
        )
    edge, end = section.kerb, VIEW + PERIOD
    strip = np.array([[-edge, 0, -2.0], [edge, 0, -2.0], [edge, 0, end], [-edge, 0, end]])
    corners, _ = camera.project(clip_near(strip, camera.matrix[2]))
    points = np.rint(np.clip(corners, -3e4, 3e4) * 16).astype(np.int32)
    cv2.fillConvexPoly(canvas.labels, points, ROAD, cv2.LINE_8, 4)


def draw_shadows(canvas: Canvas, shapes: list[Floats]) -> None:
    """Darken the ground inside convex polygons of ground points [N, 3], softly.

    Called before anything that stands on the ground is drawn.
    """
    camera, coarse = canvas.camera, 3
    row = max(0, round(camera.horizon) + 1)
    rows, columns = camera.height - row, camera.width
    if rows <= coarse or not shapes:
        return
    mask = np.zeros((-(-rows // coarse), -(-columns // coarse)), np.uint8)
    corners, depth = camera.project(np.concatenate(shapes))
    stops = np.cumsum([len(shape) for shape in shapes])
    starts = stops - [len(shape) for shape in shapes]
    near, far = np.minimum.reduceat(depth, starts), np.maximum.reduceat(depth, starts)
    left, right = (f.reduceat(corners[:, 0], starts) for f in (np.minimum, np.maximum))
    beside = (near > NEAR) & ((left > columns) | (right < 0))
    pixels = _mask_pixels(corners, row, coarse)
    for i in np.flatnonzero((far > NEAR) & ~beside).tolist():
        points = pixels[starts[i] : stops[i]]
        if near[i] <= NEAR:
            clipped, _ = camera.project(clip_near(shapes[i], camera.matrix[2]))
            points = _mask_pixels(clipped, row, coarse)
        cv2.fillConvexPoly(mask, points, 255, cv2.LINE_AA, 4)
    mask = np.asarray(cv2.blur(mask, (3, 3)))
    shade = cv2.convertScaleAbs(mask, alpha=canvas.light.shadow() - 1, beta=255)
    full = cv2.resize(shade, (columns, rows), interpolation=cv2.INTER_LINEAR)
    target = canvas.image[row:]
    cv2.multiply(target, cv2.cvtColor(full, cv2.COLOR_GRAY2RGB), dst=target, scale=1 / 255)


def _mask_pixels(corners: Floats, row: int, coarse: int) -> NDArray[np.int32]:
    """Picture positions as fixed-point positions in a mask that starts at row."""
    scaled = (corners - (0.0, row)) * (16 / coarse)
    return np.rint(np.clip(scaled, -1e5, 1e5)).astype(np.int32)
