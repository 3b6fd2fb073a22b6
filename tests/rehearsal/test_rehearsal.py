"""Rehearsals: by the suite's own training, at real size; what they tell is what a real training does."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from shared.losses.softmax import SoftmaxLoss
from shared.rehearsal import rehearsal
from shared.rehearsal.fake_device import CPU, FakeDevice
from shared.rehearsal.rehearsal import rehearse
from shared.runs.catalogue import evaluations
from shared.runs.config import Run
from shared.runs.registry import paper, papers
from shared.training.setup import Setup

NOWHERE = Path("nowhere")
SMALL = ("gaussian_affinity", "table1/standard/softmax", "full")


def run_of(key: str, name: str, scale: str) -> Run:
    return paper(key).run(name, scale)


def with_training(run: Run, **changed: Any) -> Run:
    training = run.config.training.model_copy(update=changed)
    return replace(run, config=run.config.model_copy(update={"training": training}))


def on_processor(run: Run) -> Run:
    return with_training(run, gpus=0)


def measured_mib(run: Run) -> float:
    """Return the most that torch's allocator has handed out at once in the real steps that a rehearsal makes."""
    short = rehearsal._short(run)
    gc.collect()
    with torch.autograd.profiler.profile(profile_memory=True) as profile:
        setup = Setup(short, 0, rehearsal.drawn(short), torch.device("cpu"))
        for batch in setup.scheme.batches(setup.images["train"], short.config.training.batch_size, 0, 0, 0):
            setup.scheme.step(*batch)
    live = peak = 0
    events = (event for event in profile.kineto_results.events() if event.name() == "[memory]")
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak / 2**20


@pytest.mark.parametrize(
    "named", [SMALL, pytest.param(("discface", "casia/0", "smoke"), marks=pytest.mark.slow)], ids=lambda named: named[1]
)
def test_the_most_memory_of_a_step_is_that_of_a_real_one_within_a_fifth(named):
    run = on_processor(run_of(*named))
    told = rehearse(run, [], NOWHERE)
    assert told.problems == []
    assert told.found is not None
    assert told.found.memory.peak == pytest.approx(measured_mib(run), rel=0.2)


def test_sizes_are_those_of_the_real_network():
    run = run_of(*SMALL)
    found = rehearse(run, [], NOWHERE).found
    assert found is not None
    real = run.config.scheme.build(run.config, (1, 28, 28), 10, torch.device("cpu"))
    assert found.parameters == real.parameters
    mib = 4 * real.parameters / 2**20
    assert found.memory.gradients == pytest.approx(mib, abs=0.01)
    assert found.memory.optimizer == pytest.approx(mib, abs=0.01)  # a velocity each
    assert found.memory.peak > found.memory.activations > found.memory.embedding * 0.99 > 0
    assert found.memory.on(2) == pytest.approx(found.memory.peak - found.memory.embedding / 2)
    # Backwards there are two products for each forwards.
    assert 2 < found.training_flops / found.embedding_flops < 3.2
    in_tf32 = rehearse(with_training(run, precision="tf32"), [], NOWHERE)
    assert in_tf32.problems == []
    assert in_tf32.found == found.model_copy(update={"of": found.of.replace("fp32", "tf32")})


@pytest.mark.slow
def test_every_stage_is_gone_through(monkeypatch):
    from papers.feature_transfer.scheme import FeatureTransferScheme, Stage
    from papers.gaussian_affinity.cosen import CoSenLoss

    stages, updates = [], []
    train, update = FeatureTransferScheme.step, CoSenLoss._update_costs

    def step(self, *batch):
        stages.append(self.stage)
        return train(self, *batch)

    monkeypatch.setattr(FeatureTransferScheme, "step", step)

    def update_costs(self):
        updates.append(self)
        update(self)

    monkeypatch.setattr(CoSenLoss, "_update_costs", update_costs)
    transfer = run_of("feature_transfer", "table1/10K10K/ftl", "smoke")
    assert rehearse(transfer, [], NOWHERE).problems == []
    assert stages == [Stage.PRETRAINING] * 4 + [Stage.BOUNDARY_RESHAPE] * 2 + [Stage.COMPACT_FEATURES] * 2
    assert rehearse(run_of("gaussian_affinity", "table1/odd-10/cosen", "full"), [], NOWHERE).problems == []
    assert len(updates) == 1


def test_a_tensor_on_the_wrong_device_is_told_with_its_line(monkeypatch):
    def misplaced(self, embedding, labels):
        return {"loss": embedding.sum() + torch.ones(2).sum() * embedding.new_ones(2)}

    monkeypatch.setattr(SoftmaxLoss, "forward", misplaced)
    told = rehearse(run_of(*SMALL), [], NOWHERE)
    assert told.found is None
    assert len(told.problems) == 1
    assert told.problems[0].startswith("shared/training/classification.py:")


def test_a_rehearsal_leaves_nothing_fake_behind():
    run = on_processor(run_of(*SMALL))
    backbone = run.config.backbone.build(1, 28, 28)
    with FakeDevice(CPU).running():
        assert type(backbone(torch.zeros(2, 1, 28, 28))) is not torch.Tensor
    assert type(backbone(torch.zeros(2, 1, 28, 28))) is torch.Tensor


def test_benchmarks_are_measured_on_stand_ins(digits_root):
    run = run_of("discface", "qmul/softmax", "smoke")
    entry = evaluations(run, ["qmul-survface"])
    assert rehearse(run, [entry], digits_root).problems == []


def distinct() -> list[Run]:
    """Return a run for each network and scheme at full scale, of the fewest classes; and one of the most classes."""
    runs = [run for entry in papers().values() for run in entry.runs("full").values()]
    runs.sort(key=lambda run: run.config.data.trained_classes)
    found: dict[tuple[str, str], Run] = {}
    for run in runs:
        found.setdefault((run.config.backbone.name, run.config.scheme.name), run)
    return [*found.values(), runs[-1]]


@pytest.mark.slow
@pytest.mark.parametrize("run", distinct(), ids=lambda run: f"{run.paper} {run.name}")
def test_full_scale_works(run):
    told = rehearse(run, [], NOWHERE)
    assert told.problems == []
    assert told.found is not None
