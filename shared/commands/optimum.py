"""The optimum of a run's loss: what training by it would end with if the network could embed its images anywhere."""

from __future__ import annotations

import time
from collections.abc import Iterator

from shared.errors import UserError
from shared.evaluation.optimum import Optimum, optimum
from shared.runs.config import RunConfig
from shared.runs.registry import Paper
from shared.training.free_features import FREE_CLASSES, ITERATIONS, SAMPLED_CLASSES


class RefusedError(Exception):
    """The optimum of a loss does not classify, and `runs.yaml` does not say so."""


def lines(paper: Paper, name: str, scale: str) -> Iterator[str]:
    """Yield what `optimum` prints of a run.

    Raises:
        UserError: there is no such run, or what it trains by is not one objective.
        RefusedError: the optimum does not classify, and `optimum_fails` in `runs.yaml` does not name the run.

    """
    config = paper.run(name, scale).config
    if reason := paper.no_optimum(name):
        raise UserError(f"{name} has no optimum to be looked for: {reason}")
    began = time.monotonic()
    found = optimum(config.loss, config.backbone.embedding, config.data.trained_classes)
    yield from _said(config, found)
    yield f"found in {time.monotonic() - began:.0f} s"
    failing = paper.optimum_fails(name)
    if not found.classifies and failing is None:
        raise RefusedError(
            f"the optimum of {name} does not classify; mend the loss, or give the reason under optimum_fails in "
            f"papers/{paper.key}/runs.yaml"
        )
    if failing is not None:
        yield f"declared to fail: {failing}" if not found.classifies else f"declared to fail, but classifies: {failing}"


def _said(config: RunConfig, found: Optimum) -> Iterator[str]:
    classes = config.data.trained_classes
    yield f"{config.loss.name}, {classes} classes in {config.backbone.embedding} dimensions; without network and decay"
    if classes > FREE_CLASSES:
        yield (
            f"class vectors in random directions, embeddings of {SAMPLED_CLASSES} classes along theirs; only the "
            "lengths of both are free, so that the least loss is at most this"
        )
    yield f"least loss {found.terms['loss']:.6g}" + ("" if found.settled else f", not settled after {ITERATIONS} steps")
    if not found.attained:
        yield "it has no minimum: longer embeddings or class vectors still lower it"
    for term in [name for name in found.terms if name != "loss"]:
        yield f"  {term} {found.terms[term]:.6g}"
    yield f"loss of knowing nothing {found.nothing:.6g}"
    yield f"accuracy {100 * found.accuracy:.2f} %"
    for name, value in found.geometry.items():
        yield f"{name} {value:.4g}"
    yield "classifies" if found.classifies else "does not classify"
