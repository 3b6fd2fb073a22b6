"""Today's baselines in a run: named in a runs.yaml, told of the classes, trained by the suite's own schemes."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from shared.data.drawn import Drawn, draw
from shared.errors import UserError
from shared.losses.ldam import LdamLoss
from shared.losses.softmax import SoftmaxLoss
from shared.runs.catalogue import run_model
from shared.runs.config import Run
from shared.runs.registry import paper
from shared.training.checkpoint import Checkpoints
from shared.training.decoupled import DecoupledScheme
from shared.training.setup import Setup
from tests.training.killing import killed_at_a_checkpoint

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {
    "data.sampling": {"per_class": 20, "imbalance": {"classes": [1, 3, 5, 7, 9], "fraction": 0.1}},
    "backbone": {"name": "small-cnn", "filters": [2, 2, 2], "embedding": 4},
    "training": {"steps": 2, "batch_size": 32, "gpus": 0},
}
BASELINES: list[dict[str, Any]] = [
    {"loss": {"name": "class-balanced"}},
    {"loss": {"name": "focal"}},
    {"loss": {"name": "ldam", "deferred": 0.5}},
    {"loss": {"name": "balanced-softmax"}},
    {"loss": {"name": "logit-adjusted"}},
    {"loss": {"name": "logit-adjusted", "place": "post-hoc"}},
    {"loss": {"name": "label-smoothing"}},
    {"loss": {"name": "generalised-cross-entropy"}},
    {"loss": {"name": "supcon"}, "scheme": {"name": "classification", "pairs": True}},
    {"loss": {"name": "adaface", "scale": 16}},
    {"loss": {"name": "tau-normalised"}},
    {"loss": {"name": "softmax"}, "scheme": {"name": "decoupled", "retraining": 0.5}},
]


def a_run(settings: dict[str, Any]) -> Run:
    """Return a run of digits at smoke scale with settings as its runs.yaml would give them."""
    run = paper("gaussian_affinity").run("table1/odd-10/softmax", "smoke")
    plain = run.config.plain()
    for path, value in (SMALL | settings).items():
        *parents, last = path.split(".")
        at = plain
        for name in parents:
            at = at[name]
        at[last] = value
    return replace(run, config=run_model(run.paper).model_validate(plain))


@pytest.fixture(scope="module")
def drawn(digits_root: Path) -> Drawn:
    return draw(a_run({}).config.data, 0, digits_root)


def begun(settings: dict[str, Any], drawn: Drawn) -> Setup:
    return Setup(a_run(settings), 0, drawn, CPU)


def checkpoints(folder: Path) -> Checkpoints:
    return Checkpoints(folder, {}, 0)


@pytest.mark.parametrize("settings", BASELINES, ids=lambda settings: settings["loss"]["name"])
def test_a_run_of_each_trains_two_steps(settings, drawn, tmp_path):
    setup = begun(settings, drawn)
    before = copy.deepcopy(setup.scheme.state())
    position = setup.fit(checkpoints(tmp_path))
    assert position.step == 2
    assert setup.run.config.loss.judged_by in position.curve[-1]
    assert setup.run.config.loss.knowing_nothing([0.1] * 10) is not None
    after = setup.scheme.state()
    for part in ("backbone", "loss"):
        trained = [name for name, value in after[part].items() if not torch.equal(value, before[part][name])]
        assert trained, f"nothing of the {part} was trained"
    embeddings = setup.scheme.embed(batch for batch, _ in setup.images["test"].in_order(100))
    assert setup.scheme.predict(embeddings).shape == (len(setup.images["test"]),)


def test_a_loss_is_told_the_sizes_of_the_classes_and_how_far_the_training_is(drawn, tmp_path, monkeypatch):
    told = []

    def inform(loss: LdamLoss, counts: torch.Tensor, progress: float) -> None:
        told.append((counts.tolist(), progress))

    monkeypatch.setattr(LdamLoss, "inform", inform)
    training = {"epochs": 2, "batch_size": 64, "gpus": 0}
    begun({"loss": {"name": "ldam"}, "training": training}, drawn).fit(checkpoints(tmp_path))
    assert [progress for _, progress in told] == [0, 0.25, 0.5, 0.75]
    assert {tuple(counts) for counts, _ in told} == {(20, 2) * 5}


def taken_up(settings: dict[str, Any], drawn: Drawn, folder: Path, after: int) -> Setup:
    """Train up to a step and, from the checkpoint that it leaves, on to the end."""
    stopping = {**settings, "training": settings["training"] | {"checkpoint_steps": after}}
    with killed_at_a_checkpoint():
        begun(stopping, drawn).fit(checkpoints(folder))
    setup = begun(settings, drawn)
    setup.fit(checkpoints(folder))
    return setup


def same(one: Any, other: Any) -> bool:
    """Whether two states are alike to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else bool(one == other)


def test_a_deferred_loss_taken_up_in_its_middle_ends_alike(drawn, tmp_path):
    settings = {"loss": {"name": "ldam", "deferred": 0.5}, "training": {"steps": 4, "batch_size": 32, "gpus": 0}}
    whole = begun(settings, drawn)
    whole.fit(checkpoints(tmp_path / "whole"))
    assert same(whole.scheme.state(), taken_up(settings, drawn, tmp_path / "half", 2).scheme.state())


# A classifier that is trained anew

ANEW: dict[str, Any] = {
    "scheme": {"name": "decoupled", "retraining": 0.5},
    "training": {"steps": 8, "batch_size": 32, "gpus": 0},
}


def test_in_its_last_part_the_backbone_is_fixed_and_the_classifier_begins_anew(drawn, tmp_path):
    setup = begun(ANEW, drawn)
    scheme = setup.scheme
    assert isinstance(scheme, DecoupledScheme)
    assert isinstance(scheme.loss, SoftmaxLoss)
    seen: list[tuple[float, bool, torch.Tensor, torch.Tensor]] = []
    step = scheme.step

    def spied(*batch: torch.Tensor) -> dict[str, torch.Tensor]:
        backbone = next(iter(scheme.backbone.parameters())).detach().clone()
        classifier = scheme.loss.linear.weight.detach().clone()
        terms = step(*batch)
        changed = not torch.equal(backbone, next(iter(scheme.backbone.parameters())))
        seen.append((scheme.retrained, changed, classifier, batch[1]))
        return terms

    scheme.step = spied  # type: ignore[method-assign]
    first = scheme.loss.linear.weight.detach().clone()
    setup.fit(checkpoints(tmp_path))
    assert [share for share, *_ in seen] == [-1, -1, -1, -1, 0, 0.25, 0.5, 0.75]
    assert [changed for _, changed, *_ in seen] == [True] * 4 + [False] * 4
    assert not torch.equal(seen[4][2], seen[3][2])
    assert not torch.equal(seen[5][2], seen[4][2])
    assert seen[4][2].std() == pytest.approx(float(first.std()), rel=0.5)
    # Ten images of the rare classes to a hundred of the others; drawn by class they are as many.
    rare = [torch.cat([labels for *_, labels in part]) % 2 == 1 for part in (seen[:4], seen[4:])]
    assert rare[0].double().mean() < 0.2
    assert 0.35 < rare[1].double().mean() < 0.65


def test_its_rate_falls_by_half_a_cosine_from_one_of_its_own(drawn):
    of_its_own = ANEW["scheme"] | {"learning_rate": 0.5}
    setup = begun({**ANEW, "scheme": of_its_own}, drawn)
    scheme = setup.scheme
    factors: list[float] = []
    scheme.classifier_optimizer.step = factors.append
    scheme.set_learning_rate(0.001)
    for epoch in range(2):
        for batch in scheme.batches(setup.images["train"], 32, 0, epoch, 0):
            scheme.step(*batch)
    assert scheme.classifier_optimizer.learning_rate == 0.5
    assert factors == pytest.approx([1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2])


@pytest.mark.parametrize("after", [2, 4, 5])
def test_taken_up_before_in_and_at_the_turn_it_ends_alike(drawn, tmp_path, after):
    settings = {**ANEW, "loss": {"name": "ldam"}}
    whole = begun(settings, drawn)
    whole.fit(checkpoints(tmp_path / "whole"))
    assert same(whole.scheme.state(), taken_up(settings, drawn, tmp_path / "half", after).scheme.state())


def test_up_to_its_last_part_it_is_the_usual_training(drawn, tmp_path):
    plain = {**ANEW, "scheme": {"name": "classification"}}
    usual, decoupled = begun(plain, drawn), begun(ANEW, drawn)
    for setup in (usual, decoupled):
        for batch in setup.scheme.batches(setup.images["train"], 32, 0, 0, 0):
            setup.scheme.step(*batch)
    assert same(usual.scheme.state()["backbone"], decoupled.scheme.state()["backbone"])


def test_a_loss_without_weights_has_nothing_to_be_trained_anew(drawn, monkeypatch):
    made = SoftmaxLoss.__init__

    def fixed(loss: SoftmaxLoss, *arguments: Any, **options: Any) -> None:
        made(loss, *arguments, **options)
        loss.requires_grad_(False)

    monkeypatch.setattr(SoftmaxLoss, "__init__", fixed)
    with pytest.raises(UserError, match="'softmax' has no weights that the scheme 'decoupled' could train anew"):
        begun(ANEW, drawn)
