"""What anyone can still run of a paper, on data that are fetched or made: how much that is, and what it decides."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from math import isnan

from shared.records.records import Record
from shared.rehearsal.left import lacking, once
from shared.reporting.takes import device_hours
from shared.runs.catalogue import evaluations
from shared.runs.claims import Claim, asked, listed
from shared.runs.config import Run
from shared.runs.reference import TRAINING, Value
from shared.runs.registry import SMOKE, Paper
from shared.verdicts.verdicts import Verdicts
from shared.verdicts.words import counted


def outlook(paper: Paper, scales: Sequence[str], records: Iterable[Record]) -> str:
    """Return in a sentence how many trainings of a paper's targets are left, and how long they take; "" if none are.

    Each run is taken at the first of the scales at which its data are fetched or made, and is left for every one of its
    seeds that `records` do not have. Runs configured alike share a training, which counts once.
    """
    runs, kept = _runs(paper, scales), list(records)
    there = {(one.run, one.seed) for one in kept if one.run in runs and one.config_hash == runs[one.run].hash}
    left: dict[str, int] = {}
    hours = []
    for one in once(lacking(runs.values(), there, {record.config_hash: record for record in kept})):
        if count := len(one.seeds) - one.others:
            left[one.run.scale] = left.get(one.run.scale, 0) + count
            hours.append(one.hours)
    if not left:
        return ""
    (scale, count), *more = left.items()
    trainings = f"{counted(count, 'training')} at {scale} scale"
    trainings += "".join(f" and {count} at {scale}" for scale, count in more)
    known = [one for one in hours if not isnan(one)]
    takes = f"some {device_hours(sum(known))}"
    if len(known) < len(hours):
        takes += f" and those of {len(hours) - len(known)} runs of unknown length"
    are = "is" if sum(left.values()) == 1 else "are"
    return f"On data that anyone can have, {trainings} {are} left to run, which takes {takes}."


def _runs(paper: Paper, scales: Sequence[str]) -> dict[str, Run]:
    """Return the runs of a paper's targets that anyone can train, by name."""
    found: dict[str, Run] = {}
    for scale in scales:
        for target in paper.targets:
            for run in paper.target_runs(target, scale):
                if run.config.data.obtainable:
                    found.setdefault(run.name, run)
    return found


Measured = Mapping[str, Collection[str]]
"""By the hash of a configuration, what its records have, each a "benchmark/metric"."""


def measured(records: Iterable[Record]) -> Measured:
    """Return what the records of each configuration have."""
    found: dict[str, set[str]] = {}
    for record in records:
        names = (f"{benchmark}/{metric}" for benchmark, of in record.metrics.items() for metric in of)
        found.setdefault(record.config_hash, set()).update(names)
    return found


def can_be_tested(paper: Paper, claim: Claim, scales: Sequence[str], there: Measured) -> bool:
    """Whether at one of the scales all that the test of a claim takes is measured on data that are fetched or made."""
    if claim.test is None:
        return False
    return _are_free(paper, list(asked(claim.test)), scales, there, on_its_data=claim.on_its_data)


def as_can_be_run(verdicts: Verdicts, paper: Paper, records: Iterable[Record]) -> Verdicts:
    """Return verdicts in which what is not run is not runnable, unless data that anyone can have suffice for it."""
    scales, there = left_at(verdicts.scale), measured(records)
    if not scales:
        return verdicts
    claims = [
        claim.model_copy(update={"verdict": "not runnable"})
        if claim.verdict == "not run" and not can_be_tested(paper, claim, scales, there)
        else claim
        for claim in verdicts.claims
    ]
    values = [
        value.model_copy(update={"verdict": "not runnable"})
        if value.verdict == "not run" and not _can_be_measured(paper, value, scales, there)
        else value
        for value in verdicts.values
    ]
    return replace(verdicts, claims=claims, values=values)


def left_at(scale: str) -> Sequence[str]:
    """Return the scales at which more could be run than what a report of a scale shows."""
    return {"published": ("full", "lite"), SMOKE: ()}.get(scale, (scale,))


def _can_be_measured(paper: Paper, value: Value, scales: Sequence[str], there: Measured) -> bool:
    """Whether at one of the scales all that a printed number is an average of is measured on free data of its own."""
    places = list(itertools.product(listed(value.run or ""), listed(value.metric or "")))
    return _are_free(paper, places, scales, there, on_its_data=True)


def measures(paper: Paper, scale: str, name: str, metric: str, there: Measured, *, on_its_data: bool) -> bool:
    """Whether a run at a scale is trained on what a claim asks for, the paper's own data or any, and has its metric.

    Where the benchmark left a metric out of the records that are there, such as one of twenty images of classes that
    have fewer, no other training at that scale would have it.
    """
    run, full = paper.runs(scale).get(name), paper.runs("full").get(name)
    if run is None:
        return False
    if on_its_data and full is not None and run.config.data.name != full.config.data.name:
        return False
    benchmark = metric.partition("/")[0]
    of_benchmark = [known for known in there.get(run.hash, ()) if known.startswith(f"{benchmark}/")]
    if of_benchmark and metric not in of_benchmark:
        return False
    return benchmark == TRAINING or benchmark in run.config.benchmarks


def _are_free(
    paper: Paper, places: Collection[tuple[str, str]], scales: Sequence[str], there: Measured, *, on_its_data: bool
) -> bool:
    """Whether at one of the scales all metrics of runs are measured on data that are fetched or made."""
    return any(
        all(_is_free(paper, scale, *place, there, on_its_data=on_its_data) for place in places) for scale in scales
    )


def _is_free(paper: Paper, scale: str, name: str, metric: str, there: Measured, *, on_its_data: bool) -> bool:
    if not measures(paper, scale, name, metric, there, on_its_data=on_its_data):
        return False
    run, benchmark = paper.run(name, scale), metric.partition("/")[0]
    if not run.config.data.obtainable or benchmark == TRAINING:
        return run.config.data.obtainable
    images = evaluations(run, [benchmark])[benchmark].images
    return images is None or images.obtainable
