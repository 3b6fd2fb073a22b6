"""Draw a target from records: the only way from numbers to tables and figures."""

from __future__ import annotations

import importlib
from pathlib import Path

from shared.errors import UserError
from shared.records.records import Records
from shared.records.results import Results
from shared.records.target_records import record_paths
from shared.reporting.figure import Figure
from shared.reporting.health_marks import marked
from shared.reporting.table import Table
from shared.runs.registry import Paper


def draw(paper: Paper, target: str, scale: str, results: Results) -> Table | Figure:
    """Draw one target from its records.

    Raises:
        UserError: a record is missing.

    """
    paper.target(target)
    paths = record_paths(paper, target, scale, results)
    if not paths:
        raise UserError(f"no record of {paper.key}/{target} is published; run it at full scale and keep its records.")
    for path in paths:
        if not path.exists():
            run = path.parent.parent.relative_to(results.paper(scale, paper.key) / "runs")
            raise UserError(
                f"{path} is missing; make it with: python -m shared train {paper.key} {run.as_posix()} --scale {scale}"
            )
    function = getattr(importlib.import_module(f"papers.{paper.key}.targets"), target)
    records = Records.read(paths, paper.reference)
    drawn: Table | Figure = function(records)
    return marked(drawn, records)


def render(paper: Paper, target: str, scale: str, results: Results) -> list[Path]:
    """Draw one target from its records and write its files; return their paths.

    Raises:
        UserError: a record is missing.

    """
    drawn = draw(paper, target, scale, results)
    return drawn.write(results.paper(scale, paper.key) / target, no_evidence=scale == "smoke")
