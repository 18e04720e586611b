"""Fronts and side walls of buildings as textures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.data.street.camera import Floats
from rtsdb.data.street.light import Light
from rtsdb.data.street.texture import Texture, noise, tint, to_image

Picture = NDArray[np.float32]

GROUND_FLOOR = 3.8
FLOOR = 3.1
"""Heights of storeys in metres."""

BRICKS = ((150, 82, 62), (172, 108, 78), (128, 74, 64), (186, 152, 112), (120, 104, 96))
PLASTERS = (
    (226, 218, 200), (208, 186, 150), (196, 166, 148), (170, 184, 190), (214, 196, 128),
    (188, 140, 116), (156, 176, 150), (232, 230, 226), (190, 192, 196),
)  # fmt: skip
GLOW = np.array((255, 214, 140), np.float32)


@dataclass(frozen=True)
class House:
    """A kind of building: its size in metres and what its faces look like.

    roof: height of a pitched roof above the front, 0 for a flat one.
    """

    width: float
    height: float
    depth: float
    roof: float
    front: Texture
    side: Texture
    tiles: Texture


def make_house(rng: np.random.Generator, light: Light, facing: float, scale: float) -> House:
    """Design one house. facing: x of the front's normal, 1 or -1. scale: pixels per metre."""
    style = rng.choice(("brick", "plaster", "plaster", "glass"), p=(0.38, 0.26, 0.22, 0.14))
    floors = int(rng.integers(1, 5)) if style != "glass" else int(rng.integers(3, 7))
    bay = float(rng.uniform(1.9, 3.0))
    bays = int(rng.integers(3, 6))
    width, height = bays * bay, GROUND_FLOOR + floors * FLOOR + 0.7
    palette = BRICKS if style == "brick" else PLASTERS
    base = np.array(palette[int(rng.integers(len(palette)))]) * rng.uniform(0.85, 1.08)
    front_light, side_light = light.shade((facing, 0.0, 0.0)), light.shade((0.0, 0.0, -1.0))
    depth = float(rng.uniform(8, 12))
    wall = _wall(rng, style, base, width, height, scale)
    flank = _wall(rng, "plaster" if style == "glass" else style, base * 0.97, depth, height, scale)
    front_lamps = _front(rng, style, wall, bay, bays, floors, scale, light)
    side_lamps: list[tuple[slice, slice]] = []
    if rng.random() < 0.6:
        side_lamps = _storeys(rng, "plain", flank, 3.0, int(depth / 3), floors, scale, light)
    roof = (
        0.0 if style == "glass" or floors > 3 or rng.random() < 0.3 else float(rng.uniform(2, 3.4))
    )
    return House(
        width=width,
        height=height,
        depth=depth,
        roof=roof,
        front=Texture(_finish(rng, wall, front_light, front_lamps)),
        side=Texture(_finish(rng, flank, side_light, side_lamps)),
        tiles=_tiles(rng, light, facing, width, scale),
    )


def _finish(
    rng: np.random.Generator, wall: Picture, lit: Floats, lamps: list[tuple[slice, slice]]
) -> NDArray[np.uint8]:
    shown = wall * lit.astype(np.float32)
    for place in lamps:
        shown[place] = 0.45 * shown[place] + GLOW * np.float32(rng.uniform(0.45, 0.75))
    return to_image(shown)


def _wall(
    rng: np.random.Generator, style: str, base: Floats, width: float, height: float, scale: float
) -> Picture:
    """Bare wall [H, W, 3] in albedo 0..255: brickwork, plaster or panels."""
    rows, columns = max(8, round(height * scale)), max(8, round(width * scale))
    field = 1 + 0.035 * noise(rng, rows, columns, 3 * scale, 4)
    field += 0.02 * rng.standard_normal((rows, columns), np.float32)
    y = np.arange(rows, dtype=np.float32) / scale
    x = np.arange(columns, dtype=np.float32) / scale
    if style == "brick":
        course = (y / 0.085).astype(int)
        stretch = np.stack((x / 0.25, x / 0.25 + 0.5))
        table = rng.uniform(0.82, 1.14, (2, 16, columns // 2 + 2)).astype(np.float32)
        bricks = [t[:, s.astype(int) % t.shape[1]] for t, s in zip(table, stretch, strict=True)]
        courses = np.stack(bricks, 1).reshape(32, columns)
        field *= courses[course % 32]
        joints = (stretch % 1 > 0.94)[course % 2] | ((y / 0.085) % 1 > 0.84)[:, None]
        picture = tint(base, field)
        pale = cv2.addWeighted(picture, 0.45, picture, 0.0, 0.55 * 168)
        cv2.copyTo(pale, joints.astype(np.uint8), picture)
    else:
        picture = tint(base, field)
        if style == "plaster" and rng.random() < 0.5:  # rusticated blocks
            picture[((y / 0.55) % 1 < 0.05)] *= 0.86
    # Rain and splash leave walls darker at the foot and under the top.
    grime = 1 - 0.28 * np.exp(-(height - y) / 0.35) - 0.12 * np.exp(-y / 0.6)
    picture *= grime.astype(np.float32)[:, None, None]
    return picture


def _front(
    rng: np.random.Generator, style: str, wall: Picture, bay: float, bays: int, floors: int,
    scale: float, light: Light,
) -> list[tuple[slice, slice]]:  # fmt: skip
    """Put windows, door or shop, and a cornice on a wall; returns where lamps are on."""
    if style == "glass":
        lamps = _curtain_wall(rng, wall, bay / 2, bays * 2, floors, scale, light)
    else:
        lamps = _storeys(rng, style, wall, bay, bays, floors, scale, light)
    foot = wall.shape[0] - round(GROUND_FLOOR * scale)
    ground_floor = _shop if rng.random() < 0.5 else _entrance
    for down, across in ground_floor(rng, wall[foot:], bay, bays, scale, light):
        lamps.append((slice(foot + down.start, foot + down.stop), across))
    cornice = round(0.42 * scale)
    wall[:cornice] = wall[:cornice].mean(axis=(0, 1)) * np.float32(1.12)
    wall[cornice : cornice + max(1, round(0.15 * scale))] *= 0.55
    wall[: max(1, round(0.1 * scale))] *= 0.88
    pipe = round(0.1 * scale) + 1
    wall[cornice:, :pipe] *= 0.62
    wall[cornice:, : max(1, pipe // 3)] *= 1.25
    band = foot - round(0.25 * scale)
    wall[band : band + max(1, round(0.2 * scale))] *= 1.1
    wall[band + round(0.2 * scale) : band + round(0.2 * scale) + max(1, round(0.08 * scale))] *= 0.7
    return lamps


def _box(x: float, y: float, width: float, height: float, scale: float) -> tuple[slice, slice]:
    return (
        slice(max(0, round(y * scale)), max(1, round((y + height) * scale))),
        slice(max(0, round(x * scale)), max(1, round((x + width) * scale))),
    )


def _storeys(
    rng: np.random.Generator, style: str, wall: Picture, bay: float, bays: int, floors: int,
    scale: float, light: Light,
) -> list[tuple[slice, slice]]:  # fmt: skip
    """Rows of windows on the upper floors."""
    lamps: list[tuple[slice, slice]] = []
    wide, tall = bay * rng.uniform(0.42, 0.6), float(rng.uniform(1.5, 2.0))
    frame = np.array((236, 234, 228)) * (1.0 if rng.random() < 0.7 else 0.35)
    trim = float(rng.choice((0.7, 1.18, 1.25)))
    panes = int(rng.integers(1, 4))
    balcony = style == "plaster" and rng.random() < 0.4
    for floor in range(floors):
        for column in range(bays):
            x, y = column * bay + (bay - wide) / 2, 0.9 + floor * FLOOR
            wall[_box(x - 0.13, y - 0.22, wide + 0.26, 0.22, scale)] *= trim
            if _window(rng, wall, (x, y, wide, tall), frame, panes, scale, light):
                lamps.append(_box(x + 0.1, y + 0.1, wide - 0.2, tall - 0.2, scale))
            wall[_box(x - 0.1, y + tall, wide + 0.2, 0.12, scale)] *= 1.22
            wall[_box(x - 0.06, y + tall + 0.12, wide + 0.12, 0.1, scale)] *= 0.66
            if balcony:
                _balcony(wall, x - 0.2, y + tall - 0.75, wide + 0.4, scale)
    return lamps


def _window(
    rng: np.random.Generator, wall: Picture, box: tuple[float, float, float, float],
    frame: Floats, panes: int, scale: float, light: Light,
) -> bool:  # fmt: skip
    """One window at (x, y, width, height) in metres; returns whether its lamp is on."""
    x, y, wide, tall = box
    wall[_box(x, y, wide, tall, scale)] = frame
    glass = _box(x + 0.07, y + 0.07, wide - 0.14, tall - 0.14, scale)
    shape = wall[glass].shape
    if not all(shape):
        return False
    sky = np.array(light.mood.zenith) * 0.45 + 30
    fall = np.linspace(rng.uniform(0.7, 1.2), 0.4, shape[0])[:, None, None]
    wall[glass] = sky * fall
    if rng.random() < 0.65:  # curtains or a blind
        cloth = np.array((214, 208, 196)) * rng.uniform(0.55, 0.95) * rng.uniform(0.92, 1.05, 3)
        if rng.random() < 0.5:
            part = rng.uniform(0.14, 0.34) * wide
            folds = 1 + 0.12 * np.sin(np.arange(shape[1]) / scale * 55)[None, :, None]
            edge = np.abs(np.linspace(-0.5, 0.5, shape[1])) * wide > wide / 2 - part
            wall[glass] = np.where(edge[None, :, None], cloth * folds * 0.8, wall[glass])
        else:
            drop = int(shape[0] * rng.uniform(0.2, 0.8))
            wall[glass][:drop] = cloth * 0.85
    wall[glass][: max(1, round(0.07 * scale))] *= 0.5
    bar = max(1, round(0.05 * scale))
    for i in range(1, panes):
        at = shape[1] * i // panes
        wall[glass][:, at : at + bar] = frame * 0.9
    if tall > 1.7:
        wall[glass][shape[0] // 3 : shape[0] // 3 + bar] = frame * 0.9
    return bool(rng.random() < light.mood.lit)


def _balcony(wall: Picture, x: float, y: float, width: float, scale: float) -> None:
    rail = wall[_box(x, y, width, 0.75, scale)]
    if rail.size:
        spokes = (np.arange(rail.shape[1]) / scale / 0.12) % 1 < 0.3
        rail[:, spokes] = 38
        rail[: max(1, round(0.06 * scale))] = 30
        rail[-max(1, round(0.12 * scale)) :] *= 0.5


def _curtain_wall(
    rng: np.random.Generator, wall: Picture, bay: float, bays: int, floors: int, scale: float,
    light: Light,
) -> list[tuple[slice, slice]]:  # fmt: skip
    """Office front of glass panels between thin frames."""
    lamps: list[tuple[slice, slice]] = []
    rows, columns = wall.shape[:2]
    sky, horizon = np.array(light.mood.zenith), np.array(light.mood.horizon)
    mirror = np.clip(0.5 + 0.35 * noise(rng, rows, columns, 4 * scale, 3), 0, 1)[..., None]
    frame = np.array((96, 100, 106)) * rng.uniform(0.6, 1.5)
    wall[...] = frame
    for floor in range(floors):
        for column in range(bays):
            y = 0.7 + floor * FLOOR
            box = _box(column * bay + 0.05, y, bay - 0.1, FLOOR - 0.6, scale)
            tone = rng.uniform(0.5, 0.75)
            wall[box] = (sky * mirror[box] + horizon * (1 - mirror[box])) * tone
            if rng.random() < light.mood.lit:
                lamps.append(box)
            wall[_box(column * bay + 0.05, y + FLOOR - 0.55, bay - 0.1, 0.5, scale)] *= 0.8
    return lamps


def _shop(
    rng: np.random.Generator, wall: Picture, bay: float, bays: int, scale: float, light: Light
) -> list[tuple[slice, slice]]:
    """Ground floor with display windows, a name board and an awning."""
    width = bay * bays
    colour = rng.uniform(25, 190, 3)
    wall[_box(0.15, 0.35, width - 0.3, 3.4, scale)] = colour * 0.8
    board = _box(0.25, 0.4, width - 0.5, 0.65, scale)
    wall[board] = colour
    word = "".join(rng.choice(list("ABCDEFGHIKLMNOPRSTUVW"), int(rng.integers(4, 10))))
    ink = (245.0, 240.0, 225.0) if colour.mean() < 140 else (30.0, 26.0, 24.0)
    size = 0.017 * scale
    if scale > 12:
        at = (round((width / 2 - 0.19 * len(word)) * scale), round(0.88 * scale))
        mask = np.zeros(wall.shape[:2], np.uint8)
        cv2.putText(mask, word, at, cv2.FONT_HERSHEY_DUPLEX, size, 255,
                    max(1, round(0.05 * scale)), cv2.LINE_AA)  # fmt: skip
        share = mask[..., None].astype(np.float32) / 255
        wall += share * (np.array(ink, np.float32) - wall)
    for column in range(bays):
        door = column == bays // 2
        tall = 2.4 if door else 1.9
        box = _box(column * bay + 0.22, 1.2, bay - 0.44, tall, scale)
        shape = wall[box].shape
        goods = noise(rng, max(2, shape[0]), max(2, shape[1]), 0.5 * scale + 2, 3)
        inside = 70 + 34 * goods[..., None] * rng.uniform(0.3, 1.2, 3)
        if all(shape):
            wall[box] = np.clip(inside, 18, 230)
            wall[box][: shape[0] // 3] *= 0.7
            shine = np.array(light.mood.horizon) * 0.16
            wall[box] += shine
    if rng.random() < 0.5:
        cloth = wall[_box(0.2, 1.05, width - 0.4, 0.75, scale)]
        stripes = (np.arange(cloth.shape[1]) / scale / 0.3) % 2 < 1
        cloth[:, stripes] = rng.uniform(60, 220, 3)
        cloth[:, ~stripes] = (232, 228, 218)
        cloth *= np.linspace(1.05, 0.8, max(1, cloth.shape[0]), dtype=np.float32)[:, None, None]
        wall[_box(0.2, 1.8, width - 0.4, 0.25, scale)] *= 0.5
    if light.mood.lit > 0.05:
        return [_box(0.22, 2.0, width - 0.44, 1.0, scale)]
    return []


def _entrance(
    rng: np.random.Generator, wall: Picture, bay: float, bays: int, scale: float, light: Light
) -> list[tuple[slice, slice]]:
    """Ground floor of a dwelling: a door between windows."""
    lamps: list[tuple[slice, slice]] = []
    where = int(rng.integers(bays))
    frame = np.array((230, 228, 222))
    for column in range(bays):
        x = column * bay + bay * 0.22
        if column == where:
            wall[_box(x - 0.1, 0.95, 1.3, 2.85, scale)] = frame * 0.9
            door = _box(x + 0.05, 1.2, 1.0, 2.5, scale)
            wall[door] = rng.uniform(15, 150, 3)
            wall[_box(x + 0.18, 1.4, 0.74, 0.5, scale)] *= 1.5
            wall[_box(x + 0.18, 2.1, 0.74, 1.2, scale)] *= 0.8
            wall[_box(x - 0.2, 3.66, 1.5, 0.14, scale)] = 150
        elif _window(rng, wall, (x, 1.0, bay * 0.56, 1.75), frame, 2, scale, light):
            lamps.append(_box(x + 0.1, 1.1, bay * 0.56 - 0.2, 1.55, scale))
    wall[_box(0, GROUND_FLOOR - 0.45, bay * bays, 0.06, scale)] *= 0.75
    return lamps


def _tiles(
    rng: np.random.Generator, light: Light, facing: float, width: float, scale: float
) -> Texture:
    """Roof tiles for the slope above the front."""
    rows, columns = max(8, round(3.5 * scale * 0.6)), max(8, round(width * scale * 0.6))
    base = np.array(((128, 72, 54), (84, 82, 88), (104, 84, 70))[int(rng.integers(3))])
    y, x = np.arange(rows) / (scale * 0.6), np.arange(columns) / (scale * 0.6)
    table = rng.uniform(0.8, 1.15, 1024).astype(np.float32)
    course = np.floor(y / 0.3)
    index = course[:, None] * 29 + np.floor(x[None] / 0.25 + 0.5 * (course[:, None] % 2))
    field = table[index.astype(int) % 1024] * (0.7 + 0.4 * (1 - (y / 0.3) % 1))[:, None]
    lit = light.shade((facing * 0.7, 0.71, 0.0))
    return Texture(to_image(tint(base * lit, field.astype(np.float32))))
