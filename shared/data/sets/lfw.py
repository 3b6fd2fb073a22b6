"""Labelled Faces in the Wild."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.data.formats.verification_bin import VerificationBin, card_of
from shared.runs.components import Card


class Lfw(VerificationBin):
    """Labelled Faces in the Wild: 6,000 pairs in ten folds."""

    file: ClassVar[str] = "lfw.bin"
    card: ClassVar[Card] = card_of("LFW", "G. B. Huang and others (2007), University of Massachusetts", file, 65)
    name: Literal["lfw"] = "lfw"
