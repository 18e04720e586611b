"""Errors of FFmpeg, as PyAV raises them, in the words of a one-line message."""

from __future__ import annotations

from av.error import FFmpegError

FFMPEG_ERRORS = (FFmpegError, OSError)
"""What PyAV raises when a file, a device or a codec fails."""


def reason(error: BaseException) -> str:
    """The cause alone, without error number and file name.

    >>> reason(FileNotFoundError(2, "No such file or directory", "clip.mp4"))
    'no such file or directory'
    """
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]
