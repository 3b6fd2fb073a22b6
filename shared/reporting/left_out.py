"""What is said of the records that a target is drawn without."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from shared.records.results import Results
from shared.records.target_records import Found
from shared.verdicts.words import runs_and_seeds


def left_out(paths: Iterable[Path], there: Found, results: Results) -> list[str]:
    """Return the notes on those of the records at `paths` that are not there, or are not those of today's runs."""
    return [
        f"Left out, as there is no record yet: {named}."
        if not reason
        else f"Left out, as the record is {reason}: {named}; to be trained again."
        for reason, named in _by_reason(paths, there, results).items()
    ]


def _by_reason(paths: Iterable[Path], there: Found, results: Results) -> dict[str, str]:
    reasons: dict[str, list[Path]] = {}
    for path in paths:
        if path not in there.current:
            reasons.setdefault(there.other.get(path, ""), []).append(path)
    return {reason: runs_and_seeds(map(results.place, places)) for reason, places in reasons.items()}
