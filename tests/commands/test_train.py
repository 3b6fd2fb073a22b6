"""Several seeds of one command: what those leave behind that do not stay finite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from shared.commands import train as command
from shared.commands.evaluate import evaluate
from shared.errors import UserError
from shared.records.one_seed import OneSeed
from shared.records.results import Results
from shared.runs.config import Run
from shared.runs.registry import paper
from shared.training.setup import Setup

RUN = paper("gaussian_affinity").run("figure7/10", "smoke")
OPTIMIZER = RUN.config.optimizer.model_copy(update={"learning_rate": 1e30})
DIVERGES = replace(RUN, config=RUN.config.model_copy(update={"optimizer": OPTIMIZER}))


def test_a_training_that_does_not_stay_finite_leaves_a_record_that_says_so(tmp_path, digits_root, capsys):
    results = Results(tmp_path)
    command.train_seeds(DIVERGES, [0, 1], results, digits_root)
    assert "figure7/10 seed 1: the loss is no longer finite (epoch 1, by step " in capsys.readouterr().err
    for seed in (0, 1):
        lost = OneSeed(DIVERGES, seed, results).record()
        assert lost
        assert lost.not_finite
        assert lost.not_finite.startswith("the loss is no longer finite (epoch 1, by step ")
        assert (lost.metrics, lost.health, lost.seed, lost.config_hash) == ({}, None, seed, DIVERGES.hash)
        assert (lost.provenance.steps, lost.provenance.images_per_second) == (0, 0)
        assert [path.name for path in OneSeed(DIVERGES, seed, results).folder.iterdir()] == ["record.json"]


def lost_at_the_end(run: Run, results: Results, digits_root: Path) -> str | None:
    training = run.config.training.model_copy(update={"epochs": None, "steps": 1})
    short = replace(run, config=run.config.model_copy(update={"training": training}))
    command.train(short, 0, results, digits_root)
    lost = OneSeed(short, 0, results).record()
    assert lost
    return lost.not_finite


def test_what_the_last_step_breaks_is_noticed(tmp_path, digits_root):
    optimizer = RUN.config.optimizer.model_copy(update={"learning_rate": 1e37})
    far = replace(RUN, config=RUN.config.model_copy(update={"optimizer": optimizer}))
    told = lost_at_the_end(far, Results(tmp_path), digits_root)
    assert told == "the embeddings are no longer finite (after the last step)"


def test_a_weight_of_the_loss_that_is_no_number_is_noticed(tmp_path, digits_root, monkeypatch):
    fit = Setup.fit

    def broken(setup, *arguments, **options):
        position = fit(setup, *arguments, **options)
        with torch.no_grad():
            next(setup.scheme.loss.parameters())[0] = torch.nan
        return position

    monkeypatch.setattr(Setup, "fit", broken)
    told = lost_at_the_end(RUN, Results(tmp_path), digits_root)
    assert told == "the weights of its loss are no longer finite (after the last step)"


def test_nothing_is_measured_apart_of_a_training_that_did_not_stay_finite(tmp_path, digits_root, capsys):
    results = Results(tmp_path)
    command.train(DIVERGES, 0, results, digits_root)
    assert evaluate(DIVERGES, 0, "mnist-test", results, digits_root) == {}
    assert "nothing is measured of it" in capsys.readouterr().err
    assert results.benchmark("smoke", RUN.paper, RUN.name, 0, "mnist-test").exists()
    lost = OneSeed(DIVERGES, 0, results).record()
    assert lost
    assert lost.metrics == {"mnist-test": {}}


def test_what_no_other_seed_would_escape_ends_the_command_at_once(tmp_path, monkeypatch):
    begun = []

    def refuse(run, seed, *arguments, **options):
        begun.append(seed)
        raise UserError("there is no data set")

    monkeypatch.setattr(command, "train", refuse)
    with pytest.raises(UserError, match="there is no data set"):
        command.train_seeds(RUN, [0, 1], Results(tmp_path), tmp_path)
    assert begun == [0]
