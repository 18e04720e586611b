"""The page that explains the JSON names every field there is, with its type, and no other."""

from __future__ import annotations

import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

import rtsdb.bench
from rtsdb.bench import model
from rtsdb.bench.model import SCHEMA, Report
from rtsdb.bench.report_file import read_report
from rtsdb.cli import app

PAGE = (Path(rtsdb.bench.__file__).parent / "schema.md").read_text()
CLASSES = [kind for kind in vars(model).values() if isinstance(kind, type) and is_dataclass(kind)]
NAMES = {str: "text", bool: "true or false", int: "whole number", float: "number"}


def table(title: str) -> list[list[str]]:
    """The cells of a section's table, without its heading."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def type_name(kind: Any) -> str:
    """An annotation as the page has it."""
    inner = get_args(kind)
    if NoneType in inner:
        return f"{type_name(inner[0])} or null"
    if get_origin(kind) is tuple:
        if inner[-1] is Ellipsis:
            return f"list of {type_name(inner[0])}"
        return f"[{', '.join(map(type_name, inner))}]"
    if get_origin(kind) is dict:
        return "object" if inner[1] is object else f"object of {type_name(inner[1])}"
    return NAMES.get(kind) or kind.__name__


@pytest.mark.parametrize("kind", CLASSES)
def test_every_field_is_explained(kind: Any) -> None:
    hints = get_type_hints(kind)
    expected = [(field.name, type_name(hints[field.name])) for field in fields(kind)]
    rows = table(kind.__name__)
    assert sorted((name, type_) for name, type_, *_ in rows) == sorted(expected)
    assert all(len(row) == 4 and row[3] for row in rows)


def test_the_page_is_of_this_schema() -> None:
    assert PAGE.startswith(f"# The JSON of `rtsdb bench`, schema {SCHEMA}\n")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of a real run, in which no engine could be opened."""
    path = tmp_path_factory.mktemp("schema") / "r.json"
    command = ["bench", "--engine", "torch-tensorrt", "--size", "64x64", "--json", str(path)]
    with patch.dict(sys.modules, {"torch_tensorrt": None}):
        CliRunner().invoke(app, command)
    return read_report(path)


@pytest.mark.parametrize("name", ["machine", "arguments", "method"])
def test_every_key_is_explained(name: str, report: Report) -> None:
    rows = table(name)
    assert all(len(row) == 3 and row[2] for row in rows)
    assert {row[0] for row in rows} - {"budget"} == set(getattr(report, name))
