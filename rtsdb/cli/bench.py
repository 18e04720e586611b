"""`rtsdb bench`: how fast it is here, and where the time goes."""

from __future__ import annotations

import math
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rtsdb.cli.console import print_written, progress_bar
from rtsdb.cli.typed import is_typed, typed
from rtsdb.errors import RtsdbError, UsageError

SIZE_HELP = "Of the frames. Default: the file's own; demo: 2048x1024."
SOURCE_HELP = (
    "demo (noisy drawn frames, read from memory), or a video or images, decoded each time."
)
SECONDS_HELP = (
    "To measure the bare engine, and again the pipeline, of each setup; warm-up and some frames "
    "that fill the pipeline are extra."
)
SWEEP_HELP = (
    "All engines, precisions, K and tiles that work here (or those given), within --budget, kept "
    "for rtsdb run --auto-tune."
)
ESTIMATE_HELP = (
    "Measure nothing: estimate from published peaks how fast orin-agx, orin-nano or rtx4090 are."
)
MARKDOWN_HELP = (
    "Write a section for a README. A file that has text already needs the lines "
    "`<!-- rtsdb bench -->` and `<!-- /rtsdb bench -->`: the section comes between them."
)
COMPARE_HELP = (
    "A file of --json from before: what became faster or slower since, as far as noise lets tell."
)


def bench(
    context: typer.Context,
    engine: Annotated[
        str,
        typer.Option(
            help="auto, or names of engines, as rtsdb run takes them.", metavar="ENGINE,..."
        ),
    ] = "auto",
    precision: Annotated[
        str, typer.Option(help="auto, fp32, bf16, fp16 or int8.", metavar="PRECISION,...")
    ] = "auto",
    stages: Annotated[
        str, typer.Option(help="Blocks K: 1 is fastest, 3 is best.", metavar="K,...")
    ] = "1",
    size: Annotated[str | None, typer.Option(help=SIZE_HELP, metavar="WIDTHxHEIGHT,...")] = None,
    tile: Annotated[
        str, typer.Option(help="Size of tiles, or none (whole frame).", metavar="WIDTHxHEIGHT,...")
    ] = "none",
    source: Annotated[str, typer.Option(help=SOURCE_HELP)] = "demo",
    seconds: Annotated[float, typer.Option(help=SECONDS_HELP, min=0.1)] = 10,
    sweep: Annotated[bool, typer.Option("--sweep", help=SWEEP_HELP)] = False,
    budget: Annotated[
        float, typer.Option(help="Seconds that --sweep shares out to all setups.", min=1)
    ] = 120,
    target_fps: Annotated[
        float, typer.Option(help="Rate that settings and sizes are to hold.", min=1)
    ] = 30,
    estimate: Annotated[str | None, typer.Option(help=ESTIMATE_HELP, metavar="GPUS")] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Write everything that was measured.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help=MARKDOWN_HELP)] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Folder for pictures, as PNG and SVG: stages, latency, quality, roofline."
        ),
    ] = None,
    compare: Annotated[Path | None, typer.Option(help=COMPARE_HELP, metavar="OLD.json")] = None,
) -> None:
    """Measure the bare engine and the whole pipeline, turn by turn; Ctrl-C reports what there is.

    Of each option that ends in `,...` several values may be given; all combinations are measured.
    Examples: `rtsdb bench`; `rtsdb bench --engine openvino,onnxruntime --stages 1,2,3 --size
    1280x720 --json here.json`; `rtsdb bench --source drive.mp4 --precision auto,int8`; `rtsdb
    bench --sweep --size 1280x720 --target-fps 25`; `rtsdb bench --estimate orin-agx,rtx4090`.
    """
    from rtsdb.bench.frames import find_size
    from rtsdb.bench.markdown import check_markdown, write_markdown
    from rtsdb.bench.report_file import read_report, write_report
    from rtsdb.bench.session import run_bench
    from rtsdb.bench.setups import MODEL, parse_setups
    from rtsdb.bench.sweep import run_sweep, sweep_setups
    from rtsdb.bench.terminal import print_comparison, print_report
    from rtsdb.bench.tuning import save_tried
    from rtsdb.files import check_writable

    if json is not None:
        check_writable(json, "--json")
    if sweep and is_typed(context, "seconds"):
        raise UsageError("--seconds: --sweep shares out its --budget instead; leave it out")
    if not sweep and is_typed(context, "budget"):
        raise UsageError("--budget: is for --sweep; without that, give --seconds for each setup")
    width, height = find_size(source)
    if estimate is not None:
        _print_estimates(context, estimate, size or f"{width}x{height}")
        return
    if markdown is not None:
        check_markdown(markdown)
    if plot is not None:
        from rtsdb.bench.plots import draw_plots, make_folder

        make_folder(plot)
    old = None if compare is None else read_report(compare)
    lists = {
        "engine": engine,
        "precision": precision,
        "stages": stages,
        "size": size or f"{width}x{height}",
        "tile": tile,
    }
    if sweep:
        setups = sweep_setups(
            lists["size"],
            engine=typed(context, "engine"),
            precision=typed(context, "precision"),
            stages=typed(context, "stages"),
            tile=typed(context, "tile"),
        )
        measure, length = partial(run_sweep, budget=budget), {"budget": budget}
        free = ("engine", "precision", "stages", "tile")
        lists |= {name: "all" for name in free if not is_typed(context, name)}
    else:
        setups = parse_setups(**lists)
        measure, length = partial(run_bench, seconds=seconds), {"seconds": seconds}
    arguments: dict[str, object] = {
        "command": shlex.join(["rtsdb", *sys.argv[1:]]),
        **lists,
        "source": source,
        **length,
        "target_fps": target_fps,
    }
    with progress_bar(memory=math.inf) as bar:
        task = bar.add_task("opening", total=None)
        report = measure(
            setups,
            source=source,
            arguments=arguments,
            progress=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )
    print_report(report, Console())
    if json is not None:
        write_report(report, json)
        print_written("report", json)
    if markdown is not None and report.rows:
        write_markdown(report, markdown)
        print_written("Markdown", markdown)
    if plot is not None:
        for path in draw_plots(report, plot):
            print_written("plot", path)
    if old is not None:
        print_comparison(old, report, Console())
    if report.interrupted:
        raise typer.Exit(130)
    if sweep:
        save_tried(MODEL, report.rows)
    if not any(row.engine for row in report.rows):
        raise RtsdbError("nothing could be measured, for the reasons above")


def _print_estimates(context: typer.Context, gpus: str, size: str) -> None:
    """Print the table of --estimate; UsageError for options that are about measuring."""
    from rtsdb.bench.estimate import estimate, parse_gpus
    from rtsdb.bench.setups import parse_setups
    from rtsdb.bench.tables import estimate_table
    from rtsdb.bench.terminal import print_table

    for name in context.params:
        if is_typed(context, name) and name not in ("estimate", "stages", "size", "source"):
            option = name.replace("_", "-")
            raise UsageError(f"--{option}: --estimate measures nothing; leave one of them out")
    stages = typed(context, "stages") or "1,2,3"
    setups = parse_setups(engine="auto", precision="auto", stages=stages, size=size, tile="none")
    print_table(estimate_table(estimate(parse_gpus(gpus), setups)), Console())
