"""Cars as small solids: body, glasshouse, wheels, lights."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rtsdb.classes import CAMVID
from rtsdb.data.street.camera import Floats
from rtsdb.data.street.canvas import Canvas
from rtsdb.data.street.light import Light
from rtsdb.data.street.solid import PAINT, Builder, Solid, draw_solid, glowing, plain

CAR = CAMVID.names.index("car")

PAINTS = (
    (206, 208, 212), (236, 236, 234), (40, 42, 46), (92, 98, 106), (150, 30, 32), (34, 62, 122),
    (62, 84, 74), (168, 148, 112), (196, 92, 36), (70, 118, 160), (24, 26, 40), (120, 124, 128),
)  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """Side profile of a car, metres; x runs from the tail (0) to the nose.

    profile: body outline from the tail's bottom over the belt to the nose's bottom.
    cabin: (x, y) of the glasshouse: tail foot, tail top, nose top, nose foot.
    wheels: x of both axles; wheel: radius. pillars: where the side windows part, 0..1.
    """

    width: float
    profile: tuple[tuple[float, float], ...]
    cabin: tuple[tuple[float, float], ...]
    wheels: tuple[float, float]
    wheel: float
    pillars: tuple[float, ...]


SHAPES = (
    Shape(  # hatchback
        1.76,
        ((0.06, 0.24), (0.0, 0.5), (0.06, 0.94), (3.0, 0.96), (3.92, 0.76), (4.02, 0.5),
         (3.96, 0.22)),
        ((0.1, 0.93), (0.62, 1.46), (2.1, 1.46), (3.02, 0.95)),
        (0.72, 3.25),
        0.32,
        (0.0, 0.2, 0.58, 1.0),
    ),
    Shape(  # saloon
        1.82,
        ((0.06, 0.26), (0.0, 0.55), (0.05, 0.96), (0.7, 0.98), (3.35, 0.95), (4.5, 0.74),
         (4.62, 0.5), (4.55, 0.22)),
        ((0.55, 0.96), (1.25, 1.43), (2.6, 1.43), (3.4, 0.95)),
        (0.85, 3.7),
        0.33,
        (0.0, 0.14, 0.54, 1.0),
    ),
    Shape(  # off-roader
        1.88,
        ((0.06, 0.34), (0.0, 0.62), (0.04, 1.06), (3.2, 1.08), (4.22, 0.94), (4.36, 0.62),
         (4.3, 0.3)),
        ((0.05, 1.05), (0.4, 1.68), (2.4, 1.68), (3.2, 1.07)),
        (0.8, 3.5),
        0.37,
        (0.0, 0.26, 0.62, 1.0),
    ),
    Shape(  # van
        1.96,
        ((0.04, 0.3), (0.0, 0.6), (0.02, 1.12), (4.1, 1.12), (4.85, 0.98), (5.0, 0.62),
         (4.92, 0.26)),
        ((0.02, 1.1), (0.1, 2.05), (3.4, 2.05), (4.2, 1.1)),
        (0.95, 4.05),
        0.35,
        (0.68, 0.7, 0.72, 1.0),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Car:
    """A car: its solid, and the colours of that without and with the brake lamps on.

    length, width: metres.
    """

    length: float
    width: float
    solid: Solid
    colours: Floats
    braking: Floats


@dataclass(frozen=True)
class Fleet:
    """Unpainted cars by shape and direction: 1 drives as the camera, -1 comes closer."""

    solids: dict[tuple[int, float], Solid]


def make_fleet(rng: np.random.Generator, light: Light) -> Fleet:
    """Build every shape in both directions; number plates are as the country has them."""
    plate = plain(228, 190, 60) if rng.random() < 0.4 else plain(232, 232, 228)
    pairs = [(i, ahead) for i in range(len(SHAPES)) for ahead in (-1.0, 1.0)]
    return Fleet({(i, ahead): _build(SHAPES[i], plate, light, ahead) for i, ahead in pairs})


def make_car(rng: np.random.Generator, fleet: Fleet, ahead: float) -> Car:
    """Pick a shape and a paint. ahead: 1 drives as the camera, -1 comes closer."""
    pick = int(rng.choice(len(SHAPES), p=(0.36, 0.3, 0.22, 0.12)))
    shape, solid = SHAPES[pick], fleet.solids[pick, ahead]
    paint = np.array(PAINTS[int(rng.integers(len(PAINTS)))]) * rng.uniform(0.85, 1.05)
    colours, braking = solid.colours(paint, 0.0), solid.colours(paint, 1.0)
    return Car(shape.profile[-2][0], shape.width, solid, colours, braking)


def draw_car(canvas: Canvas, car: Car, tail: Floats, braking: bool = False) -> None:
    """A car whose tail's ground point is given."""
    draw_solid(canvas, car.solid, car.braking if braking else car.colours, tail, CAR)


@dataclass(frozen=True)
class _Finish:
    """Colours and light that a car's parts share; sides, ends, top: factors by direction."""

    plate: Floats
    sides: dict[float, Floats]
    ends: dict[float, Floats]
    top: Floats
    sky: Floats
    glass: Floats


UP = np.array([0.0, 1.0, 0.0])
TURN = np.arange(16) * np.pi / 8
RING = np.stack((np.cos(TURN), np.sin(TURN)), 1)


def _build(shape: Shape, plate: Floats, light: Light, ahead: float) -> Solid:
    zenith, horizon = np.array(light.mood.zenith), np.array(light.mood.horizon)
    finish = _Finish(
        plate=plate,
        sides={side: light.shade((side, 0.0, 0.0)) for side in (-1.0, 1.0)},
        ends={end: light.shade((0.0, 0.0, end * ahead)) for end in (-1.0, 1.0)},
        top=light.shade((0.0, 1.0, 0.0)),
        sky=plain(*horizon),
        glass=plain(*(0.16 * zenith + 0.12 * horizon + 8)),
    )
    builder = Builder(ahead)
    _tyres(builder, shape)
    _strips(builder, shape, finish)
    for side in (-1.0, 1.0):
        _flank(builder, shape, finish, side)
    _cabin(builder, shape, finish)
    for end in (-1.0, 1.0):
        _end(builder, shape, finish, end)
    return builder.solid()


def _tyres(builder: Builder, shape: Shape) -> None:
    """Tyres seen from the ends, between the ground and the body."""
    half = shape.width / 2 - 0.02
    for at, end in zip(shape.wheels, (-1.0, 1.0), strict=True):
        for edge in (-half, half):
            inner = edge - 0.2 * np.sign(edge)
            face = np.array([[at, 0, inner], [at, 0, edge], [at, 0.42, edge], [at, 0.42, inner]])
            outward = np.array([end, 0.0, 0.0])
            builder.add(face, outward, plain(20, 20, 22), label=True)


def _strips(builder: Builder, shape: Shape, finish: _Finish) -> None:
    """The body's skin between its flanks, one strip per piece of the profile."""
    half = shape.width / 2
    for (x0, y0), (x1, y1) in zip(shape.profile[:-1], shape.profile[1:], strict=True):
        size = float(np.hypot(x1 - x0, y1 - y0))
        outward = np.array([-(y1 - y0) / size, (x1 - x0) / size, 0.0])
        quad = np.array([[x0, y0, -half], [x0, y0, half], [x1, y1, half], [x1, y1, -half]])
        up = max(0.0, float(outward[1]))
        end = finish.ends[1.0 if outward[0] > 0 else -1.0]
        lit = finish.top * up + end * (1 - up)
        colour = PAINT * lit * 0.92 + finish.sky * 0.16 * up
        builder.add(quad, outward, colour, label=True)


def _flank(builder: Builder, shape: Shape, finish: _Finish, side: float) -> None:
    """One side with doors, sill and wheels."""
    outward = np.array([0.0, 0.0, side])
    lit, profile = finish.sides[side], np.array(shape.profile)
    body, sill, length = PAINT * lit, shape.profile[0][1], shape.profile[-2][0]
    foot, nose = shape.cabin[0][0], shape.cabin[3][0]
    belt = float(profile[2:-2, 1].max())

    def panel(corners: Floats, colour: Floats, *, fine: bool = True, label: bool = False) -> None:
        beside = np.full((len(corners), 1), side * shape.width / 2)
        builder.add(np.hstack((corners, beside)), outward, colour, fine=fine, label=label)

    def box(x0: float, x1: float, y0: float, y1: float, colour: Floats) -> None:
        panel(np.array([[x0, y0], [x0, y1], [x1, y1], [x1, y0]]), colour)

    panel(profile, body * 0.92, fine=False, label=True)
    panel(profile[[0, 1, -2, -1]], body * 0.66, fine=False)
    box(0.12, nose, belt - 0.19, belt - 0.03, body * 0.85 + finish.sky * 0.14)
    box(0.3, length - 0.4, sill, sill + 0.1, body * 0.3)
    for part in shape.pillars[1:]:
        x = foot + 0.25 + part * (nose - foot - 0.35)
        box(x, x + 0.025, sill + 0.1, belt, body * 0.45)
        box(x - 0.3, x - 0.12, belt - 0.16, belt - 0.12, body * 0.4 + finish.sky * 0.1)
    rubber, metal = plain(26, 26, 28) * lit, plain(150, 152, 156) * lit
    for at in shape.wheels:
        centre = np.array([at, shape.wheel])
        arch = centre + RING * (shape.wheel + 0.07)
        arch[:, 1] = np.maximum(arch[:, 1], sill)
        panel(arch, body * 0.16, fine=False)
        panel(centre + RING * shape.wheel, rubber, fine=False, label=True)
        panel(centre + RING * shape.wheel * 0.66, metal, fine=False)
        panel(centre + RING * shape.wheel * 0.55, metal * 0.45)
        for k in range(5):
            a = at * 2.1 + k * 2 * np.pi / 5 + np.array([0.0, 0.3])
            tip = centre + np.stack((np.cos(a), np.sin(a)), 1) * shape.wheel * 0.58
            panel(np.vstack((centre, tip)), metal * 0.95)
        panel(centre + RING * shape.wheel * 0.14, metal * 0.7)


def _cabin(builder: Builder, shape: Shape, finish: _Finish) -> None:
    """Roof, pillars and glass above the belt."""
    half, boxy = shape.width / 2, shape.cabin[1][1] > 1.9
    foot, top = half * 0.95, half * (0.9 if boxy else 0.74)
    (tx, ty), (ux, uy), (vx, vy), (nx, ny) = shape.cabin
    glass = finish.glass
    roof = np.array([[ux, uy, -top], [ux, uy, top], [vx, vy, top], [vx, vy, -top]])
    builder.add(roof, UP, PAINT * finish.top, label=True)
    for side in (-1.0, 1.0):
        quad = np.array([[tx, ty, side * foot], [ux, uy, side * top], [vx, vy, side * top],
                         [nx, ny, side * foot]])  # fmt: skip
        outward = np.array([0.0, (foot - top) / (uy - ty), side])
        builder.add(quad, outward, PAINT * finish.sides[side] * 0.95, label=True)
        for one, two in zip(shape.pillars[:-1], shape.pillars[1:], strict=True):
            if two - one > 0.06:
                a, b = one + 0.035, two - 0.025
                builder.add(_inset(quad, a, b, 0.1, 0.86), outward, glass)
                builder.add(_inset(quad, a, b, 0.6, 0.86), outward, glass * 1.35, fine=True)
    for end, (ax, ay), (bx, by) in ((-1.0, (tx, ty), (ux, uy)), (1.0, (nx, ny), (vx, vy))):
        quad = np.array([[ax, ay, -foot], [bx, by, -top], [bx, by, top], [ax, ay, foot]])
        outward = np.array([end * (by - ay), abs(bx - ax), 0.0])
        builder.add(quad, outward, PAINT * finish.ends[end] * 0.95, label=True)
        low = 0.5 if boxy and end < 0 else 0.08
        builder.add(_inset(quad, 0.07, 0.93, low, 0.88), outward, glass)
        builder.add(_inset(quad, 0.07, 0.93, 0.6, 0.88), outward, glass * 1.3, fine=True)
        if not boxy:  # head rests
            for a in (0.2, 0.62):
                rest = _inset(quad, a, a + 0.16, 0.12, 0.42)
                builder.add(rest, outward, glass * 0.6, fine=True)


def _inset(quad: Floats, left: float, right: float, low: float, high: float) -> Floats:
    """Sub-rectangle of a quad whose corners run foot-left, top-left, top-right, foot-right."""
    lower, upper = quad[3] - quad[0], quad[2] - quad[1]

    def at(a: float, b: float) -> Floats:
        place: Floats = (1 - b) * (quad[0] + a * lower) + b * (quad[1] + a * upper)
        return place

    return np.stack((at(left, low), at(left, high), at(right, high), at(right, low)))


def _end(builder: Builder, shape: Shape, finish: _Finish, end: float) -> None:
    """Tail (end -1) or nose (1): lamps, plate, bumper, grille."""
    rear, half, lit = end < 0, shape.width / 2 * 0.9, finish.ends[end]
    zero, one, two = shape.profile[:3] if rear else shape.profile[:-4:-1]
    outward = np.array([end, 0.0, 0.0])
    bumper = np.array([[zero[0], zero[1], -half], [one[0], one[1], -half], [one[0], one[1], half],
                       [zero[0], zero[1], half]])  # fmt: skip
    above = np.array([[one[0], one[1], -half], [two[0], two[1], -half], [two[0], two[1], half],
                      [one[0], one[1], half]])  # fmt: skip

    def quad(left: float, right: float, low: float, high: float) -> Floats:
        """Rectangle on the end, -1..1 across and 0..1 from bumper to belt."""
        return _inset(above, left / 2 + 0.5, right / 2 + 0.5, low, high)

    builder.add(bumper, outward, PAINT * lit * 0.7, label=True)
    dark = plain(34, 34, 36) * lit
    builder.add(_inset(bumper, 0.05, 0.95, 0.0, 0.42), outward, dark)
    if rear:
        lamp = plain(178, 24, 26) * lit + glowing(120, 22, 10)
        spot, low, high = lamp * 1.3 + plain(25, 25, 25), 0.35, 0.85
        builder.add(quad(-0.95, 0.95, 0.9, 0.93), outward, PAINT * lit * 0.5, fine=True)
    else:
        lamp = plain(235, 238, 240) * lit
        spot, low, high = lamp * 0.55, 0.4, 0.92
        builder.add(quad(-0.56, 0.56, 0.12, 0.6), outward, dark * 0.8)
        bar = plain(120, 122, 126) * lit
        builder.add(quad(-0.56, 0.56, 0.32, 0.38), outward, bar, fine=True)
    for side in (-1.0, 1.0):
        builder.add(quad(0.825 * side - 0.165, 0.825 * side + 0.165, low, high), outward, lamp)
        inner = quad(0.81 * side - 0.07, 0.81 * side + 0.07, low + 0.12, high - 0.2)
        builder.add(inner, outward, spot, fine=True)
    plate, foot = (finish.plate, 0.15) if rear else (plain(235, 235, 230), -0.08)
    builder.add(quad(-0.29, 0.29, foot, foot + 0.27), outward, plate * lit)
    for k in (0, 1, 3, 4, 5):
        left = -0.25 + 0.085 * k
        ink = quad(left, left + 0.045, foot + 0.07, foot + 0.2)
        builder.add(ink, outward, plain(34, 34, 34), fine=True)


def car_shadow(car: Car, tail: Floats, ahead: float, light: Light) -> list[Floats]:
    """The dark under the car, and the shadow that the sun throws, as ground polygons [N, 3]."""
    half = car.width / 2
    z0, z1 = sorted((tail[2] + ahead * 0.1, tail[2] + ahead * (car.length - 0.1)))
    x0, x1 = tail[0] - half, tail[0] + half
    under = np.array([[x0, 0, z0], [x1, 0, z0], [x1, 0, z1], [x0, 0, z1]], np.float64)
    if max(light.mood.direct) < 0.3:
        return [under]
    top = under - np.array([light.sun[0], 0.0, light.sun[2]]) / light.sun[1] * 1.25
    flat = np.vstack((under, top))[:, [0, 2]].astype(np.float32)
    hull = np.asarray(cv2.convexHull(flat), np.float64).reshape(-1, 2)
    return [under, np.stack((hull[:, 0], np.zeros(len(hull)), hull[:, 1]), 1)]
