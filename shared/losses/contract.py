"""What any loss must keep, held against it in seconds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import nn

from shared.losses.contract_rules import Called, Held, Make
from shared.runs.own_calls import said

RULES = {
    "interface": "forward, scores and class_vectors give what they are to, and leave their arguments alone",
    "precision": "the loss is as precise as the embeddings, and float32 at least under autocast",
    "gradient": "the gradient is that of the value",
    "finite": "loss, gradients and state stay finite at the extremes",
    "order": "the order of a batch changes nothing",
    "repeatable": "chance comes from torch's generator alone",
    "state": "the state dict holds all that decides how training goes on",
    "scores": "the class of the greatest score is that of the least loss",
    "optimum": "free embeddings trained by the loss are told apart by its scores, and lie nearest their class's vector",
    # The last, as what a loss keeps elsewhere than in itself may be of no use after it.
    "device": "all is on the device of the embeddings",
}
FIRST = {"finite": "usual", "repeatable": "repeatable"}
"""Rules that all others rest on, and how the loss of a usual batch is held to them."""
MAY_BE_MEANT = "gradient", "order", "scores", "optimum"
"""Rules that losses of the literature break on purpose."""
NONE: Mapping[str, str] = MappingProxyType({})


def breaches(
    make: Make,
    *,
    classes: int = 4,
    dimension: int = 3,
    declared: Mapping[str, str] = NONE,
    called: Called = "make({}, {})".format,
) -> list[str]:
    """Return what a loss does not keep of the contract, each as one sentence that says what fails and how to see it.

    `make(classes, dimension)` gives the loss with the interface of the suite's losses: `forward(embedding, labels)`
    returns `{"loss": ..., terms}` of embeddings (B, d) with labels (B,), int64 in 0..C-1; `scores(embedding)` is (B, C)
    and `class_vectors()` is (C, m, d). One with a method `inform` is told of uneven classes too. It is asked for
    `classes` >= 3 classes in `dimension` >= 2 dimensions, of which the loss must be able to tell so many apart, and for
    one class, which it may refuse by a UserError. `called(classes, dimension)` says how one makes it oneself.

    A loss that does not keep a rule on purpose says so by `exempt`, a mapping of the rule's name (`RULES`) to the
    reason; `declared` are further ones, of these options alone. What is so declared is no breach; in vain, it is one.

    Of a loss without the interface, or not finite or not the same again for a usual batch, nothing more is said.
    Torch's random generator is left as it was. Nothing is raised for what the loss does wrong.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            held = Held(make, classes, dimension, called)
        except Exception as error:
            return [f"interface: {called(classes, dimension)} raises {said(error)}"]
        if broken := _broken(held, "interface", "interface"):
            return broken
        if not isinstance(exempt(held.loss), Mapping):
            return ['exempt: it is no mapping of rules to reasons; write exempt = {"gradient": "the reason"}']
        reasons = {**exempt(held.loss), **declared}
        for rule, method in FIRST.items():
            if rule not in reasons and (broken := _broken(held, rule, method)):
                return broken
        found = {rule: _broken(held, rule, rule) for rule in RULES}
    unknown = [f"exempt: '{rule}' is no rule; choose from {', '.join(RULES)}" for rule in reasons if rule not in RULES]
    in_vain = [
        f"exempt: '{rule}' is declared, but kept; take the declaration out, and see that nothing is found"
        for rule in reasons
        if found.get(rule) == []
    ]
    broken = [sentence for rule, sentences in found.items() if rule not in reasons for sentence in sentences]
    return [*broken, *unknown, *in_vain]


def _broken(held: Held, rule: str, method: str) -> list[str]:
    meant = f'; if it is meant so, give the class exempt = {{"{rule}": "the reason"}}' if rule in MAY_BE_MEANT else ""
    try:
        return [f"{rule}: {sentence}{meant}" for sentence in getattr(held, method)()]
    except Exception as error:
        return [f"{rule}: it raises {said(error)}, where this is tried: {RULES[rule]}"]


def exempt(loss: nn.Module) -> Mapping[str, str]:
    """Return the rules that a loss does not keep on purpose, with its reasons."""
    reasons: Mapping[str, str] = getattr(loss, "exempt", NONE)
    return reasons
