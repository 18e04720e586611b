"""Pedestrians and cyclists as jointed figures of tapered limbs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import cos, pi, sin

import cv2
import numpy as np

from rtsdb.classes import CAMVID
from rtsdb.data.street.camera import NEAR, Floats
from rtsdb.data.street.canvas import SHIFT, Canvas

PEDESTRIAN = CAMVID.names.index("pedestrian")
BICYCLIST = CAMVID.names.index("bicyclist")

SKINS = ((232, 190, 160), (198, 148, 116), (142, 98, 72), (92, 62, 46))
CLOTHES = (
    (36, 40, 56), (150, 40, 44), (60, 78, 110), (196, 188, 172), (52, 84, 62), (210, 170, 60),
    (92, 62, 98), (28, 28, 30), (224, 224, 220), (196, 96, 52), (70, 130, 150), (118, 92, 70),
)  # fmt: skip

SKIN, HAIR, COAT, SLEEVE, LEGS, SHOES, BAG, HELMET, STEEL, RUBBER = range(10)
"""Rows of a person's colour table."""

Joint = tuple[float, float, float]
"""A point of a figure in metres: ahead, up, and to its right."""

Limb = tuple[Joint, Joint, float, float, int]
"""Start, end, the radius at each in metres, and the row of the colour table."""


@dataclass(frozen=True)
class Person:
    """One figure: height in metres, colour table (albedo 0..255, [10, 3]), carries a bag."""

    height: float
    colours: Floats
    bag: bool


def make_person(rng: np.random.Generator) -> Person:
    """Pick a figure."""
    skin = np.array(SKINS[int(rng.integers(len(SKINS)))], np.float64)
    hair = np.array((40, 30, 24)) * rng.uniform(0.5, 3.2)
    coat, legs, bag, helmet = np.array(CLOTHES, np.float64)[rng.integers(len(CLOTHES), size=4)]
    table = np.array(
        [skin, hair, coat, coat * 0.88, legs * 0.62, hair * 0.6, bag, helmet, coat * 0.4 + 30,
         np.full(3, 34.0)]
    )  # fmt: skip
    return Person(float(rng.uniform(1.58, 1.88)), table, bool(rng.random() < 0.45))


def draw_pedestrian(
    canvas: Canvas, person: Person, foot: Floats, heading: float, phase: float
) -> None:
    """A walker at a ground point. heading: radians from +z to +x; phase: of the stride."""
    if canvas.camera.focal * person.height > 20 * foot[2]:
        limbs = _walk(person, phase)
    else:
        limbs = _far(person)
    _draw(canvas, limbs, person, foot, heading, PEDESTRIAN)


def _far(person: Person) -> list[Limb]:
    """A figure of a few pixels."""
    h = person.height
    return [
        ((0, 0.04, 0), (0, 0.5 * h, 0), 0.06 * h, 0.09 * h, LEGS),
        ((0, 0.5 * h, 0), (0, 0.8 * h, 0), 0.1 * h, 0.12 * h, COAT),
        ((0, 0.92 * h, 0), (0, 0.95 * h, 0), 0.05 * h, 0.05 * h, HAIR),
    ]


def _walk(person: Person, phase: float) -> list[Limb]:
    """One moment of a stride."""
    h = person.height
    hips = 0.52 * h + 0.012 * h * cos(2 * phase)
    chest = hips + 0.29 * h
    limbs: list[Limb] = []
    for side, turn in ((-1.0, phase), (1.0, phase + pi)):
        swing, lift = sin(turn), max(0.0, cos(turn))
        x = side * 0.055 * h
        knee = (h * (0.13 * swing + 0.05 * lift), hips - 0.25 * h, x)
        ankle = (
            knee[0] + h * (0.1 * swing - 0.07 * lift), knee[1] - h * (0.235 - 0.05 * lift), x
        )  # fmt: skip
        limbs.append(((0, hips, x), knee, 0.052 * h, 0.036 * h, LEGS))
        limbs.append((knee, ankle, 0.036 * h, 0.024 * h, LEGS))
        toe = (ankle[0] + 0.085 * h, ankle[1] - 0.012 * h, x)
        limbs.append((ankle, toe, 0.024 * h, 0.018 * h, SHOES))
        shoulder = (0.02, chest, side * 0.105 * h)
        elbow = (0.02 - 0.08 * h * swing, chest - 0.165 * h, side * 0.125 * h)
        hand = (elbow[0] - h * (0.07 * swing - 0.05), elbow[1] - 0.13 * h, elbow[2])
        limbs.append((shoulder, elbow, 0.034 * h, 0.027 * h, SLEEVE))
        limbs.append((elbow, hand, 0.026 * h, 0.02 * h, SLEEVE))
        palm = (hand[0], hand[1] - 0.03 * h, hand[2])
        limbs.append((hand, palm, 0.02 * h, 0.016 * h, SKIN))
        flank = side * 0.045 * h
        limbs.append(((0.02, chest, flank), (0, hips, flank), 0.062 * h, 0.058 * h, COAT))
        if person.bag and side > 0:
            low = (hand[0], hand[1] - 0.17 * h, hand[2])
            limbs.append(((hand[0], hand[1] - 0.06 * h, hand[2]), low, 0.06 * h, 0.075 * h, BAG))
    return limbs + _head(h, 0.02, chest + 0.075 * h, HAIR)


def _head(h: float, ahead: float, neck: float, top: int) -> list[Limb]:
    """Neck, face, and hair or a helmet (the colour row top)."""
    skull, face = neck + 0.062 * h, ahead + 0.012 * h
    wide = 0.058 if top == HELMET else 0.05
    return [
        ((ahead, neck - 0.03 * h, 0), (ahead, neck + 0.02 * h, 0), 0.03 * h, 0.03 * h, SKIN),
        ((face, skull, 0), (face, skull + 0.022 * h, 0), 0.045 * h, 0.05 * h, SKIN),
        ((face - 0.018 * h, skull + 0.035 * h, 0), (face, skull + 0.04 * h, 0), wide * h,
         0.94 * wide * h, top),
    ]  # fmt: skip


RADIUS, BASE = 0.34, 1.06
SADDLE, BARS, CRANK = (0.24, 0.96), (0.86, 1.02), (0.44, 0.3)
"""A bicycle in metres: wheel radius, distance of the hubs, and (ahead, up) of three joints."""


def draw_cyclist(
    canvas: Canvas, person: Person, foot: Floats, heading: float, phase: float
) -> None:
    """A rider whose rear wheel's ground point is given. phase: of the pedals, radians."""
    ahead = np.array([sin(heading), 0.0, cos(heading)])
    hubs = [foot + ahead * along + np.array([0.0, RADIUS, 0.0]) for along in (0.0, BASE)]
    if min(hubs[0][2], hubs[1][2]) <= NEAR + 0.5:
        return
    far, near = sorted(hubs, key=lambda hub: -float(hub[2]))
    canvas.later(partial(_wheel, canvas, far, ahead))
    _draw(canvas, _frame(), person, foot, heading, BICYCLIST)
    canvas.later(partial(_wheel, canvas, near, ahead))
    _draw(canvas, _ride(person, phase), person, foot, heading, BICYCLIST)


def _frame() -> list[Limb]:
    """The bicycle without its wheels."""
    rear, front, crank = (0.0, RADIUS, 0.0), (BASE, RADIUS, 0.0), (*CRANK, 0.0)
    seat, head = (SADDLE[0], SADDLE[1] - 0.12, 0.0), (BARS[0], BARS[1] - 0.18, 0.0)
    bars, grip = (*BARS, -0.26), (*BARS, 0.26)
    return [
        (rear, crank, 0.018, 0.02, STEEL),
        (rear, seat, 0.014, 0.016, STEEL),
        (crank, seat, 0.02, 0.018, STEEL),
        (crank, head, 0.022, 0.022, STEEL),
        (seat, head, 0.02, 0.02, STEEL),
        (front, (*BARS, 0.0), 0.018, 0.018, STEEL),
        (bars, grip, 0.016, 0.016, RUBBER),
        ((SADDLE[0] - 0.12, SADDLE[1], 0.0), (SADDLE[0] + 0.1, SADDLE[1], 0.0), 0.05, 0.03, RUBBER),
    ]


def _ride(person: Person, phase: float) -> list[Limb]:
    """A rider on the saddle."""
    h = person.height
    hips = (SADDLE[0], SADDLE[1] + 0.09)
    chest = (hips[0] + 0.17 * h, hips[1] + 0.25 * h)
    limbs: list[Limb] = []
    for side, turn in ((-1.0, phase), (1.0, phase + pi)):
        pedal = (CRANK[0] + 0.17 * cos(turn), CRANK[1] - 0.17 * sin(turn) + 0.06, side * 0.1)
        knee = (*_knee(hips, (pedal[0], pedal[1]), 0.245 * h), side * 0.07 * h)
        limbs.append(((*hips, side * 0.05 * h), knee, 0.054 * h, 0.038 * h, LEGS))
        limbs.append((knee, pedal, 0.036 * h, 0.024 * h, LEGS))
        toe = (pedal[0] + 0.12, pedal[1] - 0.04, pedal[2])
        limbs.append((pedal, toe, 0.035, 0.028, SHOES))
        shoulder, grip = (*chest, side * 0.105 * h), (*BARS, side * 0.24)
        elbow = (
            (chest[0] + BARS[0]) / 2, (chest[1] + BARS[1]) / 2 - 0.04 * h, side * (0.11 * h + 0.04)
        )  # fmt: skip
        limbs.append((shoulder, elbow, 0.034 * h, 0.027 * h, SLEEVE))
        limbs.append((elbow, grip, 0.026 * h, 0.02 * h, SLEEVE))
        flank = side * 0.045 * h
        limbs.append(((*chest, flank), (*hips, flank), 0.062 * h, 0.06 * h, COAT))
    return limbs + _head(h, chest[0] + 0.03 * h, chest[1] + 0.075 * h, HELMET)


def _knee(hip: tuple[float, float], ankle: tuple[float, float], bone: float) -> tuple[float, float]:
    """Where two equal bones from hip to ankle meet, bent forward."""
    x, y = (ankle[0] - hip[0]) / 2, (ankle[1] - hip[1]) / 2
    reach = max(1e-6, (x * x + y * y) ** 0.5)
    bend = max(0.0, bone * bone - reach * reach) ** 0.5
    return hip[0] + x - y / reach * bend, hip[1] + y + x / reach * bend


_RING = np.stack((np.cos(np.arange(24) * np.pi / 12), np.sin(np.arange(24) * np.pi / 12)), 1)


def _wheel(canvas: Canvas, hub: Floats, ahead: Floats) -> None:
    """Tyre and spokes of a wheel that rolls along ahead."""
    ring = hub + RADIUS * (_RING[:, :1] * ahead + _RING[:, 1:] * np.array([0.0, 1.0, 0.0]))
    corners, depth = canvas.camera.project(ring)
    if depth.min() <= NEAR:
        return
    away = float(depth.mean())
    points = np.rint(corners * (1 << SHIFT)).astype(np.int32)
    thick = max(1, round(0.042 * canvas.camera.focal / away))
    dark = canvas.hazed(np.array((24.0, 24.0, 26.0)), away).tolist()
    if thick > 2:
        grey = canvas.hazed(np.array((120.0, 122.0, 126.0)), away).tolist()
        spokes = [np.stack((points[i], points[i + 12])) for i in range(0, 12, 2)]
        cv2.polylines(canvas.image, spokes, False, grey, 1, cv2.LINE_AA, SHIFT)
    cv2.polylines(canvas.image, [points], True, dark, thick, cv2.LINE_AA, SHIFT)
    cv2.fillConvexPoly(canvas.labels, points, BICYCLIST, cv2.LINE_8, SHIFT)
    cv2.polylines(canvas.labels, [points], True, BICYCLIST, thick, cv2.LINE_8, SHIFT)


def _draw(
    canvas: Canvas, limbs: list[Limb], person: Person, foot: Floats, heading: float, label: int
) -> None:
    """Draw a figure's limbs, turned by heading, with its lowest middle point at foot."""
    joints = np.array([(limb[0], limb[1]) for limb in limbs])
    radii = np.array([(limb[2], limb[3]) for limb in limbs])
    turned = np.array(
        [[sin(heading), 0.0, cos(heading)], [0.0, 1.0, 0.0], [cos(heading), 0.0, -sin(heading)]]
    )
    toward_sun = float(np.sign(canvas.light.sun[0]))
    lit = 0.5 * (canvas.light.shade((0, 0.3, -0.95)) + canvas.light.shade((toward_sun, 0, 0)))
    colours = np.minimum(person.colours * lit, 255)[[limb[4] for limb in limbs]]
    canvas.limbs(foot + joints @ turned, radii, colours, label)
