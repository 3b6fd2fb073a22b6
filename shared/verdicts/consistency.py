"""The paper's own numbers put to the tests of its claims.

A claim whose every quantity is printed must come out as matched by the printed numbers: where it does not, the test is
not of what the paper says, or the paper contradicts itself, which the claim's `erratum` then names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shared.runs.claims import Claim, listed
from shared.runs.reference import Reference, Value
from shared.verdicts.claims import JUDGES
from shared.verdicts.evidence import Evidence
from shared.verdicts.measurements import Measurements
from shared.verdicts.words import Word

SEEDS = 5
SPREAD = 1e-4
"""Of the made-up seeds, in the last printed digit: too small to hide any difference in print."""


@dataclass(frozen=True)
class Consistency:
    """What the printed numbers say of a claim, whose `erratum` must be given exactly where that is not "matched"."""

    claim: Claim
    verdict: Word
    reason: str

    @property
    def is_explained(self) -> bool:
        """Whether the claim is borne out in print, or names the erratum by which it is not."""
        return (self.verdict == "matched") == (self.claim.erratum is None)

    def __str__(self) -> str:
        """Return the verdict in one line."""
        erratum = f", {self.claim.erratum}" if self.claim.erratum else ""
        return f"{self.claim.id}: {self.verdict}{erratum}" + (
            "" if self.is_explained else f" (unexplained): {self.reason}"
        )


def consistency(reference: Reference) -> list[Consistency]:
    """Judge by the printed numbers each claim whose quantities are all printed, in the order of the reference."""
    found = []
    for claim in reference.claims:
        evidence = Evidence(reference, _in_print(reference.values, claim.targets))
        if claim.test is None:
            continue
        verdict, reason, _ = JUDGES[type(claim.test)](claim.test, evidence)
        if not evidence.missing():
            found.append(Consistency(claim, verdict, reason))
    return found


def _in_print(values: Sequence[Value], targets: Sequence[str]) -> Measurements:
    """Return the printed numbers as if measured; of one that is printed twice, the one in the first of the targets."""
    noise = np.random.default_rng(0)
    places = {target: place for place, target in enumerate(targets)}
    measurements: Measurements = {}
    for value in sorted(values, key=lambda value: places.get(value.target, len(places))):
        if value.value is None or value.run is None or value.metric is None or value.minus:
            continue
        for run in listed(value.run):
            offsets = noise.standard_normal(SEEDS)
            offsets -= offsets.mean()
            seeds = value.value + offsets * SPREAD * 10.0**-value.decimals
            measurements.setdefault((run, value.metric), dict(enumerate(map(float, seeds))))
    return measurements
