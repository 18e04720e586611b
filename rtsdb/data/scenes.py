"""Labelled pictures in memory, whatever data set they came from."""

from __future__ import annotations

from typing import NamedTuple

from rtsdb.video.frame import Image, Labels


class Scene(NamedTuple):
    """A clean picture uint8 [H, W, 3] RGB, its labels uint8 [H, W] (255: none), and its name."""

    name: str
    image: Image
    labels: Labels
