"""Hold a loss of one's own against the contract of losses, and a sampler's order against its own, before training."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from shared.commands.output import say
from shared.errors import UserError
from shared.runs.experiments import Experiment
from shared.runs.experiments import experiments as of_paper
from shared.runs.own_calls import asked
from shared.runs.own_code import OwnLoss, OwnOrder, OwnSampler
from shared.runs.registry import SMOKE, papers
from shared.runs.trial import Trial

CLASSES, DIMENSION = 4, 3
"""Of the loss that the contract is held against: small, so that it takes seconds."""


def keep_contract(trial: Trial, experiments: Sequence[Experiment]) -> None:
    """Build what is to be trained in some experiments, and hold the first loss and every sampler against its contract.

    Raises:
        UserError: something cannot be imported or built, or keeps its contract not.

    """
    losses: dict[OwnLoss, dict[tuple[int, int], None]] = {}
    samplers: dict[OwnSampler, None] = {}
    for experiment in experiments:
        for config in trial.configs(experiment):
            if isinstance(config.loss, OwnLoss):
                losses.setdefault(config.loss, {})[config.backbone.embedding, config.data.trained_classes] = None
            if isinstance(config.scheme, OwnOrder):
                samplers[config.scheme.sampler] = None
    if trial.file.weight and not any(experiment.levels for experiment in experiments):
        say(
            f"no curve over lambda is drawn here, so that nothing is trained at the levels of {trial.file.weight.set}; "
            f"there is one of {', '.join(_with_curves(experiments))}"
        )
    for sampler in samplers:
        _order_is_kept(sampler)
    for loss, sizes in losses.items():
        for size in sizes:
            loss.build(*size)
    if losses:
        _contract_is_kept(next(iter(losses)))


def _with_curves(experiments: Sequence[Experiment]) -> list[str]:
    """Return the targets with a curve over lambda, at the scale of some experiments."""
    scale = experiments[0].places[0].scale if experiments else SMOKE
    found = [one for paper in papers().values() for one in of_paper(paper, scale) if one.levels]
    return list(dict.fromkeys(target for one in found for target in one.targets))


def _order_is_kept(sampler: OwnSampler) -> None:
    from shared.training.own_order import checked_order  # noqa: PLC0415 - imports torch

    labels = np.repeat(np.arange(CLASSES), (40, 20, 5, 1))
    checked_order(sampler.build(labels, CLASSES, 8), len(labels), 0, 1, sampler.name)


def _contract_is_kept(loss: OwnLoss) -> None:
    from shared.losses.contract import breaches  # noqa: PLC0415 - imports torch

    made = loss.found()
    with asked(f"what the contract asks of {loss.called(DIMENSION, CLASSES)}"):
        found = breaches(
            lambda classes, dimension: made(dimension, classes, **loss.settings),
            classes=CLASSES,
            dimension=DIMENSION,
            called=lambda classes, dimension: loss.called(dimension, classes),
        )
    for breach in found[1:]:
        say(f"{loss.name} breaks the contract of losses: {breach}")
    if found:
        where = f", where loss = {loss.called(DIMENSION, CLASSES)}" if re.search(r"\bloss[.(]", found[0]) else ""
        raise UserError(f"{loss.name} breaks the contract of losses: {found[0]}{where}")
