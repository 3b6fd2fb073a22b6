"""The scheme of feature transfer: what moves in which stage, what its batches are, and that it resumes in either."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from papers.feature_transfer.class_metrics import StageTurns
from papers.feature_transfer.networks import RichFeatureNetwork
from papers.feature_transfer.scheme import FeatureTransferScheme, Stage
from papers.feature_transfer.transfer import Statistics, transferred
from shared.data.rendered.faces import render
from shared.errors import UserError
from shared.runs.catalogue import run_model
from shared.runs.config import RunConfig
from shared.training import classification
from shared.training.batches import ImageTensor
from shared.training.checkpoint import Checkpoints
from shared.training.loop import fit
from tests.papers.feature_transfer.samples import CPU, images_of

SIZES = [7, 6, 6, 2, 1]
REGULAR = [0, 1, 2]
FEW = [3, 4]
MODULES = ("encoder", "decoder", "filter", "FC")
STEPS = 12
"""Of batches of 4: four of pre-training, then stages of three iterations, an epoch being six."""


def configuration(loss: dict[str, Any] | None = None, steps: int = STEPS, **scheme: Any) -> RunConfig:
    options = {"pretraining": 4 / STEPS, "iterations": 3, "few": 2, "components": 4, "stage_learning_rate": 0.002}
    return run_model("feature_transfer").model_validate(
        {
            "data": {"name": "mnist-5k"},
            "backbone": {"name": "rich-features", "side": 16, "width": 2, "embedding": 6},
            "loss": loss or {"name": "metric-l2", "weight": 0.25},
            "scheme": {"name": "feature-transfer"} | options | scheme,
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "training": {"steps": steps, "batch_size": 4, "gpus": 0, "flip": True, "checkpoint_steps": 1},
            "benchmarks": [],
        }
    )


def built(seed: int = 0, loss: dict[str, Any] | None = None, **options: Any) -> FeatureTransferScheme:
    config = configuration(loss, **options)
    torch.manual_seed(seed)
    scheme: FeatureTransferScheme = config.scheme.build(config, (3, 112, 112), len(SIZES), CPU)
    return scheme


def faces(*, yaw: bool = True, sizes: list[int] = SIZES) -> ImageTensor:
    """Return rendered faces, each with its number in its first pixel, the classes mixed."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    drawn = render(labels, np.arange(len(labels)))
    drawn.images[:, 0, 0] = np.arange(len(labels))[:, None]
    return images_of(drawn.images, labels, drawn.yaw if yaw else None, flip=True)


FACES = faces()


def weights(scheme: FeatureTransferScheme) -> dict[str, dict[str, torch.Tensor]]:
    parts = (scheme.network.encoder, scheme.network.decoder, scheme.network.filter, scheme.loss)
    return {name: copy.deepcopy(part.state_dict()) for name, part in zip(MODULES, parts, strict=True)}


def moved(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Return the modules of which a parameter or a running statistic differs."""
    return {
        name for name in MODULES if any(not torch.equal(before[name][key], after[name][key]) for key in before[name])
    }


def trained(scheme: FeatureTransferScheme, images: ImageTensor = FACES, epochs: int = 2):
    """Train, and yield after each update its stage, what was trained on, and the terms."""
    for epoch in range(epochs):
        for batch in scheme.batches(images, 4, 0, epoch, 0):
            yield scheme.stage, batch, scheme.step(*batch)


def test_the_stages_take_turns_and_each_trains_what_algorithm_1_says():
    scheme = built()
    states, stages = [weights(scheme)], []
    for stage, _, _ in trained(scheme):
        stages.append(stage)
        states.append(weights(scheme))
    stages = stages[:STEPS]
    assert [stage.value for stage in stages] == [0] * 4 + [1] * 3 + [2] * 3 + [1] * 2
    expected = {
        Stage.PRETRAINING: set(MODULES),
        Stage.BOUNDARY_RESHAPE: {"filter", "FC"},
        Stage.COMPACT_FEATURES: {"encoder", "decoder", "filter"},
    }
    for stage, (before, after) in zip(stages, pairwise(states), strict=False):
        assert moved(before, after) == expected[stage]
        for name in expected[stage]:
            parameters = [key for key in before[name] if "running" not in key and "num_batches" not in key]
            assert all(not torch.equal(before[name][key], after[name][key]) for key in parameters), name


def test_continued_pretraining_moves_all_at_the_rate_of_the_stages():
    steps = {}
    for rate in (0.002, 1e-9):
        scheme = built(stages="none", stage_learning_rate=rate)
        states = [weights(scheme)]
        for stage, _, _ in trained(scheme):
            assert stage is (Stage.PRETRAINING if len(states) <= 4 else Stage.CONTINUED)
            states.append(weights(scheme))
        assert all(moved(*pair) == set(MODULES) for pair in pairwise(states[:6]))
        key = next(key for key in states[0]["FC"])
        steps[rate] = [float((after["FC"][key] - before["FC"][key]).norm()) for before, after in pairwise(states)]
    assert steps[0.002][:4] == steps[1e-9][:4]
    assert max(steps[1e-9][4:]) < 1e-7 < min(steps[0.002][4:])


def test_a_batch_of_stage_1_is_hard_regular_samples_and_under_represented_ones():
    scheme = built()
    seen: dict[int, int] = {}
    for stage, batch, _ in trained(scheme, epochs=40):
        if stage is not Stage.BOUNDARY_RESHAPE:
            continue
        images, labels, few_images, few_labels = batch
        assert images.shape == few_images.shape == (4, 3, 112, 112)
        assert set(labels.tolist()) <= set(REGULAR)
        hard = FACES.normalised(renewed(scheme).hard)
        for image in images:
            assert any(torch.equal(image, other) or torch.equal(image, other.flip(2)) for other in hard)
        for label in few_labels.tolist():
            seen[label] = seen.get(label, 0) + 1
    # The class is drawn before the image: that of one image as often as that of two.
    assert set(seen) == set(FEW)
    total = sum(seen.values())
    assert abs(seen[3] - total / 2) < 4 * (total / 4) ** 0.5


def test_hard_samples_are_those_beyond_the_average_distance_of_their_class():
    scheme = built()
    assert FACES.yaw is not None
    statistics = scheme.statistics_of(FACES)
    rich = scheme.embed_rich(iter([FACES.normalised(slice(None))]))
    mirrored = scheme.embed_rich(iter([FACES.normalised(slice(None)).flip(3)]))
    expected = []
    for label in range(len(SIZES)):
        places = torch.nonzero(FACES.labels == label)[:, 0]
        frontal = places[torch.from_numpy(np.abs(FACES.yaw) <= 30)[places]]
        if len(frontal):
            center = (rich[frontal] + mirrored[frontal]).sum(0) / (2 * len(frontal))
            assert torch.allclose(statistics.centers[label], center, atol=1e-5)
        distances = (rich[places] - statistics.centers[label]).norm(dim=1)
        if label in REGULAR:
            expected += places[distances > distances.mean()].tolist()
    assert sorted(statistics.hard.tolist()) == sorted(expected)
    assert 0 < len(expected) < sum(SIZES)


def test_without_mirror_images_a_center_is_the_mean_of_the_images_alone():
    scheme = built(mirror=False)
    plain = faces(yaw=False)
    rich = scheme.embed_rich(iter([plain.normalised(slice(None))]))
    centers = torch.stack([rich[plain.labels == label].mean(0) for label in range(len(SIZES))])
    assert torch.allclose(scheme.statistics_of(plain).centers, centers, atol=1e-5)
    assert not torch.allclose(built().statistics_of(plain).centers, centers, atol=1e-3)


def test_statistics_are_renewed_when_stage_1_begins_and_kept_through_it(monkeypatch):
    calls: list[int] = []
    original = FeatureTransferScheme.statistics_of

    def counted(scheme: FeatureTransferScheme, images: ImageTensor) -> Statistics:
        calls.append(1)
        return original(scheme, images)

    monkeypatch.setattr(FeatureTransferScheme, "statistics_of", counted)
    counts = [len(calls) for _ in trained(built())]
    assert counts[:STEPS] == [0] * 4 + [1] * 6 + [2] * 2


def test_pretraining_minimises_equation_4():
    scheme = built(reconstruction=3.0)
    before = copy.deepcopy(scheme.network)
    loss = copy.deepcopy(scheme.loss)
    batch = next(iter(scheme.batches(FACES, 4, 0, 0, 0)))
    terms = scheme.step(*batch)
    framed = before.framed(batch[0])
    before.train()
    rich = before.encoder(framed)
    logits = before.filter(rich) @ loss.linear.weight.T
    cross_entropy = functional.cross_entropy(logits, batch[1])
    metric_l2 = logits.square().mean()
    reconstruction = (before.decoder(rich) - framed).square().mean()
    assert float(terms["reconstruction"]) == pytest.approx(reconstruction.item(), rel=1e-4)
    total = cross_entropy + 0.25 * metric_l2 + 3 * reconstruction
    assert float(terms["loss"]) == pytest.approx(total.item(), rel=1e-4)


def renewed(scheme: FeatureTransferScheme) -> Statistics:
    assert scheme.statistics is not None
    return scheme.statistics


def at_stage_1(**options: Any) -> tuple[FeatureTransferScheme, tuple[torch.Tensor, ...]]:
    scheme = built(pretraining=0.0, **options)
    return scheme, next(iter(scheme.batches(FACES, 4, 0, 0, 0)))


@dataclass(frozen=True)
class Plainly:
    """Copies of what a scheme trains in stage 1, torch's Adam, and the three batches of features with their classes."""

    network: RichFeatureNetwork
    loss: Any
    optimizer: torch.optim.Adam
    batches: list[tuple[torch.Tensor, torch.Tensor]]

    def loss_of(self, features: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.loss(self.network.filter(features.clone()), classes)["loss"]
        return found


def plainly(scheme: FeatureTransferScheme, batch: tuple[torch.Tensor, ...]) -> Plainly:
    images, labels, few_images, few_labels = batch
    network, loss = copy.deepcopy(scheme.network), copy.deepcopy(scheme.loss)
    optimizer = torch.optim.Adam([*network.filter.parameters(), *loss.parameters()], lr=0.002)
    rich, few_rich = scheme.embed_rich(iter([images])), scheme.embed_rich(iter([few_images]))
    held = renewed(scheme)
    virtual = transferred(rich, held.centers[labels], held.centers[few_labels], held.basis)
    network.filter.train()
    return Plainly(network, loss, optimizer, [(rich, labels), (few_rich, few_labels), (virtual, few_labels)])


def test_stage_1_learns_from_features_moved_to_the_under_represented_classes():
    scheme, batch = at_stage_1(updates="joint")
    other = plainly(scheme, batch)
    parts = [other.loss_of(*features) for features in other.batches]
    torch.autograd.backward(torch.stack(parts).mean())
    other.optimizer.step()
    terms = scheme.step(*batch)
    for name, part in zip(("hard_regular", "under_represented", "transferred"), parts, strict=True):
        assert float(terms[name]) == pytest.approx(part.item(), rel=1e-4)
    assert float(terms["loss"]) == pytest.approx(torch.stack(parts).mean().item(), rel=1e-4)
    assert torch.allclose(scheme.loss.linear.weight, other.loss.linear.weight, atol=1e-5)


def test_three_updates_follow_each_other_in_the_order_of_the_algorithm():
    scheme, batch = at_stage_1(updates="separate")
    other = plainly(scheme, batch)
    for features in other.batches:
        other.optimizer.zero_grad()
        torch.autograd.backward(other.loss_of(*features))
        other.optimizer.step()
    scheme.step(*batch)
    assert torch.allclose(scheme.loss.linear.weight, other.loss.linear.weight, atol=2e-4)
    assert scheme.optimizer.steps == 3


class Killed(Exception):  # noqa: N818 - not an error
    pass


@pytest.mark.parametrize("at", [2, 5, 8, 11])
def test_killed_in_any_stage_it_ends_with_the_bits_of_one_that_was_not(tmp_path, at):
    stages = {2: Stage.PRETRAINING, 5: Stage.BOUNDARY_RESHAPE, 8: Stage.COMPACT_FEATURES, 11: Stage.BOUNDARY_RESHAPE}
    training = configuration().training
    whole = built()
    fit(whole, FACES, training, 0, Checkpoints(tmp_path / "whole", {}, 0))
    scheme = built()
    step = scheme.step
    taken: list[int] = []

    def interrupted(*batch: torch.Tensor) -> dict[str, torch.Tensor]:
        if len(taken) == at:
            assert scheme.stage is stages[at]
            raise Killed
        taken.append(1)
        return step(*batch)

    scheme.step = interrupted  # type: ignore[method-assign]
    with pytest.raises(Killed):
        fit(scheme, FACES, training, 0, Checkpoints(tmp_path / "killed", {}, 0))
    resumed = built(seed=1)
    position = fit(resumed, FACES, training, 0, Checkpoints(tmp_path / "killed", {}, 0))
    assert position.step == STEPS
    assert not moved(weights(whole), weights(resumed))
    one, other = whole.optimizer.state_dict(), resumed.optimizer.state_dict()
    assert one["steps"] == other["steps"]
    assert all(torch.equal(*pair) for pair in zip(one["second"], other["second"], strict=True))


HELD_OUT = faces(sizes=[1, 1, 1, 4, 4])


def watching(accuracies: list[float] | None = None, steps: int = 28, seed: int = 0, **options: Any) -> Any:
    """Return a scheme of at most four turns that watches held-out images, with accuracies as if they were so."""
    scheme = built(seed, steps=steps, pretraining=4 / steps, **{"patience": 2} | options)
    scheme.watch(HELD_OUT)
    if accuracies is not None:
        left = iter(accuracies)
        scheme._held_out_accuracy = lambda: next(left)  # type: ignore[method-assign]
    return scheme


def turned(scheme: Any, folder: Any, steps: int = 28) -> Any:
    return fit(scheme, FACES, configuration(steps=steps).training, 0, Checkpoints(folder, {}, 0))


@pytest.mark.parametrize(
    ("accuracies", "patience", "turns", "best"),
    [
        ([10, 20, 30, 40, 50], 1, 4, 4),
        ([10, 20, 20, 30, 50], 1, 2, 1),
        ([90, 20, 30, 30, 20], 2, 4, 2),
        ([90, 20, 10, 10, 50], 2, 3, 1),
    ],
)
def test_the_stages_end_where_the_held_out_accuracy_stops_rising(tmp_path, accuracies, patience, turns, best):
    scheme = watching(accuracies, patience=patience)
    states, end = {}, scheme._end_turn

    def noted(of_patience: int) -> None:
        states[scheme.turns.made + 1] = weights(scheme)
        end(of_patience)

    scheme._end_turn = noted
    position = turned(scheme, tmp_path)
    assert position.step == 4 + 6 * turns
    assert scheme.turns.accuracies == accuracies[: turns + 1]
    assert (scheme.turns.made, scheme.turns.best_turn) == (turns, best)
    assert not moved(states[best], weights(scheme))
    assert all(moved(states[other], weights(scheme)) for other in states if other != best)
    assert StageTurns()(scheme, FACES) == {
        "turns": turns,
        "best": best,
        **{f"accuracy@{turn}": value for turn, value in enumerate(accuracies[: turns + 1])},
    }


def test_the_accuracy_is_that_of_fc_on_held_out_images_of_under_represented_classes():
    scheme = watching()
    next(iter(scheme.batches(FACES, 4, 0, 0, 0)))
    embeddings = scheme.embed([HELD_OUT.normalised(slice(None))])
    right = scheme.predict(embeddings) == HELD_OUT.labels
    rare = HELD_OUT.labels >= 3
    assert int(rare.sum()) == 8
    assert scheme._held_out_accuracy() == pytest.approx(100 * float(right[rare].double().mean()))


@pytest.mark.parametrize("at", [4, 9, 10, 13, 16, 20])
def test_killed_in_any_turn_it_ends_alike(tmp_path, at):
    accuracies = [50.0, 20.0, 40.0, 30.0, 35.0]
    whole = watching(accuracies)
    turned(whole, tmp_path / "whole")
    scheme = watching(accuracies)
    step = scheme.step
    taken: list[int] = []

    def interrupted(*batch: torch.Tensor) -> Any:
        if len(taken) == at:
            raise Killed
        taken.append(1)
        return step(*batch)

    scheme.step = interrupted
    with pytest.raises(Killed):
        turned(scheme, tmp_path / "killed")
    # What was measured before the kill is not measured again; what was measured after the last checkpoint is.
    known = Checkpoints(tmp_path / "killed", {}, 0).load()
    assert known is not None
    resumed = watching(accuracies[len(known["scheme"]["turns"]["accuracies"]) :], seed=1)
    position = turned(resumed, tmp_path / "killed")
    assert position.step == 4 + 6 * 4
    assert not moved(weights(whole), weights(resumed))
    assert vars(whole.turns) == vars(resumed.turns)


def test_patience_asks_for_held_out_images_and_for_room():
    scheme = built(patience=1)
    with pytest.raises(UserError, match="held-out images of under-represented classes, of which there are none"):
        list(scheme.batches(FACES, 4, 0, 0, 0))
    scheme.watch(faces(sizes=[2, 2, 2]))
    with pytest.raises(UserError, match="of which there are none"):
        list(scheme.batches(FACES, 4, 0, 0, 0))
    scheme = built(patience=1, iterations=5)
    with pytest.raises(UserError, match="no room for one turn of the stages, 2 x 5 iterations"):
        list(scheme.batches(FACES, 4, 0, 0, 0))


def test_without_stages_there_is_no_patience(tmp_path):
    scheme = built(stages="none", patience=1)
    assert fit(scheme, FACES, configuration().training, 0, Checkpoints(tmp_path, {}, 0)).step == STEPS
    assert StageTurns()(scheme, FACES) == {}


def test_a_curve_has_the_terms_of_every_stage(tmp_path):
    position = fit(built(), FACES, configuration().training, 0, Checkpoints(tmp_path, {}, 0))
    assert {"loss", "cross_entropy", "metric_l2", "reconstruction", "hard_regular", "transferred"} <= set(
        position.curve[-1]
    )


def test_only_regular_classes_or_only_under_represented_ones_are_refused():
    with pytest.raises(UserError, match="every class has more than 2 images, so none is under-represented"):
        list(trained(built(), faces(sizes=[7, 6, 5])))
    with pytest.raises(UserError, match="no class has more than 9 images, so none is regular"):
        list(trained(built(few=9)))
    with pytest.raises(UserError, match="components: g has 20 entries, so there are no 99"):
        built(components=99)


def test_another_network_or_several_processes_are_refused(monkeypatch):
    config = configuration()
    small = run_model("feature_transfer").model_validate(
        config.plain() | {"backbone": {"name": "casia-net", "side": 16, "width": 2, "embedding": 20}}
    )
    with pytest.raises(UserError, match="needs the backbone rich-features"):
        small.scheme.build(small, (3, 112, 112), 5, CPU)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="trains in one process"):
        config.scheme.build(config, (3, 112, 112), 5, CPU)


def test_without_known_yaw_every_image_counts_in_its_center():
    scheme = built()
    images = faces(yaw=False)
    statistics = scheme.statistics_of(images)
    everything = images.normalised(slice(None))
    both = scheme.embed_rich(iter([everything])) + scheme.embed_rich(iter([everything.flip(3)]))
    for label, size in enumerate(SIZES):
        expected = both[images.labels == label].sum(0) / (2 * size)
        assert torch.allclose(statistics.centers[label], expected, atol=1e-5)


def test_classes_are_predicted_for_some_embeddings_at_a_time(monkeypatch):
    scheme = built()
    asked: list[int] = []
    embeddings = torch.randn(10, 6, generator=torch.Generator().manual_seed(0))
    expected = (embeddings @ scheme.loss.linear.weight.T).argmax(1)
    original = scheme.loss.scores

    def scores(part: torch.Tensor) -> torch.Tensor:
        asked.append(len(part))
        found: torch.Tensor = original(part)
        return found

    monkeypatch.setattr(scheme.loss, "scores", scores)
    monkeypatch.setattr(classification, "PREDICTED_TOGETHER", 4)
    assert torch.equal(scheme.predict(embeddings), expected)
    assert asked == [4, 4, 2]
