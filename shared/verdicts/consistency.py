"""The paper's own numbers put to the tests of its claims.

A claim whose every quantity is printed must come out as matched by the printed numbers: where it does not, the test is
not of what the paper says, or the paper contradicts itself, which the claim's `erratum` then names.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.runs.claims import Claim
from shared.runs.reference import Reference
from shared.verdicts.claims import judged_in_print
from shared.verdicts.words import Word


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
        if claim.test is None:
            continue
        judgement, evidence = judged_in_print(claim, reference)
        if not evidence.missing():
            found.append(Consistency(claim, judgement.verdict, judgement.reason))
    return found
