"""What any loss must keep, held against it in seconds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import nn

from shared.losses.contract_rules import Held, Make, said

RULES = {
    "interface": "forward, scores and class_vectors give what they are to, and leave their arguments alone",
    "precision": "the loss is as precise as the embeddings, and float32 at least under autocast",
    "device": "all is on the device of the embeddings",
    "gradient": "the gradient is that of the value",
    "finite": "loss, gradients and state stay finite at the extremes",
    "order": "the order of a batch changes nothing",
    "repeatable": "chance comes from torch's generator alone",
    "state": "the state dict holds all that decides how training goes on",
    "scores": "the class of the greatest score is that of the least loss",
    "optimum": "free embeddings trained by the loss are told apart by its scores, and lie nearest their class's vector",
}
NONE: Mapping[str, str] = MappingProxyType({})


def breaches(make: Make, *, classes: int = 4, dimension: int = 3, declared: Mapping[str, str] = NONE) -> list[str]:
    """Return what a loss does not keep of the contract, each as one sentence that says what fails and how to see it.

    `make(classes, dimension)` gives the loss with the interface of the suite's losses: `forward(embedding, labels)`
    returns `{"loss": ..., terms}` of embeddings (B, d) with labels (B,), int64 in 0..C-1; `scores(embedding)` is (B, C)
    and `class_vectors()` is (C, m, d). One with a method `inform` is told of uneven classes too. It is asked for
    `classes` >= 3 classes in `dimension` >= 2 dimensions, of which the loss must be able to tell so many apart, and for
    one class, which it may refuse by a UserError.

    A loss that does not keep a rule on purpose says so by `exempt`, a mapping of the rule's name (`RULES`) to the
    reason; `declared` are further ones, of these options alone. What is so declared is no breach; in vain, it is one.

    Torch's random generator is left as it was. Nothing is raised for what the loss does wrong.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            held = Held(make, classes, dimension)
        except Exception as error:
            return [f"interface: make({classes}, {dimension}) raises {said(error)}"]
        if broken := list(held.interface()):
            return [f"interface: {sentence}" for sentence in broken]
        found = {rule: [f"{rule}: {sentence}" for sentence in _broken(held, rule)] for rule in RULES}
    reasons = {**exempt(held.loss), **declared}
    unknown = [f"exempt: '{rule}' is no rule; choose from {', '.join(RULES)}" for rule in reasons if rule not in RULES]
    in_vain = [
        f"exempt: '{rule}' is declared, but kept; take the declaration out, and see that nothing is found"
        for rule in reasons
        if found.get(rule) == []
    ]
    broken = [sentence for rule, sentences in found.items() if rule not in reasons for sentence in sentences]
    return [*broken, *unknown, *in_vain]


def _broken(held: Held, rule: str) -> list[str]:
    try:
        return list(getattr(held, rule)())
    except Exception as error:
        return [f"it raises {said(error)} where this is tried; see Held.{rule} in {Held.__module__}"]


def exempt(loss: nn.Module) -> Mapping[str, str]:
    """Return the rules that a loss does not keep on purpose, with its reasons."""
    reasons: Mapping[str, str] = getattr(loss, "exempt", NONE)
    return reasons
