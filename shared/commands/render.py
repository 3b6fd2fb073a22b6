"""Draw a target from records: the only way from numbers to tables and figures."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd

from shared.commands.again import places
from shared.errors import UserError
from shared.records.results import Results
from shared.records.target_records import found, record_paths
from shared.reporting.figure import Figure, drawing
from shared.reporting.health_marks import marked
from shared.reporting.left_out import left_out
from shared.reporting.table import Table
from shared.runs.registry import Paper
from shared.runs.runs_file import Target


def draw(paper: Paper, target: str, scale: str, results: Results) -> Table | Figure:
    """Draw one target from those of its records that are there and of today's runs, with a note on the others.

    Raises:
        UserError: there is none, or one is damaged.

    """
    drawn, _ = _drawn(paper, target, scale, results)
    return drawn


def _drawn(paper: Paper, target: str, scale: str, results: Results) -> tuple[Table | Figure, list[str]]:
    """Draw a target, and return those of its notes too that tell what it is drawn without."""
    paper.target(target)
    paths = record_paths(paper, target, scale, results)
    if not paths:
        raise UserError(f"no record of {paper.key}/{target} is published; run it at full scale and keep its records.")
    there = found(paper, scale, paths, results)
    there.require_whole()
    if not there.current:
        run, _ = results.place(paths[0])
        problem = there.other.get(paths[0])
        command = f"python -m shared train {paper.key} {run} --scale {scale}{places(results)}"
        raise UserError(f"{paths[0]} is {problem or 'missing'}; make it {'again ' if problem else ''}with: {command}")
    function = getattr(importlib.import_module(f"papers.{paper.key}.targets"), target)
    records = there.records(paper)
    drawn: Table | Figure = marked(function(records) if records.finite else _nothing(paper.target(target)), records)
    without = left_out(paths, there, results)
    return replace(drawn, notes=[*drawn.notes, *without]), without


def _nothing(target: Target) -> Table | Figure:
    """Return a target of which no training stayed finite, so that there is nothing to draw."""
    said = "none of its trainings stayed finite"
    data = pd.DataFrame({target.title: [said]})
    if target.kind == "table":
        return Table(data, data, target.title)
    picture = drawing(height=1)
    picture.axes[0].text(0.5, 0.5, said, ha="center")
    picture.axes[0].set_axis_off()
    return Figure(picture, data=data, caption=f"{target.title}: {said}.")


def render(paper: Paper, target: str, scale: str, results: Results) -> list[Path]:
    """Draw one target from its records and write its files; return their paths, and say which records are left out.

    Raises:
        UserError: as `draw` does.

    """
    drawn, without = _drawn(paper, target, scale, results)
    for note in without:
        print(f"{paper.key}/{target}: {note}", file=sys.stderr)  # noqa: T201
    return drawn.write(results.paper(scale, paper.key) / target, no_evidence=scale == "smoke")
