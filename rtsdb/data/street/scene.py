"""A drive through a drawn street, with the label of every pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from rtsdb.classes import CAMVID, VOID
from rtsdb.data.street.camera import Camera, Floats
from rtsdb.data.street.canvas import Canvas
from rtsdb.data.street.car import Car, draw_car
from rtsdb.data.street.furniture import (
    FENCE,
    draw_bollard,
    draw_lamp,
    draw_sign,
)
from rtsdb.data.street.ground import VIEW, draw_ground, draw_shadows
from rtsdb.data.street.layout import Item, Lot, Mover, ahead_of
from rtsdb.data.street.people import draw_cyclist, draw_pedestrian
from rtsdb.data.street.shadow import find_shadows
from rtsdb.data.street.sky import draw_sky
from rtsdb.data.street.stock import Stock, prepare
from rtsdb.data.street.tree import draw_tree
from rtsdb.video.frame import Image, Labels

BUILDING = CAMVID.names.index("building")
TREE = CAMVID.names.index("tree")

SIZES = {"tree": 6.0, "lamp": 6.0, "sign": 2.4, "parked": 1.5, "guard": 1.0, "bollard": 0.9}
"""Heights in metres of the kinds of things that stand on the street."""

HALF_CAR = 2.2
"""From a car's tail to its middle in metres."""

OFF_ROAD = 2.3
"""What stands on the pavement, outside the parked cars, counts as so much farther off, and what
moves between them as so much nearer: beside a long car its middle alone does not tell the order."""

Brush = Callable[[Canvas], None]


@dataclass(frozen=True)
class Street:
    """A street that a seed makes, and the drive of a camera along it.

    width, height: picture size in pixels, 64 or more each. A frame depends on the seed, the size
    and the time alone, so frames can be drawn in any order. Building one takes about as long as
    drawing ten frames. Raises ValueError for a smaller size.

    >>> street = Street(seed=1, width=96, height=64)
    >>> image, labels = np.empty((64, 96, 3), np.uint8), np.empty((64, 96), np.uint8)
    >>> street.render(2.5, image, labels)
    >>> CAMVID.names[labels[2, 48]]
    'sky'
    """

    seed: int = 0
    width: int = 2048
    height: int = 1024
    _stock: Stock = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 64:
            raise ValueError(f"street of {self.width}x{self.height}: give 64 pixels or more")
        object.__setattr__(self, "_stock", prepare(self.seed, self.width, self.height))

    def render(self, seconds: float, image: Image, labels: Labels) -> None:
        """Draw the moment `seconds` after the start of the drive.

        Writes every pixel of image (uint8 [height, width, 3] RGB, C-contiguous) and of labels
        (uint8 [height, width], C-contiguous; CamVid class ids, `VOID` where nothing known is).
        Raises ValueError for arrays of another shape, type or layout.
        """
        for array, shape in ((image, (self.height, self.width, 3)), (labels, image.shape[:2])):
            if array.shape != shape or array.dtype != np.uint8 or not array.flags.c_contiguous:
                raise ValueError(f"render needs C-contiguous uint8 {list(shape)}")
        stock = self._stock
        camera = stock.drive.camera(seconds, self.width, self.height)
        distance = stock.drive.distance(seconds)
        canvas = Canvas(image, labels, camera, stock.light)
        labels.fill(VOID)
        draw_sky(canvas, stock.panorama)
        draw_ground(canvas, stock.ground, stock.section, distance)
        draw_shadows(canvas, find_shadows(stock, seconds, distance))
        for lot in sorted(stock.layout.lots, key=lambda lot: -ahead_of(lot.start, distance)):
            _draw_lot(canvas, stock, lot, ahead_of(lot.start, distance))
        canvas.finish()
        brushes = [
            *_item_brushes(stock, camera, seconds, distance),
            *_mover_brushes(stock, camera, seconds, distance),
        ]
        for _, brush in sorted(brushes, key=lambda entry: -entry[0]):
            brush(canvas)
        canvas.finish()
        if stock.bonnet:
            _draw_bonnet(canvas)


def _draw_lot(canvas: Canvas, stock: Stock, lot: Lot, start: float) -> None:
    """One stretch of a street side, all of it behind the pavement."""
    if start > VIEW or start + lot.length < 0:
        return
    x, side = lot.side * stock.section.wall, lot.side
    # Textures run left to right as seen from the street: away from the camera on the left.
    first, along = (start, lot.length) if side < 0 else (start + lot.length, -lot.length)
    corner, across = np.array([x, 0.0, first]), np.array([0.0, 0.0, along])
    if lot.house is None:
        _draw_gap(canvas, stock, lot, corner, across)
        return
    house = stock.houses[side][lot.house]
    up = np.array([0.0, house.height, 0.0])
    back = np.array([side * house.depth, 0.0, 0.0])
    if house.roof and canvas.camera.y < house.height:
        slope = np.array([side * house.depth / 2, house.roof, 0.0])
        # Seen from the street only where the slope is steeper than the line of sight.
        if abs(slope[1] / slope[0]) > (house.height - canvas.camera.y) / abs(x - canvas.camera.x):
            canvas.patch(house.tiles, corner + up, across, slope, BUILDING)
        eaves, ridge = house.height, house.height + house.roof
        middle, end = x + back[0] / 2, x + back[0]
        gable = np.array([[x, eaves, start], [middle, ridge, start], [end, eaves, start]])
        canvas.face(gable, house.side.mean, BUILDING)
    near = np.array([x, 0.0, start])
    if not _covered(stock, lot):
        left, right = (near + back, -back) if side < 0 else (near, back)
        canvas.patch(house.side, left, right, up, BUILDING)
    canvas.patch(house.front, corner, across, up, BUILDING)


def _covered(stock: Stock, lot: Lot) -> bool:
    """Whether the next house towards the camera hides all of this one's side wall."""
    if lot.house is None or lot.before is None:
        return False
    designs = stock.houses[lot.side]
    one, two = designs[lot.before], designs[lot.house]
    return one.height >= two.height and one.depth >= two.depth


def _draw_gap(canvas: Canvas, stock: Stock, lot: Lot, corner: Floats, across: Floats) -> None:
    """A garden between houses: trees behind a hedge or a fence."""
    behind, middle = lot.side * 3.5, corner[2] + across[2] / 2
    for aside, share in ((behind + lot.side * 3, 0.3), (behind, -0.12)):
        crown = stock.crowns[int(lot.start * 7 + aside) % len(stock.crowns)]
        foot = np.array([corner[0] + aside, 0.0, middle + share * lot.length])
        draw_tree(canvas, crown, foot, 6.0 + 2 * share, 0.0)
    canvas.finish()
    pieces = max(1, round(lot.length / 6))
    step = across / pieces
    back = np.array([lot.side * 0.7, 0.0, 0.0])
    for i in range(pieces):
        # Far pieces first, on either side.
        at = corner + step * (pieces - 1 - i if step[2] > 0 else i)
        if lot.planks:
            fence, tall = stock.fences[lot.side, "planks"], 1.7
        else:
            hedge = np.array([0.0, 1.6, 0.0])
            canvas.patch(stock.hedges[lot.side], at + back, step, hedge, TREE)
            fence, tall = stock.fences[lot.side, "railing"], 1.2
        canvas.patch(fence, at, step, np.array([0.0, tall, 0.0]), FENCE)


def _item_brushes(
    stock: Stock, camera: Camera, seconds: float, distance: float
) -> list[tuple[float, Brush]]:
    """What stands on road and pavement, each with its rank from near to far."""
    found: list[tuple[float, Brush]] = []
    for item in stock.layout.items:
        z = ahead_of(item.z, distance)
        if z > VIEW or not camera.sees(item.x, z, 7.0) or _tiny(camera, SIZES[item.kind], z):
            continue
        foot = np.array([item.x, 0.0, z])
        brush = partial(_draw_item, stock=stock, item=item, foot=foot, seconds=seconds)
        found.append((z + (HALF_CAR if item.kind == "parked" else OFF_ROAD), brush))
    return found


def _tiny(camera: Camera, size: float, depth: float) -> bool:
    """Whether a thing that tall shows in fewer than three rows."""
    return bool(size * camera.focal < 3 * depth)


def _draw_item(canvas: Canvas, stock: Stock, item: Item, foot: Floats, seconds: float) -> None:
    if item.kind == "tree":
        sway = 0.05 * float(np.sin(1.1 * seconds + item.z))
        draw_tree(canvas, stock.crowns[item.pick % len(stock.crowns)], foot, item.size, sway)
    elif item.kind == "lamp":
        draw_lamp(canvas, foot, item.size, -item.side)
    elif item.kind == "sign":
        draw_sign(canvas, stock.signs[item.pick % len(stock.signs)], foot, item.size)
    elif item.kind == "parked":
        canvas.later(partial(draw_car, canvas, stock.cars[item.pick % 12], foot))
    elif item.kind == "guard":
        start, along = (0.0, 6.0) if item.side < 0 else (6.0, -6.0)
        corner, across = foot + np.array([0.0, 0.0, start]), np.array([0.0, 0.0, along])
        texture = stock.fences[item.side, "guard"]
        up = np.array([0.0, 1.05, 0.0])
        canvas.later(partial(canvas.patch, texture, corner, across, up, FENCE))
    else:
        draw_bollard(canvas, foot)


def _mover_brushes(
    stock: Stock, camera: Camera, seconds: float, distance: float
) -> list[tuple[float, Brush]]:
    """What moves, each with its rank from near to far."""
    found: list[tuple[float, Brush]] = []
    for mover in stock.layout.movers:
        z = mover.place(seconds, distance)
        if z < VIEW and camera.sees(mover.x, z, 5.0) and not _tiny(camera, 1.6, z):
            brush = partial(_draw_mover, mover=mover, z=z, seconds=seconds, distance=distance)
            rank = z + (OFF_ROAD if abs(mover.x) > stock.section.kerb else -OFF_ROAD)
            if isinstance(mover.what, Car):
                rank += HALF_CAR if mover.paced else -HALF_CAR
            found.append((rank, brush))
    return found


def _draw_mover(canvas: Canvas, mover: Mover, z: float, seconds: float, distance: float) -> None:
    foot = np.array([mover.x, 0.0, z])
    if isinstance(mover.what, Car):
        braking = mover.paced and float(np.cos(0.35 * seconds + mover.phase)) < -0.4
        canvas.later(partial(draw_car, canvas, mover.what, foot, braking))
        return
    travelled = distance + z if mover.paced else mover.speed * seconds
    heading = 0.0 if mover.paced or mover.speed > 0 else np.pi
    if mover.riding:
        draw_cyclist(canvas, mover.what, foot, heading, mover.phase + abs(travelled) * 1.1)
    else:
        draw_pedestrian(canvas, mover.what, foot, heading, mover.phase + abs(travelled) * 4.2)


def _draw_bonnet(canvas: Canvas) -> None:
    """The own car's bonnet along the lower edge."""
    width, height = canvas.camera.width, canvas.camera.height
    lit = canvas.light.shade((0.0, 0.9, -0.4))
    paint = np.array((38.0, 42.0, 50.0)) * lit
    sheen = paint + 0.22 * np.array(canvas.light.mood.horizon)
    turn = np.linspace(np.pi, 2 * np.pi, 40)
    for drop, colour in ((0.0, paint * 0.7), (0.012, sheen), (0.045, paint)):
        arc = np.stack(
            (width * (0.5 + 0.56 * np.cos(turn)), height * (1.02 + drop + 0.11 * np.sin(turn))), 1
        )
        canvas.fill(np.clip(arc, -width, 2 * width), np.minimum(colour, 255), VOID)
