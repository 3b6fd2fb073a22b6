"""The marks of what was measured of trainings that got nowhere, or of which something else is to be said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar, get_args

from shared.records.records import Records
from shared.reporting.figure import Figure, say_above
from shared.reporting.table import Table
from shared.runs.registry import SMOKE
from shared.verdicts.health import VOID, Health, Ill, of_runs
from shared.verdicts.training import recorded_health
from shared.verdicts.words import runs_and_seeds

NOT_TRAINED, WARNED = "†", "‡"
Healths = Mapping[tuple[str, int], Health]
"""By run and seed."""
Drawn = TypeVar("Drawn", bound=Table | Figure)


@lru_cache(maxsize=4)
def healths(records: Records) -> Healths:
    """Return what ails each training; of the smoke scale, whose numbers are no evidence anyway, what is not finite."""
    judged = ((record, folder) for record, folder in records.records if record.scale != SMOKE or record.not_finite)
    return of_runs({(record.run, record.seed): recorded_health(record, folder) for record, folder in judged})


def mark(records: Records, runs: Iterable[str]) -> str:
    """Return the mark of a number measured over runs, the gravest that a seed of them has; "" where all are well."""
    named = set(runs)
    found = [health for (run, _), health in healths(records).items() if run in named]
    if not all(health.trained for health in found):
        return NOT_TRAINED
    return WARNED if any(health.ills for health in found) else ""


def notes(found: Healths) -> list[str]:
    """Return what the two marks mean in a target, each with the runs that have it."""
    ailing = {ill: [place for place, health in found.items() if ill in health.ills] for ill in get_args(Ill)}
    said = {
        sign: ", ".join(
            f"{ill} ({runs_and_seeds(places)})" for ill, places in ailing.items() if places and (ill in VOID) is void
        )
        for sign, void in ((NOT_TRAINED, True), (WARNED, False))
    }
    meanings = {
        NOT_TRAINED: "not trained and in no verdict, though in the means that are shown, but for what is not finite",
        WARNED: "trained, but",
    }
    return [f"{sign} {meanings[sign]}: {ills}." for sign, ills in said.items() if ills]


def marked(drawn: Drawn, records: Records) -> Drawn:
    """Return a target with the notes on its marks; a figure with what was not trained says what the mark means."""
    if isinstance(drawn, Figure) and not drawn.of_training:
        return drawn
    found = healths(records)
    if isinstance(drawn, Figure) and not all(health.trained for health in found.values()):
        say_above(drawn.drawing, f"{NOT_TRAINED} not trained")
    return replace(drawn, notes=[*drawn.notes, *notes(found)])
