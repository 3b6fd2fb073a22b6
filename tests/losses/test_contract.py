"""The contract of losses: kept by all of the suite's, and each rule found broken where it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from papers.feature_transfer import MetricL2, SoftmaxL2
from papers.gaussian_affinity import Affinity, CoSen
from papers.regular_polytope import Polytope
from shared import losses
from shared.losses.contract import RULES, breaches
from shared.runs.catalogue import components
from shared.runs.components import Loss
from shared.runs.registry import papers

PLAIN = losses.Softmax(bias=False)
COSFACE = losses.CosFace(scale=8, margin=0.25)
CONTRASTIVE = losses.ContrastiveTerm(weight=0.5, margin=1)
SUITE: list[tuple[Loss, int]] = [
    *((options, 3) for options in (losses.Softmax(), losses.ModifiedSoftmax(), losses.NormFace(scale=8), COSFACE)),
    (losses.Center(weight=0.1, alpha=0.5), 3),
    (losses.ASoftmax(margin=4), 3),
    (losses.ArcFace(scale=8, margin=0.5), 3),
    (losses.ArcFace(scale=8, margin=0.5, continuation="none", gradient="detached"), 3),
    (losses.NormalisedSoftmax(scale=4), 3),
    (losses.Joint(base=PLAIN, term=losses.CenterTerm(weight=0.1, alpha=0.5, normalised=True)), 3),
    (losses.Joint(base=PLAIN, term=CONTRASTIVE), 3),
    (losses.Joint(base=losses.ArcFace(scale=8, margin=0.5), term=losses.TripletTerm(weight=0.5, margin=0.5)), 3),
    (losses.Joint(base=COSFACE, term=losses.DiscrepancyTerm(weight=0.5)), 3),
    (losses.AdaFace(scale=16), 3),
    (losses.SupCon(), 3),
    (losses.ClassBalanced(), 3),
    (losses.Focal(), 3),
    (losses.Focal(gamma=0.5), 3),
    (losses.Ldam(scale=8), 3),
    (losses.BalancedSoftmax(), 3),
    (losses.LogitAdjusted(), 3),
    (losses.LogitAdjusted(place="post-hoc"), 3),
    (losses.LabelSmoothing(), 3),
    (losses.GeneralisedCrossEntropy(), 3),
    (losses.TauNormalised(), 3),
    (MetricL2(weight=0.25), 3),
    (SoftmaxL2(weight=0.01), 3),
    (Affinity(sigma=10, margin=0.75), 3),
    (Affinity(sigma=10, margin=0.75, distance="l1", similarity="inverse"), 3),
    # Ten prototypes can be equally far from each other in nine dimensions.
    (Affinity(sigma=10, margin=0.75, prototypes=2), 9),
    (CoSen(period=2), 3),
    (Polytope(polytope="simplex"), 3),
    (Polytope(polytope="simplex", scale=8, margin=1, learnable=True), 3),
    (Polytope(polytope="orthoplex", scale=8, margin=1), 2),
    (Polytope(polytope="cube", scale=8, margin=1), 2),
]


def made(options: Loss) -> Callable[[int, int], nn.Module]:
    return lambda classes, dimension: options.build(dimension, classes)


@pytest.mark.parametrize(("options", "dimension"), SUITE, ids=repr)
def test_a_loss_of_the_suite_keeps_the_contract(options, dimension):
    assert breaches(made(options), dimension=dimension) == []


def test_no_loss_of_the_suite_is_left_out():
    known = {name for paper in papers() for name in components(paper, Loss)}
    terms = {kind.model_fields["name"].default for kind in losses.Term.__subclasses__()}
    assert {options.name for options, _ in SUITE} == known
    assert {options.term.name for options, _ in SUITE if isinstance(options, losses.Joint)} == terms


@pytest.mark.parametrize(
    ("options", "dimension", "declared"),
    [
        # What the papers' text or printed formula asks for does not classify, as `optimum_fails` and docstrings say.
        (Affinity(sigma=10, margin=0.75, initial_scale=1), 2, {"optimum": "R of weight 1 heaps the prototypes"}),
        (MetricL2(weight=0.25, reduction="sum"), 3, {"optimum": "the sum of squares holds all logits near zero"}),
    ],
)
def test_what_fails_as_the_papers_have_it_is_found_and_can_be_declared(options, dimension, declared):
    # Declared in vain, each would be a breach.
    assert breaches(made(options), dimension=dimension, declared=declared) == []


def test_a_loss_that_rises_again_has_scores_of_its_own_and_they_can_be_declared():
    # Whether its optimum classifies is left to where the search begins: it is as low opposite the vertices as at them.
    rising = Polytope(polytope="simplex", scale=8, margin=1, continuation="none")
    found = breaches(made(rising), dimension=3)
    declared = breaches(made(rising), dimension=3, declared={"scores": "cos(theta + m) rises again beyond pi - m"})
    assert [breach for breach in found if not breach.startswith("optimum: ")] == [found[0]]
    assert found[0].startswith("scores: ")
    assert declared == found[1:]


# Each rule, broken


class Linear(nn.Module):
    """A sound loss, from which those that follow differ in one thing."""

    def __init__(self, classes: int, dimension: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dimension, classes)

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": functional.cross_entropy(self.scores(embedding), labels)}

    def scores(self, embedding: Tensor) -> Tensor:
        scores: Tensor = self.linear(embedding)
        return scores

    def class_vectors(self) -> Tensor:
        return self.linear.weight.detach().unsqueeze(1)


class Tuple(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> Any:
        return super().forward(embedding, labels)["loss"], {}


class EachSample(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": functional.cross_entropy(self.scores(embedding), labels, reduction="none")}


class Raising(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        raise ValueError("no such batch")


class Transposed(Linear):
    def scores(self, embedding: Tensor) -> Tensor:
        return super().scores(embedding).T

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": functional.cross_entropy(self.scores(embedding).T, labels)}


class FlatVectors(Linear):
    def class_vectors(self) -> Tensor:
        return self.linear.weight.detach()


class Attached(Linear):
    def class_vectors(self) -> Tensor:
        return self.linear.weight.unsqueeze(1)


class Constant(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": super().forward(embedding, labels)["loss"].detach()}


class InPlace(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        value = super().forward(embedding, labels)
        labels.zero_()
        return value


class OnlyFloat32(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": super().forward(embedding, labels)["loss"].float()}


class Narrow(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        # The squares of a matrix product that autocast makes narrow.
        return {"loss": (self.linear(embedding) - functional.one_hot(labels, self.linear.out_features)).square().mean()}


class NoBuffer(Linear):
    def __init__(self, classes: int, dimension: int) -> None:
        super().__init__(classes, dimension)
        self.weights = torch.ones(classes)

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        scores = self.scores(embedding)
        return {"loss": functional.cross_entropy(scores, labels, weight=self.weights.to(scores.dtype))}


class DrawnElsewhere(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        value = super().forward(embedding, labels)["loss"]
        return {"loss": value + (embedding * (torch.rand(embedding.shape[1]) * 1e-9).to(embedding.dtype)).sum()}


class Detached(Linear):
    def scores(self, embedding: Tensor) -> Tensor:
        return super().scores(embedding / embedding.norm(dim=1, keepdim=True).detach().clamp_min(1e-6))


class DividedByLength(Linear):
    def scores(self, embedding: Tensor) -> Tensor:
        return super().scores(embedding / embedding.norm(dim=1, keepdim=True))


class Arccos(Linear):
    def scores(self, embedding: Tensor) -> Tensor:
        cosines = functional.normalize(embedding, dim=1) @ functional.normalize(self.linear.weight, dim=1).T
        return -cosines.arccos()


class Pull(Linear):
    """The mean over the positive pairs, of which there may be none."""

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        same = (labels[:, None] == labels).fill_diagonal_(False)
        distance = torch.cdist(embedding, embedding)[same].square().mean()
        return {"loss": super().forward(embedding, labels)["loss"] + 0.01 * distance}


class Squared(Linear):
    """The running deviation of a single sample is no number."""

    deviation: Tensor

    def __init__(self, classes: int, dimension: int) -> None:
        super().__init__(classes, dimension)
        self.register_buffer("deviation", torch.ones(()))

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        if self.training:
            self.deviation.copy_(embedding.detach().norm(dim=1).std())
        return super().forward(embedding, labels)


class FirstSixteen(Linear):
    """What it sees of a batch is enough for a small one."""

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return super().forward(embedding[:16], labels[:16])


class InformedOfLogarithms(Linear):
    """A class without images has a logarithm of minus infinity."""

    prior: Tensor

    def __init__(self, classes: int, dimension: int) -> None:
        super().__init__(classes, dimension)
        self.register_buffer("prior", torch.zeros(classes))

    def inform(self, counts: Tensor, _progress: float) -> None:
        self.prior.copy_(counts.log())

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": functional.cross_entropy(self.scores(embedding) + self.prior, labels)}


class FirstCounts(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        weights = torch.linspace(2, 1, len(labels), dtype=embedding.dtype, device=embedding.device)
        each = functional.cross_entropy(self.scores(embedding), labels, reduction="none")
        return {"loss": (weights * each).mean()}


class NumPysChance(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": super().forward(embedding, labels)["loss"] * np.random.default_rng().uniform(0.9, 1)}


class Counting(Linear):
    """Anneals by a number that is no buffer."""

    passes = 0

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        self.passes += self.training
        return {"loss": super().forward(embedding, labels)["loss"] * (1 + 1 / (1 + self.passes))}


class NumPysState(Linear):
    """Keeps a number of NumPy's, which checkpoints, being read without running code, cannot hold."""

    def get_extra_state(self) -> Any:
        return np.float64(1)

    def set_extra_state(self, state: Any) -> None:
        pass


class Opposite(Linear):
    def scores(self, embedding: Tensor) -> Tensor:
        return -super().scores(embedding)

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": functional.cross_entropy(self.linear(embedding), labels)}


class Flat(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {
            "loss": super().forward(embedding, labels)["loss"] + 0.5 * self.linear(embedding).square().sum(1).mean()
        }


class OtherVectors(Linear):
    def class_vectors(self) -> Tensor:
        return self.linear.weight.detach().flip(0).unsqueeze(1)


BROKEN: list[tuple[type[Linear], set[str], str]] = [
    (Tuple, {"interface"}, "no dictionary"),
    (EachSample, {"interface"}, "no scalar"),
    (Raising, {"interface"}, "ValueError: no such batch"),
    (Transposed, {"interface"}, "(4, 12), not (12, 4)"),
    (FlatVectors, {"interface"}, "not (4, m, 3)"),
    (Attached, {"interface"}, "detach"),
    (Constant, {"interface"}, "nothing would be learned"),
    (InPlace, {"interface"}, "in place"),
    (OnlyFloat32, {"precision", "gradient"}, "torch.float32"),
    (Narrow, {"precision"}, "under autocast"),
    (NoBuffer, {"device"}, "register it as a buffer"),
    (DrawnElsewhere, {"device"}, "not on the GPU"),
    (Detached, {"gradient"}, "derivative by embedding differs"),
    (DividedByLength, {"finite"}, "torch.zeros(12, 3)"),
    (Arccos, {"finite"}, "loss.class_vectors()[labels, 0]"),
    (Pull, {"finite"}, "see loss(torch.randn(1, 3), torch.tensor([0])), the first of 2 such batches"),
    (Squared, {"finite"}, "the buffer deviation"),
    (InformedOfLogarithms, {"finite"}, "loss.inform(torch.tensor([0, 1, 1000, 1000]), 1.0)"),
    (FirstCounts, {"order"}, "in another order"),
    (FirstSixteen, {"order"}, "see loss(torch.randn(240, 3)"),
    (NumPysChance, {"repeatable"}, "after the same torch.manual_seed"),
    (Counting, {"state"}, "has other loss"),
    (NumPysState, {"state"}, "its state dict holds what a checkpoint cannot"),
    (Opposite, {"scores", "optimum"}, "has the greatest score"),
    (Flat, {"optimum"}, "hardly more"),
    (OtherVectors, {"optimum"}, "nearest"),
]


@pytest.mark.parametrize(("broken", "rules", "words"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_broken_is_found_and_nothing_else(broken, rules, words):
    found = breaches(broken)
    assert any(words in sentence for sentence in found), found
    assert {sentence.partition(":")[0] for sentence in found} >= rules
    assert all(": " in sentence and "\n" not in sentence for sentence in found)
    if broken not in (NumPysChance, InPlace):
        assert {sentence.partition(":")[0] for sentence in found} == rules, found


def test_every_rule_is_broken_by_one():
    assert set().union(*(rules for _, rules, _ in BROKEN)) == set(RULES)


def test_what_the_sound_one_keeps():
    assert breaches(Linear) == []
    assert breaches(Linear, classes=7, dimension=2) == []


def test_a_loss_that_cannot_be_made_says_why():
    class Unmade(Linear):
        def __init__(self, classes: int, dimension: int) -> None:
            raise TypeError("no such thing\nat all")

    (found,) = breaches(Unmade, called="mine({}, {}, margin=2)".format)
    assert re.fullmatch(r"interface: mine\(4, 3, margin=2\) raises TypeError: no such thing, at \S+\.py:\d+", found)


def test_one_that_raises_in_the_middle_says_where():
    class Eight(Linear):
        def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
            if len(labels) == 8:
                raise ValueError("not eight")
            return super().forward(embedding, labels)

    (found,) = breaches(Eight)
    assert re.match(r"optimum: it raises ValueError: not eight, at \S+\.py:\d+, where this is tried: free ", found)


class Recent(Linear):
    """Tells the mean of its last values, which decides nothing."""

    def __init__(self, classes: int, dimension: int) -> None:
        super().__init__(classes, dimension)
        self.values: list[Tensor] = []

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        value = super().forward(embedding, labels)["loss"]
        self.values.append(value.detach())
        return {"loss": value, "recent": torch.stack(self.values).mean()}


class Bank(Recent):
    """Weighs the loss by those before, which no state dict has."""

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        before = torch.stack(self.values).mean() if self.values else 1.0
        return {"loss": super().forward(embedding, labels)["loss"] * (1 + 0.1 * before)}


def test_what_a_loss_keeps_while_one_rule_is_tried_is_gone_at_the_next():
    assert breaches(Recent) == []
    (found,) = breaches(Bank)
    assert found.startswith("state: after some training, another loss with its state dict has other loss")


class NotANumber(Linear):
    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": super().forward(embedding, labels)["loss"] * torch.nan}


class NoModule:
    def __init__(self, classes: int, dimension: int) -> None:
        self.weight = torch.ones(classes, dimension)


class Copiless(Linear):
    def __init__(self, classes: int, dimension: int) -> None:
        super().__init__(classes, dimension)
        self.doubled = 2 * self.linear.weight


class NoScores(Linear):
    def scores(self, embedding: Tensor) -> Any:
        return None


class OnlySaid(Linear):
    exempt = "gradient"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (NotANumber, "finite: the loss is nan; see loss(torch.randn(12, 3), torch.arange(12) % 4)"),
        (NumPysChance, "repeatable: after the same torch.manual_seed"),
        (NoModule, "interface: make(4, 3) is no torch.nn.Module"),
        (Copiless, "interface: copy.deepcopy of make(4, 3) raises RuntimeError"),
        (NoScores, "interface: it raises TypeError"),
        (OnlySaid, "exempt: it is no mapping of rules to reasons"),
    ],
)
def test_what_all_else_rests_on_is_all_that_is_said(broken, said):
    (found,) = breaches(broken)
    assert found.startswith(said), found


def test_one_raises_with_its_line():
    (found,) = breaches(Raising)
    assert re.search(rf"raises ValueError: no such batch, at {__file__}:\d+; see loss\(", found)


# Declared exemptions


@pytest.mark.parametrize(("broken", "rule"), [(Detached, "gradient"), (FirstCounts, "order")])
def test_what_may_be_meant_says_how_to_declare_it(broken, rule):
    found = breaches(broken)
    assert found
    for sentence in found:
        assert sentence.endswith(f'; if it is meant so, give the class exempt = {{"{rule}": "the reason"}}')


def test_a_declaration_holds_and_in_vain_it_does_not():
    class Declared(Detached):
        exempt = {"gradient": "a length is a constant here"}  # noqa: RUF012 - as a user writes it

    assert breaches(Declared) == []
    assert breaches(Detached, declared={"gradient": "a length is a constant here"}) == []
    (vain,) = breaches(Linear, declared={"order": "not really"})
    assert vain.startswith("exempt: 'order' is declared, but kept")
    (unknown,) = breaches(Linear, declared={"ordre": "misspelt"})
    assert unknown.startswith("exempt: 'ordre' is no rule; choose from interface, precision")


def test_the_random_generator_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    breaches(Linear)
    assert torch.equal(torch.rand(3), expected)
