"""Made-up records, printed numbers and claims of every kind, for the tests of verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from shared.runs.citation import Citation
from shared.runs.claims import Claim
from shared.runs.reference import Reference, Value
from shared.verdicts.claims import ClaimVerdict, judge_claims

CITATION = Citation(title="A paper", authors=("A. Author",), year=2019, venue="A venue")
Records = Mapping[str, Sequence[float] | Mapping[int, float]]
ERROR = "mnist-test/error"
LOWER = {
    "kind": "lower",
    "less": {"runs": "*/ours", "metric": ERROR},
    "than": {"runs": "*/theirs", "metric": ERROR},
    "levels": [0.5, 1],
}
WITHIN = {
    "kind": "within",
    "one": {"runs": "*/ours", "metric": ERROR},
    "other": {"runs": "*/theirs", "metric": ERROR},
    "tolerance": 0.2,
    "levels": ["0.5", "1"],
}
LARGER_GAP = {
    "kind": "larger_gap",
    "of": {"runs": "*/theirs", "metric": ERROR},
    "over": {"runs": "*/ours", "metric": ERROR},
    "at": [0.025],
    "base": 1,
}
RISES = {"kind": "rises", "runs": ["a/*", "b/*"], "metric": ERROR, "levels": [0.1, 0.2, 0.5]}
BEST = {"kind": "best_within", "runs": "s/*", "metric": ERROR, "levels": [1, 5, 20, 50], "best": [5, 20]}
PLATEAU = {
    "kind": "plateau",
    "runs": "m/*",
    "metric": ERROR,
    "levels": [1, 2, 5, 10, 20],
    "begins": 5,
    "tolerance": 0.5,
}
ONE_FAILS = {
    "kind": "one_fails",
    "runs": "t/*",
    "metric": "mnist-test/accuracy",
    "levels": ["w", "x", "y", "z"],
    "among": ["w", "y"],
    "below": 50,
}


def records(values: Records, metric: str = "mnist-test/accuracy") -> pd.DataFrame:
    """Return the tidy table of runs with one value a seed."""
    benchmark, name = metric.split("/")
    rows = [
        (run, seed, benchmark, name, value)
        for run, seeds in values.items()
        for seed, value in (seeds if isinstance(seeds, Mapping) else dict(enumerate(seeds))).items()
    ]
    return pd.DataFrame(rows, columns=["run", "seed", "benchmark", "metric", "value"])


def printed(**changes: Any) -> Value:
    cell: dict[str, Any] = {
        "target": "table1",
        "row": "a",
        "column": "Ours",
        "value": 99.0,
        "decimals": 1,
        "unit": "%",
        "where": "Table 1",
        "source": "own",
        "run": "a",
        "metric": "mnist-test/accuracy",
    }
    return Value.model_validate({key: value for key, value in (cell | changes).items() if value is not ...})


def judge_claim(
    test: dict[str, Any], table: pd.DataFrame, scale: str = "full", values: tuple[Value, ...] = ()
) -> ClaimVerdict:
    claim = Claim.model_validate({"id": "C", "says": "so it is", "where": "Sec. 1", "test": test})
    return judge_claims(Reference(CITATION, values, (claim,), ()), table, scale)[0]
