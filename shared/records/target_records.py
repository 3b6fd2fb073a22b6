"""Which records a table or figure is made of."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from shared.records.records import find_records
from shared.records.results import Results
from shared.runs.registry import Paper


def record_paths(paper: Paper, target: str, scale: str, results: Results) -> list[Path]:
    """Return the records that a target is made of; at scale `published`, those of them that are kept."""
    if scale == "published":
        folder = results.paper(scale, paper.key)
        patterns = paper.target(target).runs
        return [
            path
            for path in find_records(folder)
            if any(fnmatchcase(path.parent.parent.relative_to(folder / "runs").as_posix(), run) for run in patterns)
        ]
    return [
        results.record(scale, paper.key, run.name, seed)
        for run in paper.target_runs(target, scale)
        for seed in range(run.seeds)
    ]
