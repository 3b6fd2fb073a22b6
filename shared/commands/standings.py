"""Where all trials stand beside softmax, over all experiments of the papers: a table and a figure, from records."""

from __future__ import annotations

from pathlib import Path

from shared.errors import UserError
from shared.records.results import Results
from shared.reporting.figure import Figure
from shared.reporting.rows import table_view
from shared.reporting.site import TargetSection
from shared.reporting.table import Table
from shared.reporting.trial import standing_figure, standing_table
from shared.runs.registry import SMOKE
from shared.verdicts.outcomes import all_compared, standing_of, trials_of


def standings_of(results: Results, scale: str) -> tuple[Table, Figure] | None:
    """Return the table and the figure of all trials that have records at a scale, None where none has.

    Raises:
        UserError: a record is damaged.

    """
    compared = all_compared(results, scale)
    trials = trials_of(compared)
    if not trials:
        return None
    scores, found = standing_of(compared, trials)
    return standing_table(found), standing_figure(scores, found)


def write_standings(results: Results, scale: str) -> list[Path]:
    """Write them below the folder of the trials and return their paths.

    Raises:
        UserError: no trial has a record, or a record is damaged.

    """
    drawn = standings_of(results, scale)
    if drawn is None:
        raise UserError(f"no trial has a record at scale '{scale}'; make some with: python -m shared try FILE")
    return _write(results, scale, *drawn)


def standings_section(results: Results, scale: str) -> TargetSection | None:
    """Write them likewise, and return them as a report shows them; None where no trial has a record.

    Raises:
        UserError: a record is damaged.

    """
    drawn = standings_of(results, scale)
    if drawn is None:
        return None
    table, figure = drawn
    paths = _write(results, scale, table, figure)
    return TargetSection(
        key="tried",
        title="Losses that were tried, and the papers' own, beside softmax",
        state="done",
        caption=figure.caption,
        notes=table.notes,
        image=next(path for path in paths if path.suffix == ".png"),
        downloads=[path for path in paths if path.suffix != ".png"],
        table=table_view(list(table.display.columns), table.display.to_numpy().tolist()),
        commands=[f"python -m shared standings --scale {scale}"],
    )


def _write(results: Results, scale: str, table: Table, figure: Figure) -> list[Path]:
    folder, no_evidence = results.root / scale / "trials", scale == SMOKE
    return [
        *figure.write(folder / "figure_standings", no_evidence=no_evidence),
        *table.write(folder / "table_standings", no_evidence=no_evidence),
    ]
