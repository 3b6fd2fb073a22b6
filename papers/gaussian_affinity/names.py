"""How tables and figures call the losses, the lesions and the letters that stand for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.data.sets.dermofit import KINDS
from shared.data.sets.emnist_selection import LETTERS

LOSSES = {
    "softmax": "softmax",
    "center": "center loss",
    "affinity": "affinity",
    "affinity-m1": "affinity, m = 1",
    "cosen": "CoSen CNN",
}
LESIONS = tuple(kind.names[0] for kind in KINDS)
CLASSES = {"dermofit": LESIONS, "emnist-lesion-sizes": tuple(LETTERS)}
"""The names of the classes of the data sets of table 2, by data set."""
STAND_INS = {
    "emnist-lesion-sizes": (
        "Letters, not lesions: A to J of EMNIST, as many images of each as Dermofit has of a lesion, drawn anew for "
        "each seed."
    ),
    "omniglot": (
        "Characters, not faces: Omniglot; every second character that is trained on has one to three drawings instead "
        "of twenty. Verification is of the characters of three alphabets that are not trained on, others for each "
        "seed, by as many pairs of two characters as of one."
    ),
}
"""What is said of numbers from data that stand in for the paper's, by data set."""


def slant(names: Iterable[str]) -> dict[str, Any]:
    """Return how names are set below an axis: aslant, that they do not meet, unless they are single letters."""
    if all(len(name) == 1 for name in names):
        return {}
    return {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
