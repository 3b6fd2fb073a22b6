"""What any loss must keep, held against it in seconds."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

Make = Callable[[int, int], nn.Module]
"""Builds a loss for so many classes and embeddings of such a length: `make(classes, dimension)`."""


def breaches(make: Make, *, classes: int = 4, dimension: int = 3) -> list[str]:
    """Return what a loss does not keep of the contract, each as one sentence that says what fails and how to see it.

    `make` gives the loss with the interface of the suite's losses: `forward(embedding, labels)` returns
    `{"loss": ..., terms}` of embeddings (B, d) with labels (B,), int64 in 0..C-1; `scores(embedding)` is (B, C) and
    `class_vectors()` is (C, m, d). It is asked for `classes` >= 3 classes in `dimension` >= 2 dimensions, for which
    the loss can tell all classes apart, and for one class.

    A loss that does not keep a rule on purpose says so by `exempt`, a mapping of the rule's name (`RULES`) to the
    reason. What is declared so is no breach; declared in vain, it is one.

    Torch's random generator is left as it was. Nothing is raised for what the loss does wrong.
    """
    raise NotImplementedError
