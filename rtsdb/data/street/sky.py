"""Sky and far skyline: what lies too far off to move."""

from __future__ import annotations

import cv2
import numpy as np

from rtsdb.classes import CAMVID
from rtsdb.data.street.camera import Floats
from rtsdb.data.street.canvas import Canvas
from rtsdb.data.street.light import Light
from rtsdb.data.street.texture import noise, to_image
from rtsdb.video.frame import Image, Labels

SKY = CAMVID.names.index("sky")
BUILDING = CAMVID.names.index("building")
TREE = CAMVID.names.index("tree")

MARGIN = 0.14
"""Extra width of the panorama on both sides, in picture widths: room for the camera's yaw."""


def make_sky(
    rng: np.random.Generator, light: Light, width: int, height: int, focal: float
) -> tuple[Image, Labels]:
    """Panorama with clouds above a hazy skyline; its bottom row is the horizon.

    Returns uint8 [H, W, 3] and labels uint8 [H, W], H = 0.56 * height, W = 1.28 * width.
    """
    rows, columns = round(height * 0.56) + 2, round(width * (1 + 2 * MARGIN))
    mood = light.mood
    rise = (np.linspace(1, 0, rows, dtype=np.float32) ** 0.75)[:, None, None]
    zenith, horizon = np.array(mood.zenith, np.float32), np.array(mood.horizon, np.float32)
    picture = np.broadcast_to(horizon + (zenith - horizon) * rise, (rows, columns, 3)).copy()
    up = np.linspace(1.0, 0.06, rows, dtype=np.float32)[:, None]
    # A cloud deck is a plane overhead: sample it as the ground is seen, upside down.
    deck = noise(rng, 512, 512, 90, 6)
    across = (np.arange(columns, dtype=np.float32)[None] - columns / 2) / focal
    map_x = np.broadcast_to(across / up * 90 + 256, (rows, columns)).astype(np.float32)
    map_y = np.broadcast_to(150 / up, (rows, columns)).astype(np.float32)
    field = np.asarray(
        cv2.remap(deck, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    )
    level = 1.0 - 2.2 * mood.cover
    thick = np.clip((field - level) / 1.1, 0, 1)
    share = (thick * thick * (3 - 2 * thick) * np.clip(up * 2.2 - 0.05, 0, 1))[..., None]
    dark = np.clip((field - level - 0.6) / 2.2, 0, 0.45)[..., None]
    cloud = np.array(mood.cloud, np.float32) * (1 - 0.45 * dark)
    picture += share * (cloud - picture)
    image = to_image(picture)
    labels = np.full((rows, columns), SKY, np.uint8)
    _skyline(rng, light, image, labels, focal)
    return image, labels


def _skyline(
    rng: np.random.Generator, light: Light, image: Image, labels: Labels, focal: float
) -> None:
    """Far roofs and tree tops along the panorama's lower edge."""
    rows, columns = labels.shape
    lit = light.shade((0.0, 0.3, -0.95))
    for depth in (230.0, 190.0, 150.0):
        share = min(0.9, light.fade(depth))
        scale, x = focal / depth, 0.0
        while x < columns:
            wide = rng.uniform(6, 18) * scale
            if rng.random() < 0.55:
                tall = rng.uniform(3, 11) * scale
                colour = rng.uniform(70, 140) * rng.uniform(0.9, 1.1, 3) * lit
                box = np.array(
                    [[x, rows], [x, rows - tall], [x + wide, rows - tall], [x + wide, rows]]
                )
                _stamp(image, labels, box, colour * (1 - share) + light.haze * share, BUILDING)
            else:
                tall = rng.uniform(4, 9) * scale
                colour = np.array((58, 78, 42)) * rng.uniform(0.8, 1.2) * lit
                turn = np.linspace(0, np.pi, 14)
                bump = tall * rng.uniform(0.8, 1.1, 14)
                dome = np.stack(
                    (x + wide / 2 + wide * 0.6 * np.cos(turn), rows - bump * np.sin(turn)), 1
                )
                _stamp(image, labels, dome, colour * (1 - share) + light.haze * share, TREE)
            x += wide * rng.uniform(0.6, 1.0)


def _stamp(image: Image, labels: Labels, corners: Floats, colour: Floats, label: int) -> None:
    points = np.rint(corners * 16).astype(np.int32)
    cv2.fillPoly(image, [points], colour.tolist(), cv2.LINE_AA, 4)
    cv2.fillPoly(labels, [points], label, cv2.LINE_8, 4)


def draw_sky(canvas: Canvas, panorama: tuple[Image, Labels]) -> None:
    """Copy the part of the panorama that the camera faces, down to its horizon."""
    image, labels = panorama
    camera = canvas.camera
    rows = min(labels.shape[0], max(1, round(camera.horizon) + 1), camera.height)
    middle = (labels.shape[1] - camera.width) / 2 + camera.focal * np.tan(camera.yaw)
    left = float(np.clip(middle, 0, labels.shape[1] - camera.width))
    top = max(0.0, labels.shape[0] - 1 - camera.horizon)
    x, y = min(int(left), labels.shape[1] - camera.width - 1), int(top)
    seen = image[y : y + rows + 1, x : x + camera.width + 1]
    part = cv2.copyMakeBorder(seen, 0, rows + 1 - len(seen), 0, 0, cv2.BORDER_REPLICATE)
    # Bilinear shift by a fraction of a pixel, first across and then down.
    fx, fy = left - x, top - y
    across = cv2.addWeighted(part[:, :-1], 1 - fx, part[:, 1:], fx, 0.0)
    cv2.addWeighted(across[:-1], 1 - fy, across[1:], fy, 0.0, dst=canvas.image[:rows])
    found = labels[y : y + rows, x : x + camera.width]
    canvas.labels[: len(found)] = found
