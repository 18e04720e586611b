"""Reports as JSON files: what `rtsdb bench --json` writes and `--compare` reads.

`schema.md` beside this file explains every field.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rtsdb.bench.from_json import from_json
from rtsdb.bench.model import SCHEMA, Report
from rtsdb.errors import UsageError
from rtsdb.files import json_number, write_text
from rtsdb.machine import versions


def write_report(report: Report, path: Path) -> None:
    """Write a report in one piece or not at all; null stands for numbers that are not finite."""
    facts = _without_nan(asdict(report))
    write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", path)


def read_report(path: Path) -> Report:
    """Read what `write_report` wrote; keys that the schema does not have are ignored.

    Raises UsageError naming the file and what is wrong with it.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(facts, dict) or "schema" not in facts:
            raise ValueError("not a report of rtsdb bench --json: it names no schema")
        if facts["schema"] != SCHEMA:
            raise ValueError(_other_schema(facts))
        return from_json(Report, facts)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{path}: {error}") from error


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(entry) for entry in value]
    return json_number(value) if isinstance(value, float) else value


def _other_schema(facts: dict[str, object]) -> str:
    """Why a report of another schema is refused, and which rtsdb reads it."""
    machine = facts.get("machine")
    found = machine.get("versions") if isinstance(machine, dict) else None
    writer = found.get("rtsdb") if isinstance(found, dict) else None
    return (
        f"schema {facts['schema']}; rtsdb {versions().get('rtsdb')} reads schema {SCHEMA}. "
        f"Read it with the rtsdb that wrote it: {writer or 'which one, it does not say'}"
    )
