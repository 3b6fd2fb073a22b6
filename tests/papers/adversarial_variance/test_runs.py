"""What the runs of one comparison share, and in what alone they differ."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from shared.data.formats.emnist import CHARACTERS
from shared.runs.registry import paper

RUNS = paper("adversarial_variance").runs("full")


def plain(run: str, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the configuration of a run, but for some settings by dotted path."""
    config = RUNS[run].config.plain()
    for path in without:
        *folders, name = path.split(".")
        part = config
        for folder in folders:
            part = part[folder]
        del part[name]
    return config


def test_shared_and_independent_anchors_differ_in_nothing_else_and_leave_most_identities_out_of_a_batch():
    one, other = (plain(f"anchors/{anchors}", without=("scheme.anchors",)) for anchors in ("shared", "independent"))
    assert one == other
    assert plain("anchors/independent")["scheme"]["anchors"] == "independent"
    config = RUNS["anchors/shared"].config
    assert config.training.batch_size // 2 < config.data.trained_classes / 5


def test_the_search_trains_as_the_figures_but_for_what_it_holds_out_its_length_and_its_rate():
    others = ("data.sampling.held_out", "training.epochs", "optimizer.learning_rate", "benchmarks", "keep_features")
    for figure, loss in (("figure3/1", "center"), ("figure5/angular", "angular")):
        for rate in ("0.003", "0.0005"):
            searched = plain(f"search/{loss}/{rate}")
            assert plain(f"search/{loss}/{rate}", without=others) == plain(figure, without=others)
            assert searched["optimizer"]["learning_rate"] == float(rate)
            assert round(60_000 * searched["data"]["sampling"]["held_out"]) == 10_000
            assert searched["benchmarks"] == ["held-out"]


def test_figures_3_to_5_have_one_rate():
    drawn = [run for name, run in RUNS.items() if name.startswith(("figure3", "figure4", "figure5"))]
    assert len({run.config.optimizer.learning_rate for run in drawn}) == 1


@pytest.mark.parametrize("scale", ["smoke", "lite", "full"])
def test_characters_that_are_taken_for_one_another_are_all_trained_on_or_all_unseen(scale):
    groups = ("0OD", "1ILJ", "2Za", "3", "4Y", "5S", "6Gb", "7", "8Bg", "9qQga", "fFtT", "eC", "UV")
    runs = [run for name, run in paper("adversarial_variance").runs(scale).items() if "openset/characters/" in name]
    assert len(runs) == 4
    for run in runs:
        known = {CHARACTERS[label] for label in run.config.plain()["data"]["sampling"]["classes"]}
        assert len(known) == run.config.data.trained_classes == 22
        assert all((one in known) == (other in known) for group in groups for one, other in pairwise(group))


def test_the_methods_of_an_open_set_are_trained_alike_but_for_loss_and_scheme():
    for images in ("digits", "characters"):
        methods = ("vanilla", "center", "angular", "adversarial")
        configs = [plain(f"openset/{images}/{method}", without=("loss", "scheme")) for method in methods]
        assert all(config == configs[0] for config in configs)


def test_digits_have_five_seeds():
    assert {run.seeds for name, run in RUNS.items() if not name.startswith("search/")} == {5}
