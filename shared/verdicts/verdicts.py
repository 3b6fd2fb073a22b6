"""Judge a paper's printed numbers and claims by the records: pure functions of a reference and a table.

The table has one row per run, seed, benchmark and metric, and its value, in columns of these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from shared.runs.reference import Reference
from shared.verdicts.claims import ClaimVerdict, judge_claims
from shared.verdicts.untrained import Untrained, Warned
from shared.verdicts.values import ValueVerdict, judge_values
from shared.verdicts.words import trained_on, trained_smaller


@dataclass(frozen=True)
class Verdicts:
    """What the records of a scale say of every printed number and of every claim of a paper."""

    scale: str
    values: list[ValueVerdict]
    claims: list[ClaimVerdict]

    def as_dict(self) -> dict[str, Any]:
        """Return them as plain data, ready for JSON."""
        return {
            "scale": self.scale,
            "values": [verdict.as_dict() for verdict in self.values],
            "claims": [verdict.as_dict() for verdict in self.claims],
        }


def judge(
    reference: Reference,
    table: pd.DataFrame,
    scale: str,
    elsewhere: Mapping[str, str] | None = None,
    *,
    smaller: Mapping[str, str] | None = None,
    untrained: Untrained | None = None,
    warned: Warned | None = None,
) -> Verdicts:
    """Return the verdicts of every printed number and every claim, in the order of the reference.

    `elsewhere` names the runs that were trained on other data than the paper's, and on which; `smaller` those that were
    trained on its data, but smaller than in the paper, and at which scale. Their numbers are not compared with printed
    ones. `untrained`, `warned`, and what is raised, as for `judge_claims`.
    """
    claims = judge_claims(reference, table, scale, elsewhere, untrained=untrained, warned=warned)
    unlike = {run: trained_smaller(at) for run, at in (smaller or {}).items()}
    unlike |= {run: trained_on([data]) for run, data in (elsewhere or {}).items()}
    values = judge_values(reference, table, scale, claims, unlike, untrained=untrained, warned=warned)
    return Verdicts(scale, values, claims)
