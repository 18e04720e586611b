"""`rtsdb run --auto-tune`: the settings of a run, as a sweep of this machine has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import typer

from rtsdb.bench.auto_tune import auto_tune
from rtsdb.bench.tables import advice
from rtsdb.cli.console import console, progress_bar
from rtsdb.cli.typed import typed
from rtsdb.errors import UsageError
from rtsdb.pipeline.processing import Processing
from rtsdb.video.sources import SourceOptions, open_source
from rtsdb.video.sources.stdin import STDIN


def tuned(
    context: typer.Context, processing: Processing, sources: Sequence[str], options: SourceOptions
) -> Processing:
    """The same with the engine, precision, K and tiles that suit the source; what was typed stays.

    Raises UsageError for standard input, whose frames cannot be looked at before, and what
    opening the source and `rtsdb.bench.auto_tune` raise.
    """
    if STDIN in sources:
        raise UsageError("--auto-tune: standard input can be opened only once; give a file")
    with open_source(sources, options) as source:
        info = source.info
    with progress_bar(memory=math.inf) as bar:
        task = bar.add_task("", total=None, visible=False)
        found = auto_tune(
            info,
            model=processing.model,
            engine=typed(context, "engine"),
            precision=typed(context, "precision"),
            stages=typed(context, "stages"),
            tile=typed(context, "tile"),
            progress=lambda what, done, total: bar.update(
                task,
                description=f"--auto-tune measures {what}",
                completed=done,
                total=total,
                visible=True,
            ),
        )
    console.print(f"--auto-tune: {advice(found)}")
    setup = found.candidate.setup
    return replace(
        processing,
        engine=setup.engine,
        precision=setup.precision,
        stages=setup.stages,
        tile="none" if setup.tile is None else "{}x{}".format(*setup.tile),
    )
