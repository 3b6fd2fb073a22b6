"""How tables and figures call the losses and the lesions."""

from __future__ import annotations

from shared.data.sets.dermofit import KINDS

LOSSES = {
    "softmax": "softmax",
    "center": "center loss",
    "affinity": "affinity",
    "affinity-m1": "affinity, m = 1",
    "cosen": "CoSen CNN",
}
LESIONS = tuple(kind.names[0] for kind in KINDS)
