"""Options of losses and terms refuse what is out of range, and what there is not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shared.losses import (
    AdaFace,
    ArcFace,
    ASoftmax,
    BalancedSoftmax,
    Center,
    ClassBalanced,
    CosFace,
    DiscrepancyTerm,
    Focal,
    GeneralisedCrossEntropy,
    LabelSmoothing,
    Ldam,
    LogitAdjusted,
    ModifiedSoftmax,
    NormalisedSoftmax,
    NormFace,
    Softmax,
    SupCon,
    TauNormalised,
)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (Softmax, {"sigma": 1}),
        (Center, {"alpha": 0.5, "weight": -1}),
        (Center, {"weight": 0.1, "alpha": 1.1}),
        (Center, {"weight": 0.1, "alpha": -0.1}),
        (Center, {"weight": 0.1, "alpha": 0.5, "lambda": 1}),
        (DiscrepancyTerm, {"weight": -1}),
        (DiscrepancyTerm, {"weight": 0.2, "bases": 0}),
        (DiscrepancyTerm, {"weight": 0.2, "clip": 0}),
        (DiscrepancyTerm, {"weight": 0.2, "clip": float("inf")}),
        (DiscrepancyTerm, {"weight": 0.2, "lambda": 1}),
        (Focal, {"gamma": -1}),
        (LabelSmoothing, {"smoothing": 1.0}),
        (GeneralisedCrossEntropy, {"power": 0}),
        (GeneralisedCrossEntropy, {"power": 1.5}),
        (ClassBalanced, {"beta": 1.1}),
        (Ldam, {"deferred": -0.1}),
        (Ldam, {"margin": -1}),
        (LogitAdjusted, {"place": "scores"}),
        (BalancedSoftmax, {"temperature": 1}),
        (TauNormalised, {"power": 2}),
        (SupCon, {"temperature": 0}),
        (AdaFace, {"scale": -1}),
        (AdaFace, {"scale": 8, "momentum": 2}),
        (ASoftmax, {"margin": 5}),
        (ASoftmax, {"margin": 0}),
        (ASoftmax, {"margin": 4, "start": -1}),
        (ASoftmax, {"margin": 4, "decay": -0.1}),
        (ASoftmax, {"margin": 4, "floor": float("inf")}),
        (ModifiedSoftmax, {"bias": True}),
        (NormalisedSoftmax, {"scale": 0}),
        (NormFace, {"scale": 0}),
        (CosFace, {"scale": 8, "margin": -0.1}),
        (CosFace, {"scale": 8, "margin": 0.1, "bias": True}),
        (ArcFace, {"scale": 8, "margin": 3.15}),
        (ArcFace, {"scale": 8, "margin": 0.5, "continuation": "hard"}),
        (ArcFace, {"scale": 8, "margin": 0.5, "gradient": "none"}),
    ],
)
def test_options_reject(options, wrong):
    with pytest.raises(ValidationError, match=list(wrong)[-1]):
        options.model_validate(wrong)
