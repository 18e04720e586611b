"""What is prepared once for a street: its plan, and the textures it is drawn with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtsdb.data.street.camera import Drive
from rtsdb.data.street.car import Car, make_car, make_fleet
from rtsdb.data.street.facade import House, make_house
from rtsdb.data.street.furniture import make_fence, make_signs
from rtsdb.data.street.ground import Section, make_ground
from rtsdb.data.street.layout import Layout, make_layout, make_section
from rtsdb.data.street.light import Light, make_light
from rtsdb.data.street.sky import make_sky
from rtsdb.data.street.texture import Texture
from rtsdb.data.street.tree import Crown, make_crown, make_hedge
from rtsdb.video.frame import Image, Labels

REFERENCE_FOCAL = 1556.0
"""Focal length in pixels of a picture 2048 wide: textures are as fine as that needs."""


@dataclass(frozen=True)
class Stock:
    """All that is prepared once for a street at one picture size."""

    light: Light
    drive: Drive
    section: Section
    layout: Layout
    panorama: tuple[Image, Labels]
    ground: Texture
    houses: dict[float, list[House]]
    crowns: list[Crown]
    hedges: dict[float, Texture]
    fences: dict[tuple[float, str], Texture]
    signs: list[Texture]
    cars: list[Car]
    bonnet: bool


def prepare(seed: int, width: int, height: int) -> Stock:
    """Design the street of a seed and draw its textures for a picture of width x height."""
    plan, paint = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    light = make_light(plan, seed)
    section = make_section(plan)
    drive = Drive(float(plan.uniform(7, 11)), section.lane, float(plan.uniform(0, 6.28)))
    focal = drive.camera(0.0, width, height).focal
    detail = min(1.0, focal / REFERENCE_FOCAL)
    scale = max(6.0, 72 * detail)
    # Houses get a generator each: how many numbers a texture takes depends on its size.
    houses = {
        side: [
            make_house(np.random.default_rng([seed, 3, i, int(side > 0)]), light, -side, scale)
            for i in range(6)
        ]
        for side in (-1.0, 1.0)
    }
    fleet = make_fleet(plan, light)
    sides = (-1.0, 1.0)
    kinds = ("railing", "planks", "guard")
    return Stock(
        light=light,
        drive=drive,
        section=section,
        layout=make_layout(plan, section, houses, fleet),
        panorama=make_sky(paint, light, width, height, focal),
        ground=make_ground(paint, section, light, max(0.06, detail)),
        houses=houses,
        crowns=[make_crown(paint, light, max(48, round(560 * detail))) for _ in range(4)],
        hedges={side: make_hedge(paint, light, -side, scale) for side in sides},
        fences={(s, k): make_fence(paint, light, -s, scale, k) for s in sides for k in kinds},
        signs=make_signs(light, max(16, round(160 * detail))),
        cars=[make_car(plan, fleet, 1.0) for _ in range(12)],
        bonnet=bool(plan.random() < 0.3),
    )
