"""Several seeds of one command: which are trained where one of them cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.commands import train as command
from shared.errors import UserError
from shared.records.results import Results
from shared.runs.registry import paper

RUN = paper("gaussian_affinity").run("figure7/10", "smoke")


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """Train five seeds, of which some fail as they are told to, and return which were begun, with the error."""

    def train_five(failing: dict[int, str]) -> tuple[list[int], str]:
        begun: list[int] = []

        def train(run, seed, *arguments, **options):
            begun.append(seed)
            if seed in failing:
                raise UserError(f"seed {seed}: {failing[seed]}.")

        monkeypatch.setattr(command, "train", train)
        with pytest.raises(UserError) as raised:
            command.train_seeds(RUN, range(5), Results(tmp_path), Path())
        return begun, str(raised.value)

    return train_five


def test_a_seed_that_does_not_stay_finite_keeps_no_other_from_being_trained(trained):
    ill = "the loss is no longer finite"
    assert trained({0: ill}) == ([0, 1, 2, 3, 4], "seed 0: the loss is no longer finite.")
    said = "seed 1: the loss is no longer finite. Likewise seed 3 and seed 4."
    assert trained(dict.fromkeys((1, 3, 4), ill)) == ([0, 1, 2, 3, 4], said)


def test_what_no_other_seed_would_escape_ends_the_command_at_once(trained):
    assert trained({1: "there is no data set"}) == ([0, 1], "seed 1: there is no data set.")


def test_of_several_processes_that_train_together_none_goes_on_alone(trained, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert trained({1: "the loss is no longer finite"})[0] == [0, 1]
