"""What there is: papers, their targets and their runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from shared.commands.terminal import BOLD, coloured, table, width
from shared.runs.registry import Paper


def lines(entries: Sequence[Paper], *, runs: bool) -> Iterator[str]:
    """Yield what `list` prints: of each paper its targets, one a line, with the number of their runs, and its runs."""
    for entry in entries:
        yield coloured(f"{entry.key}: {entry.title}", BOLD)
        cells = [
            (f"  {target.kind} {name}", _counted(len(entry.target_runs(name, "full"))), target.title)
            for name, target in entry.targets.items()
        ]
        yield from table(cells, width(), right=(1,))
        for name in entry.names if runs else ():
            yield f"  run {name}"


def _counted(runs: int) -> str:
    return "1 run " if runs == 1 else f"{runs} runs"


def as_json(entries: Sequence[Paper]) -> str:
    """Return what `list` tells, for programs: of each target also the names of its runs."""
    told = {
        entry.key: {
            "title": entry.title,
            "targets": {
                name: {
                    "kind": target.kind,
                    "title": target.title,
                    "ours": target.ours,
                    "runs": [run.name for run in entry.target_runs(name, "full")],
                }
                for name, target in entry.targets.items()
            },
            "runs": entry.names,
        }
        for entry in entries
    }
    return json.dumps(told, indent=1, ensure_ascii=False)
