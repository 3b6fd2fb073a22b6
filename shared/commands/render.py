"""Draw a target from records: the only way from numbers to tables and figures."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

from shared.errors import UserError
from shared.records.records import Records
from shared.records.results import Results
from shared.records.target_records import record_paths
from shared.reporting.figure import Figure
from shared.reporting.health_marks import marked, runs_and_seeds
from shared.reporting.table import Table
from shared.runs.registry import Paper


def draw(paper: Paper, target: str, scale: str, results: Results) -> Table | Figure:
    """Draw one target from those of its records that are there, with a note on those that are not.

    Raises:
        UserError: none is there.

    """
    paper.target(target)
    paths = record_paths(paper, target, scale, results)
    if not paths:
        raise UserError(f"no record of {paper.key}/{target} is published; run it at full scale and keep its records.")
    present = [path for path in paths if path.exists()]
    if not present:
        run = paths[0].parent.parent.relative_to(results.paper(scale, paper.key) / "runs")
        raise UserError(
            f"{paths[0]} is missing; make it with: python -m shared train {paper.key} {run.as_posix()} --scale {scale}"
        )
    function = getattr(importlib.import_module(f"papers.{paper.key}.targets"), target)
    records = Records.read(present, paper.reference)
    drawn: Table | Figure = marked(function(records), records)
    if len(present) == len(paths):
        return drawn
    there = {(record.run, record.seed) for record, _ in records.records}
    needed = [(run.name, seed) for run in paper.target_runs(target, scale) for seed in range(run.seeds)]
    missing = runs_and_seeds(place for place in needed if place not in there)
    return replace(drawn, notes=[*drawn.notes, f"Left out, as there is no record yet: {missing}."])


def render(paper: Paper, target: str, scale: str, results: Results) -> list[Path]:
    """Draw one target from its records and write its files; return their paths.

    Raises:
        UserError: none of its records is there.

    """
    drawn = draw(paper, target, scale, results)
    return drawn.write(results.paper(scale, paper.key) / target, no_evidence=scale == "smoke")
