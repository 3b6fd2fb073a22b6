"""Celebrities in Frontal-Profile, and its two protocols."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.data.formats.verification_bin import VerificationBin, card_of
from shared.runs.components import Card


class CfpFf(VerificationBin):
    """Celebrities in Frontal-Profile, frontal against frontal: 7,000 pairs in ten folds."""

    file: ClassVar[str] = "cfp_ff.bin"
    card: ClassVar[Card] = card_of("CFP-FF", "S. Sengupta and others (2016), University of Maryland", file, 85)
    name: Literal["cfp-ff"] = "cfp-ff"


class CfpFp(VerificationBin):
    """Celebrities in Frontal-Profile, frontal against profile: 7,000 pairs in ten folds."""

    file: ClassVar[str] = "cfp_fp.bin"
    card: ClassVar[Card] = card_of("CFP-FP", "S. Sengupta and others (2016), University of Maryland", file, 85)
    name: Literal["cfp-fp"] = "cfp-fp"
