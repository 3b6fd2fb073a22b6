"""AgeDB, by its protocol with a gap of thirty years."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.data.formats.verification_bin import VerificationBin, card_of
from shared.runs.components import Card


class AgeDb30(VerificationBin):
    """AgeDB with a gap of thirty years: 6,000 pairs in ten folds."""

    file: ClassVar[str] = "agedb_30.bin"
    card: ClassVar[Card] = card_of("AgeDB-30", "S. Moschoglou and others (2017), Imperial College", file, 70)
    name: Literal["agedb-30"] = "agedb-30"
