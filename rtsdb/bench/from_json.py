"""Frozen dataclasses from what a JSON file holds, checked against their annotations."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def from_json(kind: type[T], value: object) -> T:
    """The dataclass `kind` from parsed JSON: the inverse of `json.dumps(dataclasses.asdict(...))`.

    Its fields are str, bool, int, float, object, other dataclasses, and tuples, dicts by str and
    `| None` of those. Keys without a field are ignored; fields with a default may be missing. null
    in place of a float is nan, for JSON has no word for it. Raises ValueError naming what is wrong.

    >>> from rtsdb.bench.model import Setup
    >>> from_json(Setup, {"engine": "torch", "precision": "fp32", "stages": 1, "size": [64, "64"]})
    Traceback (most recent call last):
    ValueError: size[1]: not a whole number: '64'
    """
    found: T = _convert(kind, value, "")
    return found


def _convert(kind: Any, value: object, place: str) -> Any:
    """`value` as `kind`, which stands at `place` in the file."""
    if kind is object:
        return value
    if is_dataclass(kind):
        return _convert_fields(kind, _check(value, dict, "an object", place), place)
    inner = get_args(kind)
    if NoneType in inner:
        return None if value is None else _convert(inner[0], value, place)
    if get_origin(kind) is dict:
        entries = _check(value, dict, "an object", place)
        return {key: _convert(inner[1], entries[key], f"{place}[{key!r}]") for key in entries}
    if get_origin(kind) is tuple:
        items = _check(value, list, "a list", place)
        kinds = inner[:1] * len(items) if inner[-1] is Ellipsis else inner
        if len(kinds) != len(items):
            raise ValueError(f"{place}: {len(items)} values in place of {len(kinds)}")
        return tuple(_convert(k, items[i], f"{place}[{i}]") for i, k in enumerate(kinds))
    if kind is float:
        return math.nan if value is None else float(_check(value, (int, float), "a number", place))
    return _check(
        value, kind, {int: "a whole number", str: "a text", bool: "true or false"}[kind], place
    )


def _convert_fields(kind: Any, given: dict[str, object], place: str) -> Any:
    hints, found = get_type_hints(kind), {}
    for field in fields(kind):
        where = f"{place}.{field.name}".lstrip(".")
        if field.name in given:
            found[field.name] = _convert(hints[field.name], given[field.name], where)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{where}: is missing")
    return kind(**found)


def _check(value: object, kind: Any, name: str, place: str) -> Any:
    """The value itself, if it is of a kind that is called `name`; true and false are no numbers."""
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    shown = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else ""
    raise ValueError(f"{place or 'file'}: not {name}: {shown or repr(value)}")
