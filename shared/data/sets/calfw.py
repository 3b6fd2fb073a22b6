"""Cross-Age LFW."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.data.formats.verification_bin import VerificationBin, card_of
from shared.runs.components import Card


class CaLfw(VerificationBin):
    """Cross-Age LFW: 6,000 pairs in ten folds."""

    file: ClassVar[str] = "calfw.bin"
    card: ClassVar[Card] = card_of("CALFW", "T. Zheng, W. Deng, J. Hu (2017), BUPT", file, 70)
    name: Literal["calfw"] = "calfw"
