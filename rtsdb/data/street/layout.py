"""Where things stand and how they move along a street that repeats every `LOOP` metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtsdb.data.street.car import Car, Fleet, make_car
from rtsdb.data.street.facade import House
from rtsdb.data.street.ground import VIEW, Section
from rtsdb.data.street.people import Person, make_person

LOOP = 270.0
"""Metres after which the street repeats; more than one sees at a time."""

BEHIND = LOOP - VIEW - 5.0
"""Metres behind the camera for which things are still kept."""


def ahead_of(z: float, distance: float) -> float:
    """Depth along the street of a thing at z (metres, any turn of the loop) from the camera.

    >>> ahead_of(5.0, 269.0)
    6.0
    """
    return (z - distance + BEHIND) % LOOP - BEHIND


@dataclass(frozen=True)
class Lot:
    """A stretch of one side: a house (index into the designs of its side) or a gap (None).

    before: the house that ends where this lot starts. side: sign of x. start, length: metres
    along the street. planks: a gap's fence is of wood.
    """

    side: float
    start: float
    length: float
    house: int | None
    before: int | None
    planks: bool


@dataclass(frozen=True)
class Item:
    """A thing that stands still: x, z in metres, its kind, and what the kind needs.

    size: height (tree, lamp, sign). pick: which design. side: sign of x of its side.
    """

    kind: str
    x: float
    z: float
    side: float
    size: float = 0.0
    pick: int = 0


@dataclass(frozen=True)
class Mover:
    """A car or a person on its way.

    z: metres along the street at time 0, or the gap to the camera when it keeps pace. speed:
    m/s along +z. heading: radians, or for a car 1 (as the camera) or -1. phase: radians.
    """

    what: Car | Person
    riding: bool
    x: float
    z: float
    speed: float
    paced: bool
    phase: float

    def place(self, seconds: float, distance: float) -> float:
        """Depth along the street from the camera, metres."""
        if self.paced:
            return self.z + 0.12 * self.z * float(np.sin(0.35 * seconds + self.phase))
        return ahead_of(self.z + self.speed * seconds, distance)


@dataclass(frozen=True)
class Layout:
    """All that is on the street."""

    lots: tuple[Lot, ...]
    items: tuple[Item, ...]
    movers: tuple[Mover, ...]


def make_section(rng: np.random.Generator) -> Section:
    """Pick the widths of the street and the side one drives on."""
    kerb = float(rng.uniform(4.9, 6.0))
    lane = (kerb - 2.3) / 2 * float(rng.choice((-1.0, 1.0)))
    return Section(kerb=kerb, wall=kerb + float(rng.uniform(3.0, 4.6)), lane=lane)


def make_layout(
    rng: np.random.Generator, section: Section, houses: dict[float, list[House]], fleet: Fleet
) -> Layout:
    """Fill a street. houses: the designs on the side x < 0 (key -1.0) and x > 0 (key 1.0)."""
    lots, items, movers = [], [], []
    for side in (-1.0, 1.0):
        lots += _lots(rng, side, houses[side])
        items += _items(rng, side, section)
        movers += _walkers(rng, side, section)
    movers += _traffic(rng, section, fleet)
    return Layout(tuple(lots), tuple(items), tuple(movers))


def _lots(rng: np.random.Generator, side: float, designs: list[House]) -> list[Lot]:
    lots: list[Lot] = []
    z, gaps = 0.0, float(rng.uniform(0.12, 0.4))
    before = -1
    while z < LOOP - 1e-6:
        pick = int((before + rng.integers(1, len(designs))) % len(designs))
        left = LOOP - z
        gap = z > 0 and lots[-1].house is not None and rng.random() < gaps
        length = float(rng.uniform(6, 14)) if gap else designs[pick].width
        if gap or left < length + 6:
            size = min(length, left) if gap else left
            lots.append(Lot(side, z, size, None, None, bool(rng.random() < 0.5)))
            z += lots[-1].length
        else:
            lots.append(Lot(side, z, length, pick, lots[-1].house if lots else None, False))
            z, before = z + length, pick
    return lots


def _items(rng: np.random.Generator, side: float, section: Section) -> list[Item]:
    items = []
    edge = side * (section.kerb + 0.75)
    lamps = np.arange(9.0 + 14.0 * (side > 0), LOOP, 28.0)
    items += [Item("lamp", side * (section.kerb + 0.5), z, side, 6.4) for z in lamps.tolist()]
    spacing, chance = float(rng.uniform(8, 15)), float(rng.uniform(0.3, 0.95))
    for z in np.arange(4.0, LOOP - 4, spacing).tolist():
        if rng.random() < chance and np.abs(lamps - z).min() > 2.5:
            size = float(rng.uniform(4.8, 7.5))
            items.append(Item("tree", edge + side * 0.25, z, side, size, int(rng.integers(64))))
    for z in np.arange(16.0 + 11 * (side > 0), LOOP - 8, 22.0).tolist():
        where = z + float(rng.uniform(-4, 4))
        height = float(rng.uniform(2.0, 2.5))
        items.append(Item("sign", edge, where, side, height, int(rng.integers(64))))
    for z in np.arange(30.0 + 20 * (side > 0), LOOP - 20, 44.0).tolist():
        x = side * (section.kerb + 0.45)
        if rng.random() < 0.6:
            items.append(Item("guard", x, z, side))
        else:
            items += [Item("bollard", x, z + step, side) for step in (0.0, 1.5, 3.0, 4.5)]
    parked = float(rng.uniform(0.3, 0.85))
    for z in np.arange(2.0, LOOP - 6, 6.6).tolist():
        if rng.random() < parked:
            x = side * (section.kerb - 1.12 + float(rng.uniform(-0.12, 0.1)))
            where = z + float(rng.uniform(0, 0.8))
            items.append(Item("parked", x, where, side, pick=int(rng.integers(64))))
    return items


def _walkers(rng: np.random.Generator, side: float, section: Section) -> list[Mover]:
    movers: list[Mover] = []
    for z in np.arange(6.0, LOOP, float(rng.uniform(8, 16))).tolist():
        for _ in range(int(rng.integers(1, 3))):
            x = side * float(rng.uniform(section.kerb + 1.5, section.wall - 0.5))
            speed = float(rng.uniform(1.0, 1.6) * rng.choice((-1, 1)))
            where, phase = z + float(rng.uniform(0, 5)), float(rng.uniform(0, 6.28))
            movers.append(Mover(make_person(rng), False, x, where, speed, False, phase))
    return movers


def _traffic(rng: np.random.Generator, section: Section, fleet: Fleet) -> list[Mover]:
    movers = []
    for gap in (float(rng.uniform(15, 30)), 52.0, 83.0, 120.0):
        phase = float(rng.uniform(0, 6.28))
        movers.append(Mover(make_car(rng, fleet, 1.0), False, section.lane, gap, 0.0, True, phase))
    speed = float(rng.uniform(-11, -7))
    for z in np.arange(20.0, LOOP - 15, float(rng.uniform(26, 48))).tolist():
        where = z + float(rng.uniform(0, 9))
        movers.append(
            Mover(make_car(rng, fleet, -1.0), False, -section.lane, where, speed, False, 0.0)
        )
    side = float(np.sign(section.lane))
    track = section.kerb - 2.55
    for gap in (float(rng.uniform(9, 15)), float(rng.uniform(26, 36))):
        phase = float(rng.uniform(0, 6.28))
        movers.append(Mover(make_person(rng), True, side * track, gap, 0.0, True, phase))
    for z in np.arange(12.0, LOOP, 45.0).tolist():
        phase = float(rng.uniform(0, 6.28))
        movers.append(Mover(make_person(rng), True, -side * track, z, -5.0, False, phase))
    return movers
