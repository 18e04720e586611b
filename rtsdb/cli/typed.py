"""Which options were typed, and which have their defaults."""

from __future__ import annotations

import typer


def is_typed(context: typer.Context, name: str) -> bool:
    """Whether the parameter `name` of the running command was given on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def typed(context: typer.Context, name: str) -> str | None:
    """The text that was typed for a parameter; None where its default stands."""
    return str(context.params[name]) if is_typed(context, name) else None
