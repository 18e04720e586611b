"""OpenCV's non-local means."""

from __future__ import annotations

import cv2
import numpy as np

from rtsdb.evaluation.peers.base import Peer, needs_8bit
from rtsdb.metrics import Picture
from rtsdb.video.frame import Image

STRENGTH = 0.75
"""h over sigma: a compromise between what was best, of 0.4 to 1.2, at sigma 10, 25 and 50 on three
frames of CamVid train."""


def open_nlm(eight_bit: bool) -> Peer:
    """fastNlMeansDenoisingColored with the windows that its documentation recommends.

    Buades, Coll and Morel, "Non-Local Means Denoising", IPOL 2011.
    """
    needs_8bit(eight_bit)
    return Peer("nlm", f"OpenCV fastNlMeansDenoisingColored, h = {STRENGTH} sigma", _denoise)


def _denoise(noisy: Picture, sigma: float) -> Image:
    h = STRENGTH * sigma
    bgr = np.ascontiguousarray(noisy[:, :, ::-1], np.uint8)
    denoised = cv2.fastNlMeansDenoisingColored(
        bgr, h=h, hColor=h, templateWindowSize=7, searchWindowSize=21
    )
    return np.ascontiguousarray(denoised[:, :, ::-1], dtype=np.uint8)
