"""How sources are opened: what `rtsdb run` takes beside --source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from rtsdb.errors import UsageError

PIXEL_FORMATS = ("mjpeg", "yuyv")
"""Pixel formats that can be asked of a camera."""

DECODERS = ("auto", "cpu", "cuda", "v4l2m2m")
"""Where video is decoded; auto: in hardware where that works and loses nothing."""


@dataclass(frozen=True)
class SourceOptions:
    """Options of all kinds of sources.

    capture_size: (width, height) in pixels to ask of a camera or the screen. capture_fps: its
    frames per second. pixel_format: one of PIXEL_FORMATS. None leaves each as the device has
    it. decode: one of DECODERS; reconnect: how often to try after the loss of a live source,
    None for as often as it takes, 0 for never: these two do nothing where there is no need.

    >>> SourceOptions(decode="gpu")
    Traceback (most recent call last):
    rtsdb.errors.UsageError: --decode gpu: give auto, cpu, cuda or v4l2m2m
    """

    capture_size: tuple[int, int] | None = None
    capture_fps: Fraction | None = None
    pixel_format: str | None = None
    decode: str = "auto"
    reconnect: int | None = None

    def __post_init__(self) -> None:
        """Raise UsageError, in the words of the command line, for what no source can do."""
        if self.pixel_format is not None:
            _check_choice("--pixel-format", self.pixel_format, PIXEL_FORMATS)
        _check_choice("--decode", self.decode, DECODERS)

    def check_captured(self, name: str) -> None:
        """Raise UsageError where something is asked of a camera or the screen: `name` is none."""
        for option, asked in (
            ("--capture-size", self.capture_size),
            ("--capture-fps", self.capture_fps),
            ("--pixel-format", self.pixel_format),
        ):
            if asked is not None:
                raise UsageError(
                    f"{option}: {name} is no camera or screen of this machine; leave it out"
                )


def parse_source_options(
    *,
    capture_size: str | None = None,
    capture_fps: str | None = None,
    pixel_format: str | None = None,
    decode: str = "auto",
    reconnect: str = "forever",
) -> SourceOptions:
    """The options from the words of the command line; UsageError for what cannot be read.

    >>> parse_source_options(capture_size="640x480", reconnect="off").reconnect
    0
    """
    return SourceOptions(
        capture_size=None if capture_size is None else parse_capture_size(capture_size),
        capture_fps=None if capture_fps is None else parse_capture_fps(capture_fps),
        pixel_format=pixel_format,
        decode=decode,
        reconnect=parse_reconnect(reconnect),
    )


def parse_capture_size(text: str) -> tuple[int, int]:
    """Read --capture-size, WIDTHxHEIGHT in pixels.

    >>> parse_capture_size("1280x720")
    (1280, 720)
    """
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if match is None:
        raise UsageError(f"--capture-size {text}: give WIDTHxHEIGHT, such as 1280x720")
    return int(match[1]), int(match[2])


def parse_capture_fps(text: str) -> Fraction:
    """Read --capture-fps, a number or a fraction.

    >>> parse_capture_fps("29.97"), parse_capture_fps("30000/1001")
    (Fraction(2997, 100), Fraction(30000, 1001))
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise UsageError(f"--capture-fps {text}: give frames per second, such as 30 or 30000/1001")
    return rate


def parse_reconnect(text: str) -> int | None:
    """Read --reconnect: how many times, 'forever' (None) or 'off' (0).

    >>> parse_reconnect("5"), parse_reconnect("forever"), parse_reconnect("off")
    (5, None, 0)
    """
    if text == "forever":
        return None
    if text == "off":
        return 0
    if not text.isdecimal():
        raise UsageError(f"--reconnect {text}: give a number of tries, 'forever' or 'off'")
    return int(text)


def _check_choice(option: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        *most, last = choices
        raise UsageError(f"{option} {given}: give {', '.join(most)} or {last}")
