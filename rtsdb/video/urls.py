"""Addresses of streams, and how to show them without what they keep secret."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(//?)(.*)", re.IGNORECASE | re.DOTALL)


def is_url(text: str) -> bool:
    """Whether `text` is an address such as rtsp://camera/1.

    >>> is_url("rtsp://camera/1"), is_url("clips/2024-05-01T10:30.mp4")
    (True, False)
    """
    match = _SCHEME.fullmatch(text)
    return match is not None and match[2] == "//"


def scheme(url: str) -> str:
    """The protocol that an address names, in lower case.

    >>> scheme("RTSP://camera/1")
    'rtsp'
    """
    return url.partition(":")[0].lower()


def redacted(url: str) -> str:
    """The address as it may be shown, logged and stored.

    User name and password become ***, also where they hold characters that should have been
    escaped; so do the values behind a question mark, and the stream key that ends an rtmp address.

    >>> redacted("rtsp://admin:p@ss/word#1@10.0.0.5:554/live?channel=1&token=abc")
    'rtsp://***@10.0.0.5:554/live?channel=***&token=***'
    >>> redacted("rtmp://live.example/app/key"), redacted("udp://@239.0.0.1:5000")
    ('rtmp://live.example/app/***', 'udp://@239.0.0.1:5000')
    """
    match = _SCHEME.fullmatch(url)
    if match is None:
        return url
    name, slashes, rest = match.groups()
    secret, at, place = rest.rpartition("@")
    place, mark, query = place.partition("?")
    if name.lower().startswith("rtmp"):
        place = re.sub(r"(/[^/]+/).+", r"\1***", place)
    query = "&".join(map(_hidden, query.split("&")))
    return f"{name}:{slashes}{'***' if secret else ''}{at}{place}{mark}{query if mark else ''}"


def _hidden(setting: str) -> str:
    key, equals, _ = setting.partition("=")
    return f"{key}=***" if equals else "***"
