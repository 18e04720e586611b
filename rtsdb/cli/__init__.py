"""The command line: a thin face over the package, one file per command."""

from __future__ import annotations

import os
import signal
import sys
from importlib import metadata
from typing import Annotated

import typer

from rtsdb.cli.average import average
from rtsdb.cli.bench import bench
from rtsdb.cli.build import build
from rtsdb.cli.calibrate import calibrate
from rtsdb.cli.doctor import doctor
from rtsdb.cli.eval import evaluate
from rtsdb.cli.export import export
from rtsdb.cli.import_weights import import_weights
from rtsdb.cli.run import run
from rtsdb.cli.train import train
from rtsdb.errors import HangsError, RtsdbError

app = typer.Typer(
    name="rtsdb",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def print_version(wanted: bool) -> None:
    """What --version does, before anything else is looked at."""
    if wanted:
        print(f"rtsdb {metadata.version('rtsdb')}")
        raise typer.Exit


@app.callback()
def every_command(
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=print_version
        ),
    ] = False,
) -> None:
    """Denoise and semantically segment driving and low-light video, in real time."""


# In the order of --help: what users need, then engineers, then researchers.
COMMANDS = (run, bench, doctor, build, calibrate, export, evaluate, train, average, import_weights)
for command in COMMANDS:
    app.command("eval" if command is evaluate else None)(command)


def main() -> None:
    """Entry point of the `rtsdb` command: errors become one line and an exit code.

    SIGTERM is taken as Ctrl-C is: what was done is kept.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except RtsdbError as error:
        print(f"rtsdb: {error}", file=sys.stderr)
        if _is_hanging(error):
            sys.stdout.flush()
            os._exit(error.exit_code)  # Python's own end would wait for the thread
        sys.exit(error.exit_code)


def _is_hanging(error: BaseException | None) -> bool:
    """Whether a thread that hangs is among the causes."""
    return error is not None and (isinstance(error, HangsError) or _is_hanging(error.__cause__))
