"""FFmpeg's denoising filters, through the filter graph of PyAV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import av
import av.filter
import numpy as np

from rtsdb.evaluation.peers.base import Peer, PeerMissing, needs_8bit
from rtsdb.metrics import Picture
from rtsdb.video.frame import Image


@dataclass(frozen=True)
class _Filter:
    """about: what its options are. options: from sigma, in FFmpeg's syntax."""

    about: str
    options: Callable[[float], str]


FILTERS = {
    "nlmeans": _Filter("s = 0.4 sigma in 1..30", lambda s: f"s={min(max(0.4 * s, 1), 30):.3f}"),
    "bm3d": _Filter("sigma = 2.2 sigma", lambda s: f"sigma={min(2.2 * s, 999):.3f}"),
    "atadenoise": _Filter(
        "default options; averages over time, and here sees one frame", lambda _: ""
    ),
}
"""Strengths are in each filter's own unit: the factors are a compromise between what was best at
sigma 10, 25 and 50 on three frames of CamVid train, tried from 0.25 to 0.5 (nlmeans) and from 1.6
to 2.8 (bm3d)."""


def open_ffmpeg(name: str, eight_bit: bool) -> Peer:
    """The filter called `name`, in YUV 4:4:4, as video is filtered.

    Raises PeerMissing where PyAV's FFmpeg was built without it.
    """
    needs_8bit(eight_bit)
    if name not in av.filter.filters_available:
        raise PeerMissing(f"PyAV's FFmpeg has no filter {name}")
    about = f"FFmpeg {name}, {FILTERS[name].about}"
    return Peer(f"ffmpeg-{name}", about, partial(_denoise, name))


def _denoise(name: str, noisy: Picture, sigma: float) -> Image:
    """A graph of its own for every frame, as the frames of a data set are no video."""
    height, width = noisy.shape[:2]
    graph = av.filter.Graph()
    rgb = av.VideoFormat("rgb24", width, height)
    graph.link_nodes(
        graph.add_buffer(width=width, height=height, format=rgb, time_base=Fraction(1, 25)),
        graph.add("format", "yuv444p"),
        graph.add(name, FILTERS[name].options(sigma)),
        graph.add("format", "rgb24"),
        graph.add("buffersink"),
    ).configure()
    frame = av.VideoFrame.from_ndarray(noisy, format="rgb24")
    frame.pts = 0
    graph.push(frame)
    graph.push(None)
    denoised = graph.pull()
    assert isinstance(denoised, av.VideoFrame)
    return np.asarray(denoised.to_ndarray(), np.uint8)
