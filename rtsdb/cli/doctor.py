"""`rtsdb doctor`: what this machine has, and which engine it will use."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rtsdb.doctor import Diagnosis


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show GPU, TensorRT, codecs, cameras, and which engine --engine auto takes, and why."""
    from rtsdb.doctor import diagnose

    found = diagnose()
    if as_json:
        print(json.dumps(asdict(found), indent=2))
    else:
        Console().print(_table(found))


def _table(found: Diagnosis) -> Table:
    """One row for every check, grouped by what it is about."""
    table = Table(
        title=f"{found.machine['cpu']}, {found.machine['system']}",
        caption=f"--engine auto takes {found.auto or 'nothing: no engine works'}",
        show_header=False,
    )
    table.add_row("processor", "", "features", " ".join(found.cpu_features) or "none that helps")
    table.add_section()
    for gpu in found.gpus:
        table.add_row("GPU", "yes", gpu.name, f"{gpu.sm}, {gpu.memory / 2**30:.0f} GiB")
    for what, checks in (
        ("GPU", [found.driver]),
        ("TensorRT", found.tensorrt),
        ("codec", found.codecs),
        ("camera", found.cameras),
        ("engine", found.engines),
    ):
        for check in checks:
            mark = Text("yes", "green") if check.works else Text("no", "yellow")
            table.add_row(what, mark, check.name, Text(check.detail))
        if not checks:
            table.add_row(what, Text("no", "yellow"), "", "none is there")
        table.add_section()
    return table
