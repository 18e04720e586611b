"""What the help texts and README teach can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from rtsdb.cli import app
from rtsdb.engine.registry import ENGINES

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "rtsdb/weights/README.md", "calib/README.md")]


def examples() -> Iterator[str]:
    """Whole commands: those of the help texts, and those of blocks of code on the pages."""
    for command in COMMANDS.values():
        yield from re.findall(r"`(rtsdb .*?)`", " ".join(command.help.split()))
    for page in PAGES:
        lines = page.read_text().replace("\\\n", " ").replace("$k", "1").splitlines()
        code = False
        for line in lines:
            code ^= line.startswith("```")
            if (code or line.startswith("    ")) and line.strip().startswith("rtsdb "):
                yield line.strip()


@pytest.mark.parametrize("example", sorted(set(examples())))
def test_an_example_has_only_commands_and_options_that_there_are(example: str) -> None:
    _, name, *arguments = shlex.split(example, comments=True)
    COMMANDS[name].make_context(name, arguments)  # reads the options, and runs nothing


def test_help_names_every_engine() -> None:
    (option,) = (p for p in COMMANDS["run"].params if p.name == "engine")
    assert set(re.findall(r"[\w-]+", option.help)) >= {"auto", *ENGINES}


def test_the_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"rtsdb {metadata.version('rtsdb')}\n")
