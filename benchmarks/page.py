"""The page that a benchmark leaves in results/: what, by which command, when and where."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from rtsdb.files import write_text
from rtsdb.machine import describe_machine, usable_cpus

RESULTS = Path(__file__).parent / "results"


def write_page(
    name: str,
    title: str,
    lines: Iterable[str],
    facts: Mapping[str, object],
    *,
    headline: Mapping[str, str],
) -> None:
    """Print a page and write it as results/NAME.md, with all figures in results/NAME.json.

    lines: Markdown to follow the title, the command, the machine and the date. facts: what the
    lines were made from. headline: the figures for the table in README, by what they are.
    """
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    machine, cores = describe_machine(), usable_cpus()
    load = ", ".join(f"{jobs:.1f}" for jobs in os.getloadavg())
    where = f"{cores} core{'s' if cores > 1 else ''} of {machine['cpu']}, load average {load}"
    page = "\n".join([f"# {title}", "", f"`{command}`, {machine['date']}, {where}.", "", *lines])
    print(page)
    about = {"command": command, "machine": machine | {"cores_used": cores, "load_average": load}}
    report = {**about, "headline": headline, **facts}
    write_text(page + "\n", RESULTS / f"{name}.md")
    write_text(json.dumps(report, indent=2) + "\n", RESULTS / f"{name}.json")
