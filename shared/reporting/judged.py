"""What a set of records says of a paper: the verdicts, and the health of the trainings that they rest on."""

from __future__ import annotations

from shared.records.records import Records
from shared.reporting.health_marks import Healths, healths
from shared.runs.registry import SMOKE, Paper
from shared.verdicts.verdicts import Verdicts, judge


def judged(paper: Paper, scale: str, records: Records) -> tuple[Verdicts, Healths]:
    """Judge a paper's numbers and claims by records of a scale, without the seeds whose training got nowhere.

    What else ails a training, each number and claim that rests on it says.
    """
    found = healths(records)
    untrained = {place: health.reason for place, health in found.items() if scale != SMOKE and not health.trained}
    warned = {place: health.word for place, health in found.items() if health.trained and health.ills}
    elsewhere, smaller = ({}, {}) if scale == SMOKE else (_elsewhere(paper, records), _smaller(paper, records))
    verdicts = judge(
        paper.reference, records.table, scale, elsewhere, smaller=smaller, untrained=untrained, warned=warned
    )
    return verdicts, found


def _elsewhere(paper: Paper, records: Records) -> dict[str, str]:
    """Return the runs that were trained on another data set than at full scale, and which that is."""
    full = paper.runs("full")
    return {
        record.run: record.data.name
        for record, _ in records.records
        if record.run in full and record.data.name != full[record.run].config.data.name
    }


def _smaller(paper: Paper, records: Records) -> dict[str, str]:
    """Return the runs that were trained otherwise than at full scale has it, and at which scale."""
    full = paper.runs("full")
    return {
        record.run: record.scale
        for record, _ in records.records
        if record.scale != "full" and record.run in full and record.config_hash != full[record.run].hash
    }
