"""The pictures shown to people, composed of the noisy frame, the clean one and the labels."""

from __future__ import annotations

import math

import cv2
import numpy as np

from rtsdb.classes import ClassSet
from rtsdb.errors import UsageError
from rtsdb.video.frame import Image, Labels
from rtsdb.video.lettering import caption, legend, letter_height, paste

VIEWS = {
    "side-by-side": "noisy | denoised | overlay, scaled down to at most 3840 pixels in width",
    "denoised": "the denoised frame",
    "overlay": "the denoised frame tinted with the class colours, class names below",
    "labels": "the class colours alone, class names below",
    "wipe": "noisy left and denoised right of a line that wanders",
}
"""Names of the views and what they show, for a help text."""

_WIDEST = 3840
_WIPE_FRAMES = 250  # frames for the line's way there and back
_LINE = (255, 255, 255)


def check_view(view: str) -> None:
    """Raise UsageError for an unknown view.

    >>> check_view("cube")
    Traceback (most recent call last):
    rtsdb.errors.UsageError: --view cube: no such view; give one of side-by-side, denoised, \
overlay, labels, wipe
    """
    if view not in VIEWS:
        raise UsageError(f"--view {view}: no such view; give one of {', '.join(VIEWS)}")


class ViewComposer:
    """Draws one view for frames of one size, in buffers made once.

    Used by one thread at a time.

    >>> from rtsdb.classes import CAMVID
    >>> composer = ViewComposer("side-by-side", (960, 540), CAMVID)
    >>> noisy = denoised = np.zeros((540, 960, 3), np.uint8)
    >>> view = composer.compose(noisy, denoised, np.zeros((540, 960), np.uint8), index=0)
    >>> view.shape == (composer.size[1], composer.size[0], 3)
    True
    """

    def __init__(self, view: str, frame_size: tuple[int, int], classes: ClassSet) -> None:
        """frame_size: (width, height) in pixels. Raises UsageError for an unknown view."""
        check_view(view)
        self._view = view
        width, height = frame_size
        if view == "side-by-side":
            width, height = _panel_size(width, height)
        columns = 3 if view == "side-by-side" else 1
        letter = letter_height(height)
        names = 0
        if view in ("side-by-side", "overlay", "labels"):
            self._legend = legend(classes, columns * width, letter)
            names = self._legend.shape[0]
        self._captions = {t: caption(t, letter) for t in ("noisy", "denoised", "overlay")}
        self._panel = (width, height)
        self._size = (columns * width, height + names)
        self._out = np.empty((height + names, columns * width, 3), np.uint8)
        self._colours = np.empty((height, width, 3), np.uint8)
        self._labels = np.empty((height, width), np.uint8)
        self._palette = classes.palette().reshape(256, 1, 3)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the view in pixels, the strip of class names included."""
        return self._size

    def compose(
        self,
        noisy: Image,
        denoised: Image,
        labels: Labels,
        index: int,
        into: Image | None = None,
    ) -> Image:
        """Draw the view of frame number `index` into `into` and return it.

        noisy, denoised: uint8 [H, W, 3] RGB. labels: uint8 [H, W] class ids. into: uint8
        [h, w, 3] for `size` = (w, h); without it the composer's own buffer, which the next
        call draws over.
        """
        out = self._out if into is None else into
        width, height = self._panel
        picture = out[:height]
        if self._view == "denoised":
            np.copyto(picture, denoised)
        elif self._view == "wipe":
            self._wipe(noisy, denoised, index, picture)
        elif self._view == "labels":
            cv2.applyColorMap(labels, self._palette, picture)
        elif self._view == "overlay":
            self._overlay(denoised, labels, picture)
        else:
            panels = [picture[:, k * width : (k + 1) * width] for k in range(3)]
            # Linear, not by area: averaging would hide the noise.
            cv2.resize(noisy, self._panel, panels[0], interpolation=cv2.INTER_LINEAR)
            cv2.resize(denoised, self._panel, panels[1], interpolation=cv2.INTER_LINEAR)
            cv2.resize(labels, self._panel, self._labels, interpolation=cv2.INTER_NEAREST)
            self._overlay(panels[1], self._labels, panels[2])
            for panel, text in zip(panels, ("noisy", "denoised", "overlay"), strict=True):
                paste(panel, self._captions[text])
        if out.shape[0] > height:
            np.copyto(out[height:], self._legend)
        return out

    def _overlay(self, picture: Image, labels: Labels, out: Image) -> None:
        """Blend `picture` and the class colours half and half."""
        cv2.applyColorMap(labels, self._palette, self._colours)
        cv2.addWeighted(picture, 0.5, self._colours, 0.5, 0, dst=out)

    def _wipe(self, noisy: Image, denoised: Image, index: int, out: Image) -> None:
        width = self._panel[0]
        swing = math.sin(2 * math.pi * index / _WIPE_FRAMES)
        line = round(width * (0.5 + 0.4 * swing))
        np.copyto(out[:, :line], noisy[:, :line])
        np.copyto(out[:, line:], denoised[:, line:])
        paste(out[:, :line], self._captions["noisy"])
        tag = self._captions["denoised"]
        paste(out[:, line:], tag, left=max(0, width - line - tag.shape[1]))
        half = max(1, width // 960)
        out[:, line - half : line + half] = _LINE


def _panel_size(width: int, height: int) -> tuple[int, int]:
    """Size of one of three panels: even, and narrow enough for the whole view."""
    panel_width = min(width, _WIDEST // 3)
    panel_height = round(height * panel_width / width)
    return max(2, panel_width - panel_width % 2), max(2, panel_height - panel_height % 2)
