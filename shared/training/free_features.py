"""The least value of a loss over what a perfect network could embed, and over the loss's own parameters.

A loss is judged here without network, data and weight decay: its embeddings are parameters, one of each kind for every
class, all classes counting alike. A loss that is a mean over samples needs no more than one embedding a class, since
all samples of a class can lie where its best one lies; there are two, because losses on pairs need them.

**Few classes.** Up to `FREE_CLASSES` of them, all embeddings and all parameters of the loss are free.

**Many classes.** All N classes keep their vectors, since terms such as m-L2's sum over classes grow with N, as does
what N directions must have in common in d < N dimensions. The vectors are in the directions that the loss draws at
random, whose squared cosines have the mean 1 / d; no N vectors have a mean below (N - d) / (d (N - 1)) (Welch, 1974),
so for N much greater than d little is left to gain by turning them. Embeddings are those of `SAMPLED_CLASSES` classes,
each along its own vector; classes drawn alike are exchangeable, so that a few stand for all. Free are two lengths: of
the embeddings, and of the loss's parameters. What is found is a bound from above on the least loss.

State that a loss keeps beside its parameters is what training ends with: centres moved by a rule are the means of their
classes, an annealed margin is annealed. Other buffers stay as they start: the vertices of a polytope are fixed, and the
costs of CoSen, which follow the network's mistakes, change nothing in the infimum, 0 with any positive costs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from shared.losses.a_softmax import ASoftmaxLoss
from shared.losses.center import CenterLoss, Centres
from shared.runs.components import Loss

FREE_CLASSES = 1000
SAMPLED_CLASSES = 32
ITERATIONS = 1000
ENOUGH = 1e-6
LONGEST = 1000.0

Variables = dict[str, Tensor]
Floats = NDArray[np.float64]


class Embedded(NamedTuple):
    """The parameters of a loss by name, embeddings (n, d) and their labels (n,)."""

    parameters: Variables
    embedding: Tensor
    labels: Tensor


class Minimum(NamedTuple):
    """The least loss found, its terms by name, and the loss and embeddings that have it.

    `accuracy`: the share of embeddings that the loss's own scores give to their class.
    `settled`: whether the search ended by itself and not at `ITERATIONS`. `attained`: whether embeddings or parameters
    of twice the length lower the loss by no more than rounding; where they do, it has no minimum.
    """

    value: float
    terms: dict[str, float]
    loss: Any
    embedding: Tensor
    labels: Tensor
    accuracy: float
    settled: bool
    attained: bool


def least(
    options: Loss,
    dimension: int,
    classes: int,
    *,
    starts: int = 4,
    told_apart: bool = True,
    free_classes: int = FREE_CLASSES,
) -> Minimum:
    """Return the least loss of so many classes in so many dimensions, the best of some random starts, in float64.

    Of starts that end equally low, to a millionth, it is the one of least accuracy: training may end there as well.

    With `told_apart` false all embeddings are one: what is left is the loss of knowing nothing of the images, log N for
    cross-entropy without margin.

    The search is L-BFGS, which stops where a step lowers the loss by less than 1e-9 of it, or of 1 where it is less.
    All is free up to `free_classes` classes; then it is begun anew where it stops until that lowers the loss by less
    than a millionth of it, or of 1e-3 where it is less, for `ITERATIONS` iterations in all. Of more classes one start
    is taken: what differs between starts is random directions, of which there are thousands. Their two lengths stay
    within a `LONGEST`th and `LONGEST` times of where they start.
    """
    if classes > free_classes:
        return _search(_Lengths(options, dimension, classes, 0, told_apart), rounds=1)
    minima = [_search(_Free(options, dimension, classes, seed, told_apart)) for seed in range(starts)]
    found = min(minimum.value for minimum in minima)
    equals = [minimum for minimum in minima if minimum.value - found <= ENOUGH * max(abs(found), 1e-3)]
    return min(equals, key=lambda minimum: minimum.accuracy)


class _Objective(ABC):
    """A loss as a function of `variables`, which start where a seed says; `places` makes of them what it is given."""

    variables: Variables

    def __init__(self, options: Loss, dimension: int, classes: int, seed: int, told_apart: bool) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.loss: Any = options.build(dimension, classes).double()
            self.noise = torch.randn(classes, dimension, dtype=torch.float64) / math.sqrt(dimension)
        self.drawn = {name: parameter.detach() for name, parameter in self.loss.named_parameters()}
        self.told_apart = told_apart

    @abstractmethod
    def places(self, variables: Variables) -> Embedded:
        """Return what the loss is given for values of the variables."""

    def doubled(self, variables: Variables, *, embedding: bool) -> Variables:
        """Return variables with embeddings, or else with parameters, of twice the length."""
        return {
            name: self.twice(tensor) if (name == "embedding") is embedding else tensor
            for name, tensor in variables.items()
        }

    def twice(self, variable: Tensor) -> Tensor:
        """Return the value of a variable for twice the length."""
        return 2 * variable

    def terms(self, variables: Variables) -> dict[str, Tensor]:
        """Return the loss and its terms; random pairs within it are the same ones each time."""
        given = self.places(variables)
        self.loss.eval()
        _settle(self.loss, given.embedding.detach(), given.labels)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            terms: dict[str, Tensor] = functional_call(self.loss, given.parameters, (given.embedding, given.labels))
        return terms


class _Free(_Objective):
    """All embeddings and parameters are free. Every other start has the embeddings near their class vectors."""

    def __init__(self, options: Loss, dimension: int, classes: int, seed: int, told_apart: bool) -> None:
        super().__init__(options, dimension, classes, seed, told_apart)
        features = self.noise
        if seed % 2 == 0:
            features = self.loss.class_vectors()[:, 0] + features / 10
        self.variables = {"embedding": features if told_apart else features[:1], **self.drawn}
        self.labels = torch.arange(classes).repeat(2)

    def places(self, variables: Variables) -> Embedded:
        features = variables["embedding"]
        rows = self.labels if self.told_apart else torch.zeros_like(self.labels)
        return Embedded({name: variables[name] for name in self.drawn}, features[rows], self.labels)


class _Lengths(_Objective):
    """Embeddings along the class vectors as they are drawn; the logarithms of two lengths are free."""

    def __init__(self, options: Loss, dimension: int, classes: int, seed: int, told_apart: bool) -> None:
        super().__init__(options, dimension, classes, seed, told_apart)
        zero = torch.zeros((), dtype=torch.float64)
        self.variables = {"embedding": zero, "parameters": zero}
        chosen = torch.arange(SAMPLED_CLASSES) * (classes // SAMPLED_CLASSES)
        self.labels = chosen.repeat(2)
        # One embedding for all does best where it is short, if its length counts at all.
        common = (self.noise[:1] / LONGEST).expand(len(self.labels), -1)
        self.features = self.loss.class_vectors()[self.labels, 0] if told_apart else common

    def places(self, variables: Variables) -> Embedded:
        length = variables["parameters"].exp()
        parameters = {name: drawn * length for name, drawn in self.drawn.items()}
        return Embedded(parameters, self.features * variables["embedding"].exp(), self.labels)

    def twice(self, variable: Tensor) -> Tensor:
        return variable + math.log(2)


def _settle(loss: nn.Module, embedding: Tensor, labels: Tensor) -> None:
    """Bring what rules of training move to where they leave it, for embeddings (n, d) that stay as they are."""
    for part in loss.modules():
        match part:
            case CenterLoss() | Centres():
                followed = functional.normalize(embedding, dim=1) if getattr(part, "normalised", False) else embedding
                counts = torch.zeros_like(part.centres[:, :1]).index_add_(0, labels, torch.ones_like(followed[:, :1]))
                part.centres.zero_().index_add_(0, labels, followed).div_(counts.clamp_min(1))
            case ASoftmaxLoss():
                part.iteration.fill_(torch.iinfo(torch.int64).max)
            case _:
                pass


def _search(objective: _Objective, rounds: int = ITERATIONS) -> Minimum:
    """Minimise by L-BFGS, begun anew up to `rounds` times as long as that helps."""
    limit = math.log(LONGEST) if isinstance(objective, _Lengths) else math.inf
    x, found, left, helps = _flat(objective.variables), math.inf, ITERATIONS, True
    while left > 0 and rounds > 0 and helps:
        rule: Any = {"maxiter": left, "ftol": 1e-9, "gtol": 1e-10}
        result = minimize(
            _as_function(objective), x, jac=True, method="L-BFGS-B", bounds=[(-limit, limit)] * len(x), options=rule
        )
        helps = found - result.fun > ENOUGH * max(abs(result.fun), 1e-3)
        x, found, left, rounds = result.x, float(result.fun), left - max(1, result.nit), rounds - 1
    return _minimum(objective, _shaped(torch.from_numpy(x), objective.variables), settled=left > 0)


def _as_function(objective: _Objective) -> Callable[[Floats], tuple[float, Floats]]:
    """Return the loss and its gradient as a function of all variables in one array."""

    def value(x: Floats) -> tuple[float, Floats]:
        variables = _shaped(torch.from_numpy(x.copy()), objective.variables)
        leaves = {name: tensor.requires_grad_() for name, tensor in variables.items()}
        loss = objective.terms(leaves)["loss"]
        gradients = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
        return float(loss.detach()), _flat(dict(zip(leaves, gradients, strict=True)))

    return value


@torch.no_grad()
def _minimum(objective: _Objective, best: Variables, *, settled: bool) -> Minimum:
    """Return what was found, and whether twice the length, of embeddings or of parameters, has a lower loss."""
    longer = [float(objective.terms(objective.doubled(best, embedding=which))["loss"]) for which in (True, False)]
    terms = {name: float(term) for name, term in objective.terms(best).items()}
    attained = terms["loss"] - min(longer) <= max(1e-6 * terms["loss"], 1e-13)
    parameters, embedding, labels = objective.places(best)
    objective.loss.load_state_dict(parameters, strict=False)
    accuracy = float((objective.loss.scores(embedding).argmax(1) == labels).double().mean())
    return Minimum(terms["loss"], terms, objective.loss, embedding, labels, accuracy, settled, attained)


def _flat(variables: Variables) -> Floats:
    flat: Floats = torch.cat([tensor.flatten() for tensor in variables.values()]).numpy()
    return flat


def _shaped(flat: Tensor, like: Variables) -> Variables:
    """Return the parts of a vector in the shapes of variables."""
    parts = torch.split(flat, [tensor.numel() for tensor in like.values()])
    return {name: part.view(tensor.shape) for (name, tensor), part in zip(like.items(), parts, strict=True)}
