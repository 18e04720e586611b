"""Markdown as GitHub shows it: tables, and sections that a program keeps up to date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], *, names: int = 1
) -> list[str]:
    """The lines of a table; its first `names` columns are text, the others numbers.

    >>> markdown_table(("K", "fps"), [("1", "3.1")])
    ['| K | fps |', '| --- | ---: |', '| 1 | 3.1 |']
    """
    ruler = ["---"] * names + ["---:"] * (len(headings) - names)
    return [f"| {' | '.join(map(_cell, row))} |" for row in (headings, ruler, *rows)]


def replace_between(text: str, marks: tuple[str, str], lines: Iterable[str]) -> str:
    """`text` with `lines` in place of what stood between two marks, which remain.

    Raises ValueError unless each mark is there once, and the second behind the first.

    >>> replace_between("a <b> old <e> c", ("<b>", "<e>"), ["new"])
    'a <b>\\nnew\\n<e> c'
    """
    for mark in marks:
        if text.count(mark) != 1:
            raise ValueError(f"{mark} is there {text.count(mark)} times, not once")
    before, _, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not end:
        raise ValueError(f"{marks[1]} stands before {marks[0]}")
    return "\n".join([before + marks[0], *lines, marks[1] + after])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
