"""Street furniture: lamp posts, signs, traffic lights, bollards and fences."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.classes import CAMVID
from rtsdb.data.street.camera import Floats
from rtsdb.data.street.canvas import Canvas
from rtsdb.data.street.light import Light
from rtsdb.data.street.texture import Texture, noise, tint, to_image

POLE = CAMVID.names.index("pole")
SIGN = CAMVID.names.index("sign")
FENCE = CAMVID.names.index("fence")

RED, BLUE, WHITE, BLACK = (196, 28, 36), (28, 74, 160), (238, 238, 234), (24, 24, 26)
YELLOW = (240, 196, 40)


def make_signs(light: Light, size: int) -> list[Texture]:
    """Traffic signs and a traffic light as cut-outs, size x size pixels, 0.8 m across."""
    shade = light.shade((0.0, 0.0, -1.0)) * 0.75 + 0.25
    drawn = (_limit, _warning, _keep_right, _parking, _stop, _no_entry, _lights)
    signs = []
    for draw in drawn:
        # Drawn large and shrunk: cv2's own anti-aliasing is poor on small thick shapes.
        colour, cover = np.zeros((256, 256, 3), np.uint8), np.zeros((256, 256), np.uint8)
        draw(colour, cover)
        lit = np.clip(colour * shade, 0, 255).astype(np.uint8)
        small = cv2.resize(lit, (size, size), interpolation=cv2.INTER_AREA)
        mask = cv2.resize(cover, (size, size), interpolation=cv2.INTER_AREA)
        signs.append(Texture(np.asarray(small, np.uint8), np.asarray(mask, np.uint8)))
    return signs


def _disc(colour: NDArray[np.uint8], cover: NDArray[np.uint8], paint: tuple[int, int, int]) -> None:
    cv2.circle(cover, (128, 128), 124, 255, -1)
    cv2.circle(colour, (128, 128), 127, paint, -1)


def _limit(colour: NDArray[np.uint8], cover: NDArray[np.uint8]) -> None:
    _disc(colour, cover, RED)
    cv2.circle(colour, (128, 128), 96, WHITE, -1)
    cv2.putText(colour, "30", (52, 168), cv2.FONT_HERSHEY_DUPLEX, 3.8, BLACK, 16)


def _warning(colour: NDArray[np.uint8], cover: NDArray[np.uint8]) -> None:
    outer = np.array([[128, 14], [250, 228], [6, 228]], np.int32)
    inner = np.array([[128, 68], [202, 200], [54, 200]], np.int32)
    cv2.fillConvexPoly(cover, outer, 255)
    colour[:] = RED
    cv2.fillConvexPoly(colour, inner, WHITE)
    cv2.line(colour, (128, 110), (128, 160), BLACK, 16)
    cv2.circle(colour, (128, 184), 9, BLACK, -1)


def _keep_right(colour: NDArray[np.uint8], cover: NDArray[np.uint8]) -> None:
    _disc(colour, cover, BLUE)
    cv2.circle(colour, (128, 128), 116, WHITE, 6)
    cv2.arrowedLine(colour, (80, 80), (180, 180), WHITE, 24, tipLength=0.45)


def _parking(colour: NDArray[np.uint8], cover: NDArray[np.uint8]) -> None:
    cover[14:242, 14:242] = 255
    colour[:] = BLUE
    cv2.rectangle(colour, (24, 24), (231, 231), WHITE, 7)
    cv2.putText(colour, "P", (66, 196), cv2.FONT_HERSHEY_DUPLEX, 6.0, WHITE, 24)


def _stop(colour: NDArray[np.uint8], cover: NDArray[np.uint8]) -> None:
    turn = np.pi / 8 + np.arange(8) * np.pi / 4
    ring = np.stack((np.cos(turn), np.sin(turn)), 1)
    cv2.fillConvexPoly(cover, np.rint(128 + 126 * ring).astype(np.int32), 255)
    colour[:] = WHITE
    cv2.fillConvexPoly(colour, np.rint(128 + 114 * ring).astype(np.int32), RED)
    cv2.putText(colour, "STOP", (30, 154), cv2.FONT_HERSHEY_DUPLEX, 2.5, WHITE, 12)


def _no_entry(colour: NDArray[np.uint8], cover: NDArray[np.uint8]) -> None:
    _disc(colour, cover, RED)
    cv2.rectangle(colour, (46, 106), (210, 150), WHITE, -1)


def _lights(colour: NDArray[np.uint8], cover: NDArray[np.uint8]) -> None:
    cover[2:254, 76:180] = 255
    colour[:] = (30, 32, 32)
    cv2.rectangle(colour, (78, 4), (177, 251), (86, 88, 88), 5)
    for row, paint in ((46, (250, 50, 40)), (128, (70, 52, 16)), (210, (14, 58, 34))):
        cv2.circle(colour, (128, row), 33, (10, 10, 10), -1)
        cv2.circle(colour, (128, row + 2), 28, paint, -1)


def make_fence(
    rng: np.random.Generator, light: Light, facing: float, scale: float, kind: str
) -> Texture:
    """Fence 6 m long: "railing" (1.2 m tall), "planks" (1.7 m) or "guard" (1.05 m)."""
    lit = light.shade((facing, 0.0, 0.0))
    tall = {"railing": 1.2, "planks": 1.7, "guard": 1.05}[kind]
    rows, columns = max(12, round(tall * scale)), max(24, round(6 * scale))
    x = np.arange(columns) / scale
    y = tall - np.arange(rows) / scale
    if kind == "planks":
        plank = np.floor(x / 0.14).astype(int)
        tone = rng.uniform(0.78, 1.1, 64).astype(np.float32)[plank % 64]
        field = np.tile(tone, (rows, 1)) * (1 + 0.06 * noise(rng, rows, columns, 6, 2))
        field[:, (x / 0.14) % 1 < 0.08] *= 0.45
        wood = np.array((142, 108, 76)) * rng.uniform(0.7, 1.15)
        return Texture(to_image(tint(wood * lit, field)))
    pitch, post = (0.13, 2.0) if kind == "railing" else (0.16, 1.5)
    bars = np.tile(((x / pitch) % 1 < 0.24)[None] & (y < tall - 0.08)[:, None], 1)
    rails = (np.abs(y - 0.16) < 0.025) | (np.abs(y - (tall - 0.1)) < 0.03)
    posts = ((x / post) % 1 < 0.07 / post)[None]
    solid = np.where(y[:, None] > 0.08, bars | rails[:, None] | posts, posts)
    paint = np.array((38, 44, 42) if kind == "railing" else (168, 170, 172))
    colour = to_image(tint(paint * lit, 1 + 0.08 * noise(rng, rows, columns, 8, 2)))
    return Texture(colour, np.where(solid, 255, 0).astype(np.uint8))


def draw_lamp(canvas: Canvas, foot: Floats, height: float, towards: float) -> None:
    """A lamp post, its arm reaching over the road. towards: sign of x of the road's middle."""
    grey = canvas.light.shade((0.0, 0.0, -1.0)) * np.array((112.0, 116.0, 118.0))
    # (out, up) of the joints, and the radius at each.
    joints = np.array(
        [[0, 0, 0.12], [0, 1.1, 0.1], [0, 1.0, 0.075], [0, height, 0.05], [0, height, 0.05],
         [0.35, height + 0.3, 0.045], [0.35, height + 0.3, 0.045], [1.7, height + 0.42, 0.04],
         [1.6, height + 0.42, 0.09], [2.25, height + 0.46, 0.06]]
    )  # fmt: skip
    points = foot + np.stack((joints[:, 0] * towards, joints[:, 1], np.zeros(10)), 1)
    canvas.rods(points.reshape(-1, 2, 3), joints[:, 2].reshape(-1, 2), grey, POLE)
    if canvas.light.mood.lit > 0.3:
        glow = points[8:] - np.array([0.0, 0.06, 0.0])
        canvas.rods(glow[None], np.array([[0.06, 0.05]]), np.array((255.0, 226.0, 160.0)), POLE)


def draw_sign(canvas: Canvas, sign: Texture, foot: Floats, height: float) -> None:
    """A sign on a post, height in metres up to the sign's lower edge."""
    grey = canvas.light.shade((0.0, 0.0, -1.0)) * np.array((134.0, 136.0, 138.0))
    top = foot + np.array([0.0, height + 0.6, 0.0])
    canvas.rods(np.stack((foot, top))[None], np.full((1, 2), 0.04), grey, POLE)
    low = foot + np.array([0.0, height, -0.06])
    canvas.later(partial(canvas.sprite, sign, low, (0.8, 0.8), SIGN))


def draw_bollard(canvas: Canvas, foot: Floats) -> None:
    """A short post with a bright band."""
    lit = canvas.light.shade((0.0, 0.0, -1.0))
    heights = np.array([[[0.0, 0.0, 0.0], [0.0, 0.95, 0.0]], [[0.0, 0.72, 0.0], [0.0, 0.82, 0.0]]])
    radii, colours = np.array([[0.085, 0.08], [0.09, 0.09]]), np.outer((52.0, 225.0), lit)
    canvas.limbs(foot + heights, radii, colours, POLE)
