"""Write the report of a trial: what its records and those of other losses say, experiment by experiment."""

from __future__ import annotations

import datetime
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from shared.records.records import write_json
from shared.records.shown_equal import read_shown_equal
from shared.records.trials import Attempt
from shared.reporting.provenance import provenance
from shared.reporting.site import ProvenanceRow, Site
from shared.reporting.table import Table
from shared.reporting.trial import (
    Part,
    chart,
    comparisons,
    curve,
    embeddings,
    standing_figure,
    standing_table,
)
from shared.reporting.trial_page import TrialPage, write_trial_page
from shared.runs.config import Run
from shared.runs.experiments import Experiment
from shared.runs.own_calls import said
from shared.runs.registry import SMOKE, papers
from shared.training.cost import beside_softmax
from shared.verdicts.outcomes import Outcome, outcomes_of, standing_of, trials_of
from shared.verdicts.words import MOST_NAMED


def write_trial_report(attempt: Attempt) -> Path:
    """Write the page, figures and data of a trial from the records that are there; return the page.

    Raises:
        UserError: a record is damaged.

    """
    outcomes = outcomes_of(attempt)
    found = [outcome for outcome in outcomes if outcome.own.records or outcome.own.aside]
    parts = [_over_all(found), *_families(attempt, found), *_cost(attempt, found), *_search(attempt, found)]
    parts += _missing(attempt, outcomes)
    table = comparisons(outcomes)
    index = attempt.results.report(attempt.scale)
    commits = {record.provenance.commit[:10] for outcome in found for record, _ in outcome.own.records}
    data = {
        "trial": attempt.trial.name,
        "scale": attempt.scale,
        "comparisons": json.loads(table.to_json(orient="records")),
        **{table.caption: json.loads(table.data.to_json(orient="records")) for part in parts for table in part.tables},
    }
    page = TrialPage(
        name=attempt.trial.name,
        says=_says(attempt, outcomes),
        parts=[part for part in parts if part.versus or part.tables or part.figures],
        sources=_sources(attempt),
        commands=[_command(attempt, outcomes)],
        files={
            "comparisons.csv": table.to_csv(index=False),
            "trial.json": json.dumps(data, indent=1, sort_keys=True) + "\n",
        },
    )
    site = Site(
        scale=attempt.scale,
        no_evidence=attempt.scale == SMOKE,
        commit=", ".join(sorted(commits)) or "none",
        created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        papers=[],
    )
    write_trial_page(page, site, index.parent)
    write_json(attempt.results.of_trial(attempt.scale) / "trial.json", data)
    return index


def _says(attempt: Attempt, outcomes: Sequence[Outcome]) -> str:
    named = attempt.trial.file.loss if isinstance(attempt.trial.file.loss, str) else attempt.trial.file.loss["name"]
    what = [f"the loss {named}"] + ([f"the sampler {attempt.trial.file.sampler}"] if attempt.trial.file.sampler else [])
    own_order = attempt.trial.file.sampler or any(path.startswith("scheme") for path in attempt.trial.file.set)
    order = "" if own_order else ", order of images"
    there = [outcome for outcome in outcomes if outcome.own.seeds or outcome.own.aside]
    left: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome not in there:
            left.setdefault(outcome.own.lacks or "no record yet", []).append(outcome.experiment.key)
    untold = " or ".join(f"{_named(keys)} ({reason})" for reason, keys in left.items())
    return (
        f"What was tried is {' with '.join(what)}, in {len(there)} of {len(outcomes)} experiments asked for. "
        f"{f'Nothing is told of {untold}. ' if untold else ''}"
        f"In each it stands where the paper's own loss stands, with the same network, data, schedule{order} and seeds. "
        "Differences are paired by seed; they are positive where they are to its credit. Beside them "
        "stand the means of both sides, ± the standard deviation over the seeds that both have, with their number."
    )


def _named(keys: Sequence[str]) -> str:
    return ", ".join(keys) if len(keys) <= MOST_NAMED else f"{len(keys)} experiments"


def _over_all(found: Sequence[Outcome]) -> Part:
    if not found:
        return Part("all", "Over all experiments")
    scores, standing = standing_of(found, trials_of(found))
    picture = chart(found)
    figures, tables = {"chart": picture} if picture else {}, []
    if any(entry.compared for entry in standing):
        figures["standing"] = standing_figure(scores, standing)
        tables = [standing_table(standing)]
    return Part("all", "Over all experiments", figures=figures, tables=tables)


def _families(attempt: Attempt, found: Sequence[Outcome]) -> Iterator[Part]:
    families: dict[str, list[Outcome]] = {}
    for outcome in found:
        families.setdefault(outcome.family, []).append(outcome)
    for family, outcomes in families.items():
        key = family.replace("/", "-")
        first = outcomes[0].experiment
        paper = papers()[first.paper]
        drawn = any(method.seeds for outcome in outcomes for method in outcome.methods)
        has_curve = drawn and first.over and (len(outcomes) > 1 or first.levels)
        figures = {f"{key}-curve": curve(outcomes)} if has_curve else {}
        for outcome in outcomes:
            picture = embeddings(outcome)
            if picture is not None:
                figures[f"{outcome.experiment.key.replace('/', '-')}-embeddings"] = picture
        titles = ", ".join(f"{name} ({paper.target(name).title})" for name in first.targets)
        yield Part(
            key=key,
            title=family.replace("_", " ").replace("/", ": "),
            says=f"In the place of {first.own} of {titles}; measured by {first.metric}.",
            versus=[versus for outcome in outcomes for versus in outcome.versus],
            figures=figures,
            provenance=[row for outcome in outcomes for row in _provenance(attempt, outcome)],
        )


def _provenance(attempt: Attempt, outcome: Outcome) -> list[ProvenanceRow]:
    """Return how all runs of a trial in an experiment were made, those of a search and at levels of lambda too."""
    measures = [outcome.own, *outcome.weights.values()]
    return provenance(
        [record for run in attempt.known(outcome.experiment) for record, _ in attempt.seeds_of(run).values()],
        _TrialRuns(attempt, outcome.experiment),
        read_shown_equal(attempt.results.same_bits()),
        {place: health for method in measures for place, health in method.healths.items()},
        {},
    )


@dataclass(frozen=True)
class _TrialRuns:
    """The runs of a trial in an experiment, as a paper's are."""

    attempt: Attempt
    experiment: Experiment

    def runs(self, scale: str) -> Mapping[str, Run]:
        """Return them by name."""
        known = self.attempt.known(self.experiment) if scale == self.attempt.scale else []
        return {run.name: run for run in known}


def _cost(attempt: Attempt, found: Sequence[Outcome]) -> Iterator[Part]:
    rows: dict[tuple[int, int, int], dict[str, Any]] = {}
    for outcome in (outcome for outcome in found if outcome.own.records):
        config = attempt.trial.runs(outcome.experiment, 1, attempt.searched(outcome.experiment))[0].config
        counts = outcome.own.records[0][0].data.counts["train"]
        shape = (config.backbone.embedding, len(counts), config.training.batch_size)
        if shape not in rows:
            rows[shape] = dict(zip(("dimensions", "classes", "batch"), shape, strict=True))
            try:
                own, softmax = beside_softmax(config, counts)
            except Exception as error:
                rows[shape]["not measured, as it raises"] = said(error)
                continue
            rows[shape] |= {
                "milliseconds": own.milliseconds,
                "milliseconds of softmax": softmax.milliseconds,
                "MiB": own.mebibytes,
                "MiB of softmax": softmax.mebibytes,
                "of a training step": _share(own.milliseconds, outcome),
            }
    if rows:
        data = pd.DataFrame(rows.values())
        note = (
            "Forward and backward pass of the loss alone, in turns with softmax, on this machine; the median of some."
        )
        yield Part(
            "cost",
            "Cost of a step",
            tables=[Table(data, _rounded(data.fillna("–")), "Time and memory beside softmax", [note])],
        )


def _rounded(data: pd.DataFrame) -> pd.DataFrame:
    return data.map(lambda value: f"{value:.3g}" if isinstance(value, float) else value)


def _share(milliseconds: float, outcome: Outcome) -> str:
    record, _ = outcome.own.records[0]
    step = 1000 * record.config["training"]["batch_size"] / record.provenance.images_per_second
    return f"{100 * milliseconds / step:.1f} %"


def _search(attempt: Attempt, found: Sequence[Outcome]) -> Iterator[Part]:
    rows = []
    for outcome in found:
        searched = attempt.searched(outcome.experiment)
        if searched is not None:
            rows += [
                {
                    "experiment": outcome.experiment.key,
                    **tried.settings,
                    "held-out error (%)": tried.error,
                    "chosen": "yes" if tried.settings == searched.chosen else "",
                    "seconds of all": searched.seconds,
                }
                for tried in searched.tried
            ]
    if rows:
        data = pd.DataFrame(rows)
        note = "One training of seed 0 for each; the error on held-out training images, averaged over the classes."
        yield Part("search", "Search of settings", tables=[Table(data, _rounded(data), "What was tried", [note])])


def _missing(attempt: Attempt, outcomes: Sequence[Outcome]) -> Iterator[Part]:
    rows = [
        {
            "experiment": outcome.experiment.key,
            "method": method.label,
            "seeds there": f"{len(method.seeds)} of {attempt.seeds}"
            + (f", {len(method.aside)} not trained" if method.aside else ""),
            "why": method.lacks or next(iter(method.aside.values()), "no record"),
        }
        for outcome in outcomes
        for method in outcome.methods
        if len(method.seeds) < attempt.seeds
    ]
    if rows:
        data = pd.DataFrame(rows)
        note = (
            "Compared are the seeds that both sides have. --train-others trains those of the paper's that are missing."
        )
        yield Part("missing", "What is not there", tables=[Table(data, data, "Methods with fewer seeds", [note])])


def _sources(attempt: Attempt) -> dict[str, str]:
    """Return the file of the trial and the modules of one's own, by their paths beside it."""
    paths = [attempt.trial.path]
    for code in attempt.trial.own_code:
        paths += code.files()
    beside = attempt.trial.path.parent
    return {path.relative_to(beside).as_posix(): path.read_text(encoding="utf-8") for path in dict.fromkeys(paths)}


def _command(attempt: Attempt, outcomes: Sequence[Outcome]) -> str:
    """Return the command that makes the report again; published records are there, the others' are to be trained."""
    here = attempt.results.root / attempt.scale
    theirs = [method for outcome in outcomes for method in outcome.methods[1:] if not outcome.is_trial(method)]
    others = any(folder.is_relative_to(here) for method in theirs for _, folder in method.records)
    every = len(attempt.papers) == len(papers())
    named = [] if every else ["--paper", *attempt.papers]
    named += ["--target", *attempt.targets] if attempt.targets else []
    named += ["--scale", attempt.scale, "--seeds", str(attempt.seeds)] + (["--train-others"] if others else [])
    return shlex.join(["python", "-m", "shared", "try", os.path.relpath(attempt.trial.path), *named])
