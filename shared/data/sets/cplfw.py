"""Cross-Pose LFW."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.data.formats.verification_bin import VerificationBin, card_of
from shared.runs.components import Card


class CpLfw(VerificationBin):
    """Cross-Pose LFW: 6,000 pairs in ten folds."""

    file: ClassVar[str] = "cplfw.bin"
    card: ClassVar[Card] = card_of("CPLFW", "T. Zheng, W. Deng (2018), BUPT", file, 65)
    name: Literal["cplfw"] = "cplfw"
