"""From what the user typed after --source to a source."""

from __future__ import annotations

import difflib
import glob
import os
import re
from pathlib import Path

from rtsdb.errors import UsageError
from rtsdb.video.sources.base import Source
from rtsdb.video.sources.camera import CameraSource
from rtsdb.video.sources.file import VideoFileSource
from rtsdb.video.sources.images import IMAGE_SUFFIXES, ImageSource, images_among, images_in

SOURCE_FORMS = (
    "demo (a drawn street scene), 0 or /dev/video0 (a camera), drive.mp4 (a video file), "
    "photo.png (an image), frames/ (a folder of images), 'frames/*.png' (a quoted pattern)"
)
"""The forms that `open_source` takes, for a help text."""


def open_source(text: str) -> Source:
    """Open what `text` names; SOURCE_FORMS lists the forms.

    The caller closes it (a `with` block does). Raises UsageError when there is no such thing,
    RtsdbError when it is there but cannot be read.
    """
    if text == "demo":
        from rtsdb.video.sources.demo import DemoSource

        return DemoSource()
    if text.isdecimal():
        return CameraSource(f"/dev/video{int(text)}")
    if re.fullmatch(r"/dev/video\d+", text) or Path(text).is_char_device():
        return CameraSource(text)
    if os.path.isdir(text):
        return ImageSource(text, images_in(Path(text)))
    if os.path.exists(text):
        if Path(text).suffix.lower() in IMAGE_SUFFIXES:
            return ImageSource(text, [Path(text)])
        return VideoFileSource(text)
    if "://" in text:
        raise UsageError(f"{text}: network streams cannot be read; give {SOURCE_FORMS}")
    if glob.has_magic(text):
        return ImageSource(text, _matching(text))
    raise UsageError(_missing(text))


def _matching(pattern: str) -> list[Path]:
    found = glob.glob(pattern, recursive=True)
    images = images_among(map(Path, found))
    if not images:
        what = f"matches {len(found)} files but no image" if found else "matches nothing"
        raise UsageError(f"{pattern}: {what}; the pattern must match images, as in 'frames/*.png'")
    return images


def _missing(text: str) -> str:
    """Message for a path that does not exist, with names that the user may have meant."""
    folder, name = os.path.split(text)
    if not name:
        return f"{text}: no such folder; give {SOURCE_FORMS}"
    try:
        beside = os.listdir(folder or ".")
    except OSError:
        return f"{text}: the folder {folder} does not exist"
    near = [os.path.join(folder, n) for n in difflib.get_close_matches(name, beside)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"give {SOURCE_FORMS}"
    return f"{text}: no such file; {hint}"
