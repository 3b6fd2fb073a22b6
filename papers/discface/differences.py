"""A table of ours: each method against its base loss, paired over the seeds."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from papers.discface.comparison import CHARACTERS, ON_CHARACTERS
from papers.discface.tables import LARGE, SURVEILLANCE, VERIFICATION
from shared.records.records import Records
from shared.reporting.comparison import SEEDS, difference, evaluated, of_tests, tidy
from shared.reporting.table import Table


@dataclass(frozen=True)
class _Pair:
    """A base loss and a method that adds to it, by label and run."""

    base: str
    base_run: str
    method: str
    method_run: str


PAIRS = (
    _Pair("softmax", "qmul/softmax", "Soft-DiscFace, λ = 1", "qmul/soft-discface"),
    _Pair("CosFace", "qmul/cosface", "Cos-DiscFace, λ = 1", "qmul/cos-discface"),
    _Pair("CosFace", "casia/0", "Cos-DiscFace, λ = 0.2", "casia/0.2"),
    _Pair("ArcFace", "ms1m/arcface", "with center loss", "ms1m/arc-center"),
    _Pair("ArcFace", "ms1m/arcface", "with contrastive loss", "ms1m/arc-contrastive"),
    _Pair("ArcFace", "ms1m/arcface", "with triplet loss", "ms1m/arc-triplet"),
    _Pair("ArcFace on pairs", "ms1m/arcface-paired", "with contrastive loss", "ms1m/arc-contrastive"),
    _Pair("ArcFace on pairs", "ms1m/arcface-paired", "with triplet loss", "ms1m/arc-triplet"),
    _Pair("ArcFace on pairs", "ms1m/arcface-paired", "Arc-DiscFace on pairs, λ = 0.2", "ms1m/arc-discface-paired"),
    _Pair("ArcFace", "ms1m/arcface", "Arc-DiscFace, λ = 0.2", "ms1m/arc-discface"),
    _Pair("ArcFace, long tail", "ms1m-lt/arcface", "with center loss", "ms1m-lt/arc-center"),
    _Pair("ArcFace, long tail", "ms1m-lt/arcface", "Arc-DiscFace, λ = 0.2", "ms1m-lt/arc-discface"),
)
NAMES = {place: name for name, place in CHARACTERS.items()}


def table_characters(records: Records) -> Table:
    """Ours: each method against its base loss, paired over the seeds."""
    asked = list(dict.fromkeys([*CHARACTERS.values(), *SURVEILLANCE.values(), *VERIFICATION.values(), *LARGE.values()]))
    trained_on = {run.run: str(run.config["data"]["name"]) for run in records.first_seeds().values()}
    rows, tests = [], []
    for pair in PAIRS:
        for benchmark, metric in asked:
            found = difference(records, pair.base_run, pair.method_run, (benchmark, metric))
            if found is None:
                continue
            tests.append(found.test.test)
            compared = {
                "Base": pair.base,
                "Method": pair.method,
                "Trained on": trained_on[pair.method_run],
                "Metric": NAMES.get((benchmark, metric), f"{benchmark}, {metric.replace('tar@', 'TAR @ FAR ')}"),
            }
            rows.append(compared | found.cells())
    columns = ["Base", "Method", "Trained on", "Metric", "Base (measured)", "Method (measured)"]
    return Table(
        data=tidy(records, asked),
        display=pd.DataFrame(rows or [dict.fromkeys(columns, "not run")]),
        caption="Each method against its base loss (%), paired over the seeds",
        notes=[
            f"{SEEDS} Difference: method minus base, mean over the seeds that both have; a seed is the same start of "
            "the network and the same order of images. The contrastive and the triplet loss have batches of pairs of "
            "images of one class, so that their order is another than that of ArcFace, but the same as that of "
            "ArcFace on pairs.",
            *([ON_CHARACTERS] if not evaluated(records).isdisjoint(CHARACTERS.values()) else []),
            of_tests(tests),
        ],
    )
