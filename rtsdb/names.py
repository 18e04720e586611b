"""Lists of names in one argument: 'sm86,sm89'."""

from __future__ import annotations

from rtsdb.errors import UsageError


def split_names(text: str, option: str) -> tuple[str, ...]:
    """The parts of a list with commas, each once.

    >>> split_names("0001TP, 0006R0,0001TP", "--sequences")
    ('0001TP', '0006R0')

    Raises UsageError, naming the option, where a part is empty: nothing is never taken for all.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise UsageError(f"{option} {text!r}: give one value, or several with commas between")
    return tuple(dict.fromkeys(parts))
