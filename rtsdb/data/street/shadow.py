"""The shadows that houses, trees, cars and people throw on the ground."""

from __future__ import annotations

import numpy as np

from rtsdb.data.street.camera import Floats
from rtsdb.data.street.car import Car, car_shadow
from rtsdb.data.street.layout import ahead_of
from rtsdb.data.street.stock import Stock
from rtsdb.data.street.tree import tree_shadow


def find_shadows(stock: Stock, seconds: float, distance: float) -> list[Floats]:
    """Outlines of all shadows near enough to matter: ground polygons [N, 3]."""
    shapes: list[Floats] = []
    sun, strong = stock.light.sun, max(stock.light.mood.direct) > 0.3
    drop = np.array([-sun[0], 0.0, -sun[2]]) / sun[1]
    for lot in stock.layout.lots:
        start = ahead_of(lot.start, distance)
        # Only the side between sun and street throws its shadow on the street.
        if not strong or lot.house is None or lot.side * sun[0] < 0 or start > 120:
            continue
        house = stock.houses[lot.side][lot.house]
        x, end = lot.side * stock.section.wall, start + lot.length
        foot = np.array([[x, 0.0, start], [x, 0.0, end]])
        roof = foot + drop * house.height
        shapes.append(np.array([foot[0], foot[1], roof[1], roof[0]]))
        back = roof + np.array([lot.side * house.depth, 0.0, 0.0])
        shapes.append(np.array([roof[0], roof[1], back[1], back[0]]))
    for item in stock.layout.items:
        z = ahead_of(item.z, distance)
        if not -12 < z < 90:
            continue
        foot = np.array([item.x, 0.0, z])
        if item.kind == "tree" and strong and z < 60:
            crown = stock.crowns[item.pick % len(stock.crowns)]
            shapes += list(tree_shadow(crown, foot, item.size, sun))
            shapes.append(_stroke(foot, drop * item.size * 0.45, 0.13))
        elif item.kind == "parked":
            shapes += car_shadow(stock.cars[item.pick % 12], foot, 1.0, stock.light)
        elif item.kind in ("lamp", "sign") and strong:
            shapes.append(_stroke(foot, drop * (item.size + 0.4), 0.06))
    for mover in stock.layout.movers:
        z = mover.place(seconds, distance)
        if not -6 < z < 90:
            continue
        foot = np.array([mover.x, 0.0, z])
        if isinstance(mover.what, Car):
            shapes += car_shadow(mover.what, foot, 1.0 if mover.paced else -1.0, stock.light)
        elif strong:
            shapes.append(_stroke(foot, drop * 1.7, 0.2))
    return shapes


def _stroke(foot: Floats, reach: Floats, half: float) -> Floats:
    """Shadow of an upright bar: a strip from foot along reach."""
    aside = np.array([reach[2], 0.0, -reach[0]]) / max(1e-6, float(np.hypot(reach[0], reach[2])))
    return np.array(
        [foot - aside * half, foot + aside * half, foot + reach + aside * half,
         foot + reach - aside * half]
    )  # fmt: skip
