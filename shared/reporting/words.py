"""How the report shows the words of verdicts and states, and what it says of a scale."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["done", "not run", "not runnable"]


class Shown(NamedTuple):
    """How a verdict or state is shown: a symbol, a tone of colour, and its meaning for the legend."""

    symbol: str
    tone: str
    meaning: str


WORDS: dict[str, Shown] = {
    "done": Shown("●", "plain", "Regenerated from records of this scale."),
    "matched": Shown("✓", "good", "A value within the tolerance of the printed one; a claim that the records support."),
    "better": Shown("▲", "better", "Beyond the tolerance, on the better side of the printed value."),
    "worse": Shown("▼", "worse", "Beyond the tolerance, on the worse side of the printed value."),
    "contradicted": Shown("✗", "bad", "The records speak against the claim."),
    "inconclusive": Shown("?", "open", "Too few seeds, or too much spread between them, to say either."),
    "not trained": Shown(
        "†",
        "worse",
        "Rests on runs whose training got nowhere, or was cut off while the loss fell: nothing can be read.",
    ),
    "not run": Shown(
        "○", "plain", "Can be run: what is here, if anything, is on other data or smaller than in the paper."
    ),
    "not runnable": Shown(
        "⊘", "plain", "Its data are withdrawn or given on request alone, or nothing of it can be measured."
    ),
    "no evidence": Shown("\N{EN DASH}", "plain", "Made at a scale whose numbers say nothing about the paper."),
    "quoted": Shown("“", "plain", "Taken over by the authors from another paper; never scored."),
    "setting": Shown("=", "plain", "Something the authors chose, such as a size or a count; never scored."),
}
SCORED = frozenset({"matched", "better", "worse", "contradicted", "inconclusive", "not trained"})

SCALES = {
    "smoke": "Every target end to end in minutes: few images, few steps. It shows that the machinery works.",
    "lite": "As large as freely obtainable data and one machine allow.",
    "full": "The protocol, data sets and iterations of the papers.",
    "published": "The records of full and lite runs that are kept in the repository.",
}
