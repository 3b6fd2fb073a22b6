"""Whether there is anything to report on."""

from __future__ import annotations

from shared.records.records import find_records
from shared.records.results import Results


def has_records(results: Results, scale: str) -> bool:
    """Whether there is a record of any paper at a scale."""
    return any(path for folder in (results.root / scale).glob("*") for path in find_records(folder))
