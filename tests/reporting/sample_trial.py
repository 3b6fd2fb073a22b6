"""Made-up measurements of a loss of one's own, and the page of its trial."""

from __future__ import annotations

import json

import pandas as pd

from shared.reporting.table import Table
from shared.reporting.trial import Part, comparisons, curve, standing_figure
from shared.reporting.trial_page import TrialPage
from shared.runs.experiments import Experiment, experiments
from shared.runs.registry import paper
from shared.verdicts.outcomes import Outcome, standing_of, trials_of
from shared.verdicts.trials import Measured, judged


def outcome(experiment: Experiment, gain: float) -> Outcome:
    """Return what is said of "mine", better than softmax by `gain` and a little noise, with no record of others."""
    theirs = {seed: 10.0 + seed / 2 for seed in range(5)}
    own = Measured("mine", {seed: value - gain + 0.1 * (seed % 2) for seed, value in theirs.items()})
    rivals = [Measured(rival.label, theirs if rival.label == "softmax" else {}) for rival in experiment.rivals]
    said = judged([(experiment, own, rival) for rival in rivals], "lite")
    return Outcome(experiment, [own, *rivals], versus=said)


def noise_outcomes() -> list[Outcome]:
    """Return what is said of "mine" on noisy digits, the better the more noise there is."""
    found = [entry for entry in experiments(paper("gaussian_affinity"), "lite") if entry.over == "noise"]
    return [outcome(experiment, gain=2 * (experiment.at or 0)) for experiment in found]


def sample_page(noise: list[Outcome]) -> TrialPage:
    """Return the page of a trial with figures, a table, comparisons, sources, commands and files."""
    scores, found = standing_of(noise, trials_of(noise))
    parts = [
        Part("all", "Over all experiments", figures={"standing": standing_figure(scores, found)}),
        Part(
            "noise",
            "Noise",
            versus=[versus for entry in noise for versus in entry.versus],
            tables=[Table(pd.DataFrame({"a": [1]}), pd.DataFrame({"a": ["1"]}), "A table", ["Its note."])],
            figures={"noise-curve": curve(noise)},
        ),
    ]
    table = comparisons(noise)
    return TrialPage(
        name="mine",
        says="What it is.",
        parts=parts,
        sources={"mine.py": "if a < b: pass"},
        commands=["python -m shared try mine.yaml"],
        files={"comparisons.csv": table.to_csv(index=False), "trial.json": json.dumps({})},
    )
