"""The adversarial scheme: how its batches are composed, what each of its two updates does, and that it resumes."""

from __future__ import annotations

import copy
from math import log
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from papers.adversarial_variance import Adversarial
from papers.adversarial_variance.scheme import AdversarialScheme
from shared.errors import UserError
from shared.runs.catalogue import run_model
from shared.runs.config import RunConfig
from shared.training.batches import ImageTensor
from shared.training.checkpoint import Checkpoints
from shared.training.classification import ClassificationScheme
from shared.training.loop import fit
from tests.training.samples import numbered, numbers

CPU = torch.device("cpu")
SHAPE = (1, 8, 8)
SIZES = [5, 9, 3]
ANCHORS = ["fixed", "independent"]
SGD = {"name": "sgd", "learning_rate": 0.2, "momentum": 0}
ADAM = {"name": "adam", "learning_rate": 0.01}


def configuration(optimizer: dict[str, Any] = ADAM, **training: Any) -> RunConfig:
    return run_model("adversarial_variance").model_validate(
        {
            "data": {"name": "mnist-5k"},
            "backbone": {"name": "small-cnn", "filters": [2, 3, 4], "embedding": 2},
            "loss": {"name": "normalised-softmax", "scale": 10},
            "scheme": {"name": "classification"},
            "optimizer": optimizer,
            "training": {"epochs": 1, "batch_size": 8, "gpus": 0, **training},
            "benchmarks": [],
        }
    )


def adversarial(classes: int = 3, seed: int = 0, config: RunConfig | None = None, **options: Any) -> AdversarialScheme:
    chosen = Adversarial(**{"weight": 1.0, "hidden": (5,), "adversary_learning_rate": 0.1} | options)
    torch.manual_seed(seed)
    scheme: AdversarialScheme = chosen.build(config or configuration(), SHAPE, classes, CPU)
    return scheme


def drawn(
    scheme: AdversarialScheme, images: ImageTensor, size: int = 8, *, seed: int = 0, epoch: int = 0, start: int = 0
):
    """Return the pairs of an epoch as (classes, anchors, others) of the classifier and those of the adversary."""
    pairs = []
    for first, labels, second, second_labels in scheme.batches(images, size, seed, epoch, start):
        half = len(labels) // 2
        one, two = numbers(first), numbers(second)
        assert labels.tolist() == images.labels[one].tolist()
        assert second_labels.tolist() == images.labels[two].tolist()
        for own in (labels, second_labels):
            assert own[:half].tolist() == own[half:].tolist()
        pairs.append(
            (
                (labels[:half].tolist(), one[:half], one[half:]),
                (second_labels[:half].tolist(), two[:half], two[half:]),
            )
        )
    return pairs


@pytest.mark.parametrize("anchors", ANCHORS)
def test_a_batch_is_half_anchors_and_half_other_images_of_the_same_classes(anchors):
    images = numbered(SIZES)
    for size in (2, 8, 9):
        pairs = drawn(adversarial(anchors=anchors), images, size)
        assert len(pairs) == -(-len(images) // size)
        for batch in (batch for pair in pairs for batch in pair):
            assert [len(part) for part in batch] == [size // 2] * 3
            assert all(anchor != other for anchor, other in zip(*batch[1:], strict=True))


@pytest.mark.parametrize("anchors", ANCHORS)
def test_classes_are_drawn_with_replacement_and_evenly(anchors):
    scheme = adversarial(anchors=anchors)
    pairs = [pair for epoch in range(400) for pair in drawn(scheme, numbered(SIZES), epoch=epoch)]
    for which in range(2):
        counts = np.stack([np.bincount(pair[which][0], minlength=3) for pair in pairs])
        assert counts.max() == 4  # one class only in a batch of four draws
        expected = counts.sum() / 3
        assert np.all(abs(counts.sum(axis=0) - expected) < 5 * np.sqrt(expected * 2 / 3))


@pytest.mark.parametrize("anchors", ANCHORS)
def test_anchors_are_one_image_a_class_in_the_whole_training_and_never_among_the_others(anchors):
    scheme, images = adversarial(anchors=anchors), numbered(SIZES)
    found: dict[int, set[int]] = {0: set(), 1: set(), 2: set()}
    others = set()
    for epoch in range(60):
        for classes, own, rest in (batch for pair in drawn(scheme, images, epoch=epoch) for batch in pair):
            for label, anchor in zip(classes, own, strict=True):
                found[label].add(anchor)
            others |= set(rest)
    chosen = set.union(*found.values())
    assert [len(of_class) for of_class in found.values()] == [1, 1, 1]
    assert others == set(range(len(images))) - chosen  # all of the rest are seen


def test_the_anchors_are_those_of_the_seed():
    found = set()
    for seed in range(20):
        (classes, own, _), _ = drawn(adversarial(), numbered(SIZES), size=40, seed=seed)[0]
        found.add(dict(zip(classes, own, strict=True))[1])
    assert len(found) > 4  # of nine images of class 1


def test_fixed_anchors_are_the_same_in_both_batches_of_a_pair():
    assert all(one[:2] == two[:2] for one, two in drawn(adversarial(20), numbered([8] * 20)))


def test_independent_anchors_are_of_other_identities_and_the_classifiers_batches_as_with_fixed_ones():
    images = numbered([8] * 20)
    independent, fixed = (
        [pair for epoch in range(10) for pair in drawn(adversarial(20, anchors=anchors), images, epoch=epoch)]
        for anchors in ("independent", "fixed")
    )
    assert [one for one, _ in independent] == [one for one, _ in fixed]
    shared = [len({*one[1]} & {*two[1]}) / len({*two[1]}) for one, two in independent]
    assert np.mean(shared) == pytest.approx(1 - 0.95**4, abs=0.05)  # four draws of twenty


@pytest.mark.parametrize("anchors", ANCHORS)
def test_the_adversary_has_fresh_others(anchors):
    pairs = drawn(adversarial(anchors=anchors), numbered([40, 40, 40]))
    alike = [a == b for one, two in pairs for a, b in zip(one[2], two[2], strict=True)]
    assert np.mean(alike) < 0.2


@pytest.mark.parametrize("anchors", ANCHORS)
def test_seed_epoch_and_number_alone_decide_a_pair(anchors):
    images = numbered(SIZES)
    whole = drawn(adversarial(anchors=anchors), images, seed=3, epoch=2)
    again = adversarial(anchors=anchors, seed=7)  # weights and torch's generator have no part in it
    assert drawn(again, images, seed=3, epoch=2) == whole
    for start in range(len(whole) + 1):
        assert drawn(again, images, seed=3, epoch=2, start=start) == whole[start:]
    assert drawn(again, images, seed=4, epoch=2) != whole
    assert drawn(again, images, seed=3, epoch=1) != whole
    assert len({str(pair) for pair in whole}) == len(whole)


@pytest.mark.parametrize("sizes", [[5, 1, 3], [5, 0, 3]])
def test_a_class_without_an_image_beside_its_anchor_is_refused(sizes):
    with pytest.raises(UserError, match="two images of each class"):
        next(adversarial().batches(numbered(sizes), 8, 0, 0, 0))


class Scripted(nn.Module):
    """An adversary that gives the probabilities of a script, one after another, and notes what it was shown."""

    def __init__(self, *script: list[list[float]]) -> None:
        super().__init__()
        self.script = [nn.Parameter(torch.tensor(part).log()) for part in script]
        self.shown: list[Tensor] = []

    def forward(self, embedding: Tensor) -> Tensor:
        self.shown.append(embedding.detach())
        return self.script[len(self.shown) - 1]


# Two classes, each with an anchor and another image: A's classes 0 and 1 are the anchors, 2 and 3 the others.
OTHERS = [[0.1, 0.2, 0.6, 0.1], [0.3, 0.4, 0.1, 0.2]]
ANCHORS_OF_C = [[0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.5, 0.3]]
AFTERWARDS = [[0.7, 0.1, 0.1, 0.1], [0.5, 0.3, 0.1, 0.1], [0.2, 0.2, 0.5, 0.1], [0.1, 0.1, 0.2, 0.6]]


def batch_of_two(labels: tuple[int, ...] = (0, 1, 0, 1)) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    first, second = torch.randn(2, len(labels), *SHAPE, generator=generator)
    return first, torch.tensor(labels), second, torch.tensor(labels)


def test_the_loss_and_its_terms_by_hand():
    scheme = adversarial(2, weight=3.0)
    script = Scripted(OTHERS, ANCHORS_OF_C, AFTERWARDS)
    scheme.adversary = nn.Sequential(script)
    terms = {name: float(term) for name, term in scheme.step(*batch_of_two()).items()}
    assert [len(shown) for shown in script.shown] == [2, 2, 4]  # others, of which alone L_adv is; anchors; A's batch
    assert terms["adversarial"] == pytest.approx(((0.6 - 0.1) + (0.2 - 0.4)) / 2)
    assert terms["loss"] == pytest.approx(terms["classification"] + 3 * 0.15)
    assert terms["adversary"] == pytest.approx(-(log(0.7) + log(0.3) + log(0.5) + log(0.6)) / 4)
    # Of the anchors of C's batch one is known for such, of the others one: by p(i) against p(i + 2) alone.
    assert terms["adversary_accuracy"] == pytest.approx(50)
    given_the_class = [0.7 / 0.8, 0.1 / 0.4, 0.6 / 0.7, 0.2 / 0.6]
    assert terms["adversary_two_way"] == pytest.approx(-sum(map(log, given_the_class)) / 4)


@pytest.mark.parametrize("anchors_right", [0.0, 0.25, 0.5, 1.0])
def test_an_adversary_with_one_answer_knows_nothing(anchors_right):
    """One that always says anchor knows all anchors, and no others: 50 %, as one that tosses a coin."""
    always = [[anchors_right / 2, anchors_right / 2, (1 - anchors_right) / 2, (1 - anchors_right) / 2]] * 2
    scheme = adversarial(2)
    scheme.adversary = nn.Sequential(Scripted(always, always, AFTERWARDS))
    terms = scheme.step(*batch_of_two())
    assert float(terms["adversary_accuracy"]) == pytest.approx(50)
    if anchors_right == 0.5:
        assert float(terms["adversary_two_way"]) == pytest.approx(log(2))


@pytest.mark.parametrize(("probabilities", "least"), [([1.0, 0, 0, 0], -1), ([0, 0, 1.0, 0], 1), ([0, 1.0, 0, 0], 0)])
def test_the_penalty_is_least_where_the_other_image_passes_for_the_anchor(probabilities, least):
    scheme = adversarial(2)
    scheme.adversary = nn.Sequential(Scripted([probabilities], AFTERWARDS[:1], AFTERWARDS[:2]))
    assert float(scheme.step(*batch_of_two((0, 0)))["adversarial"]) == pytest.approx(least)


@pytest.mark.parametrize("normalised", [True, False])
def test_the_adversary_sees_the_embeddings_normalised_or_as_they_are(normalised):
    scheme = adversarial(2, normalised=normalised)
    first, labels, second, _ = batch_of_two()
    with torch.no_grad():
        embedding = scheme.backbone(first)[2:]
    script = Scripted(OTHERS, ANCHORS_OF_C, AFTERWARDS)
    scheme.adversary = nn.Sequential(script)
    scheme.step(first, labels, second, labels)
    lengths = embedding.norm(dim=1, keepdim=True)
    assert torch.allclose(script.shown[0], embedding / lengths if normalised else embedding, rtol=1e-5)
    assert not torch.allclose(lengths, torch.ones_like(lengths), atol=1e-3)


def test_the_adversary_has_two_outputs_a_class_and_the_hidden_layers_it_is_given():
    def shapes(scheme: AdversarialScheme) -> list[tuple[int, ...]]:
        return [tuple(parameter.shape) for parameter in scheme.adversary.parameters() if parameter.dim() == 2]

    assert shapes(adversarial(5, hidden=(7, 6))) == [(7, 2), (6, 7), (10, 6)]
    assert shapes(adversarial(4, hidden=())) == [(8, 2)]


def weights(*modules: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for module in modules for parameter in module.parameters()]


def test_a_pair_of_updates_against_autograd():
    """C steps down L_softmax + weight L_adv with A held, then A down its cross-entropy with the new C held."""
    scheme = adversarial(weight=2.5, adversary_learning_rate=0.7, config=configuration(SGD))
    images = numbered(SIZES)
    first, labels, second, second_labels = next(scheme.batches(images, 8, 0, 0, 0))
    backbone, loss, adversary = (copy.deepcopy(part) for part in (scheme.backbone, scheme.loss, scheme.adversary))
    scheme.step(first, labels, second, second_labels)

    embedding = backbone(first)
    penalties = []
    for row, label in zip(embedding[4:], labels[4:].tolist(), strict=True):
        p = adversary(row / row.norm()).softmax(0)
        penalties.append(p[label + 3] - p[label])
    classifier = [*backbone.parameters(), *loss.parameters()]
    objective = loss(embedding, labels)["loss"] + 2.5 * torch.stack(penalties).mean()
    for parameter, gradient in zip(classifier, torch.autograd.grad(objective, classifier), strict=True):
        parameter.data -= 0.2 * gradient

    shown = [row / row.norm() for row in backbone(second).detach()]
    wanted = [label if place < 4 else label + 3 for place, label in enumerate(second_labels.tolist())]
    parts = [-adversary(row).log_softmax(0)[label] for row, label in zip(shown, wanted, strict=True)]
    own = list(adversary.parameters())
    for parameter, gradient in zip(own, torch.autograd.grad(torch.stack(parts).mean(), own), strict=True):
        parameter.data -= 0.7 * gradient

    found = weights(scheme.backbone, scheme.loss, scheme.adversary)
    for one, other in zip(found, weights(backbone, loss, adversary), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("still", ["classifier", "adversary"])
def test_each_update_moves_its_own_network_alone(still):
    scheme = adversarial(config=configuration(SGD), weight=5.0)
    (scheme.optimizer if still == "classifier" else scheme.adversary_optimizer).learning_rate = 0.0
    before = weights(scheme.backbone, scheme.loss), weights(scheme.adversary)
    scheme.step(*next(scheme.batches(numbered(SIZES), 8, 0, 0, 0)))
    after = weights(scheme.backbone, scheme.loss), weights(scheme.adversary)
    moved = [any(not torch.equal(a, b) for a, b in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)]
    assert moved == [still != "classifier", still != "adversary"]


def test_the_learning_rate_factor_holds_for_both_networks():
    scheme = adversarial()
    scheme.set_learning_rate(0)
    before = weights(scheme.backbone, scheme.loss, scheme.adversary)
    scheme.step(*next(scheme.batches(numbered(SIZES), 8, 0, 0, 0)))
    after = weights(scheme.backbone, scheme.loss, scheme.adversary)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def plain(classes: int = 3, seed: int = 0) -> ClassificationScheme:
    torch.manual_seed(seed)
    return ClassificationScheme(configuration(), SHAPE, classes, CPU)


def test_the_classifier_starts_as_without_an_adversary():
    with_adversary, without = adversarial(seed=3), plain(seed=3)
    assert _same(with_adversary.state()["backbone"], without.state()["backbone"])
    assert _same(with_adversary.state()["loss"], without.state()["loss"])
    assert not _same(without.state(), plain(seed=4).state())


def test_without_weight_the_classifier_is_updated_as_by_plain_classification():
    with_adversary, without = adversarial(weight=0.0), plain()
    for first, labels, *second in adversarial().batches(numbered(SIZES), 8, 0, 0, 0):
        found = with_adversary.step(first, labels, *second)
        assert torch.equal(found["loss"], without.step(first, labels)["loss"])
    assert _same(ClassificationScheme.state(with_adversary), without.state())


def test_the_parameters_are_those_of_the_classifier():
    assert adversarial(hidden=(50, 50)).parameters == plain().parameters


class Interrupted(Exception):  # noqa: N818 - not an error
    """Stands for a kill."""


class Short(AdversarialScheme):
    """Is interrupted after some steps."""

    steps = 7

    def step(self, *batch: Tensor) -> dict[str, Tensor]:
        if self.steps == 0:
            raise Interrupted
        self.steps -= 1
        return super().step(*batch)


@pytest.mark.parametrize("anchors", ANCHORS)
def test_resumed_in_the_middle_of_an_epoch_it_ends_with_the_same_bits(tmp_path, anchors):
    config = configuration(epochs=3, batch_size=4, checkpoint_steps=3, milestones=[0.5])
    images = numbered(SIZES)
    whole = adversarial(config=config, anchors=anchors)
    expected = fit(whole, images, config.training, 1, Checkpoints(tmp_path / "whole", {}, 1))

    store = Checkpoints(tmp_path / "broken", {}, 1)
    broken = adversarial(config=config, anchors=anchors)
    broken.__class__ = Short
    with pytest.raises(Interrupted):
        fit(broken, images, config.training, 1, store)
    saved = store.load()
    assert saved is not None
    assert saved["position"]["batch"] > 0
    resumed = adversarial(config=config, anchors=anchors, seed=9)
    position = fit(resumed, images, config.training, 1, store)
    assert _same(resumed.state(), whole.state())
    assert position.curve == expected.curve
    assert not _same(resumed.state(), adversarial(config=config, anchors=anchors).state())


def test_the_curve_has_every_term(tmp_path):
    config = configuration(epochs=2)
    position = fit(adversarial(), numbered(SIZES), config.training, 0, Checkpoints(tmp_path, {}, 0))
    terms = {"loss", "classification", "adversarial", "adversary", "adversary_accuracy", "adversary_two_way"}
    assert [set(row) for row in position.curve] == [terms | {"epoch", "step"}] * 2
    assert [row["step"] for row in position.curve] == [3, 6]  # ceil(17 / 8) pairs an epoch


def test_cross_entropy_of_the_classifier_is_over_anchors_and_others():
    scheme = adversarial()
    first, labels, *second = next(scheme.batches(numbered(SIZES), 8, 0, 0, 0))
    with torch.no_grad():
        expected = functional.cross_entropy(scheme.loss.scores(scheme.backbone(first)), labels)
    assert float(scheme.step(first, labels, *second)["classification"]) == pytest.approx(float(expected), rel=1e-5)


def _same(one: Any, other: Any) -> bool:
    """Whether two states hold the same bits."""
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
