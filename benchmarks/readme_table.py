"""Puts the headlines of results/*.json into the table of README.

    python benchmarks/readme_table.py

The table stands between two comments, MARKS; all else in README is left as it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from page import RESULTS

from rtsdb.markdown import markdown_table, replace_between

README = Path(__file__).parent.parent / "README.md"
MARKS = ("<!-- benchmarks: made by make bench -->", "<!-- end of benchmarks -->")


def headlines(results: Path) -> list[list[str]]:
    """A row for each headline of each result: what, the figure with its page, machine and date."""
    rows = []
    for path in sorted(results.glob("*.json")):
        report: dict[str, Any] = json.loads(path.read_text())
        for what, figure in report.get("headline", {}).items():
            machine = report["machine"]
            cores = f"{machine['cores_used']} of {machine['cpu']}"
            link = f"[{figure}](benchmarks/results/{path.stem}.md)"
            rows.append([what, link, cores, machine["date"][:10]])
    return rows


def main() -> None:
    """Read the results, rewrite README."""
    rows = headlines(RESULTS)
    lines = markdown_table(("what", "figure", "cores", "date"), rows, names=4)
    README.write_text(replace_between(README.read_text(), MARKS, lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
