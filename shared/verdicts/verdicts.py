"""Judge a paper's printed numbers and claims by the records: pure functions of a reference and a table.

The table has one row per run, seed, benchmark and metric, and its value, in columns of these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from shared.runs.reference import Reference
from shared.verdicts.claims import judge_claims
from shared.verdicts.values import judge_values


def verdicts(
    reference: Reference, table: pd.DataFrame, scale: str, elsewhere: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the verdicts of every printed number and every claim as plain data, ready for JSON.

    `elsewhere`, and what is raised, as for `judge_values`.
    """
    return {
        "scale": scale,
        "values": [verdict.as_dict() for verdict in judge_values(reference, table, scale, elsewhere)],
        "claims": [verdict.as_dict() for verdict in judge_claims(reference, table, scale)],
    }
