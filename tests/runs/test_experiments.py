"""Experiments: the rule by which rivals are found, and how conditions, folds and curves are told."""

from __future__ import annotations

import pytest

from shared.errors import UserError
from shared.runs.experiments import Experiment, experiments
from shared.runs.registry import TRAINED_SCALES, paper, papers
from tests.runs.samples import MINIMAL
from tests.runs.samples import paper as of_text


def named(key: str, scale: str) -> dict[str, Experiment]:
    return {experiment.name: experiment for experiment in experiments(paper(key), scale)}


def labels(experiment: Experiment) -> list[str]:
    return [rival.label for rival in experiment.rivals]


def test_every_paper_has_experiments_at_every_scale_each_with_the_papers_own_among_its_rivals():
    for entry in papers().values():
        for scale in TRAINED_SCALES:
            found = experiments(entry, scale)
            assert found
            assert len({experiment.key for experiment in found}) == len(found)
            for experiment in found:
                assert experiment.own in labels(experiment)
                assert len(set(labels(experiment))) == len(experiment.rivals)


def test_a_condition_has_its_place_on_the_curve():
    found = named("gaussian_affinity", "full")
    assert [found[f"noise/{level}"].at for level in ("0", "0.3", "0.5")] == [0.0, 0.3, 0.5]
    assert labels(found["retained/0.025"]) == ["softmax", "affinity"]
    assert found["retained/0.025"].over == "retained"
    assert found["imbalance/odd-10"].at is None


def test_folds_are_parts_of_one_experiment():
    lesions = named("gaussian_affinity", "lite")["lesions/ten"]
    assert [run.name for run in lesions.places] == [f"table2/ten/affinity/{fold}" for fold in range(3)]
    assert labels(lesions) == ["softmax", "affinity", "cosen"]
    assert [run.name for run in lesions.rivals[2].runs] == [f"table2/ten/cosen/{fold}" for fold in range(3)]
    assert lesions.metric == "emnist-test/error"
    measures = ("ijb-c/tar@1e-4", "ijb-c/tar@1e-1", "lfw/accuracy")
    assert named("discface", "full")["verification"].metrics == measures
    assert named("gaussian_affinity", "full")["lesions/ten"].metric == "dermofit-test/error"


def test_rivals_share_all_but_loss_scheme_and_optimizer():
    rejection = named("adversarial_variance", "lite")["rejection/characters"]
    assert labels(rejection) == ["vanilla", "center", "angular", "adversarial"]
    assert rejection.places[0].config.scheme.name == "classification"
    # Those of a figure each are called what they are elsewhere in the paper: a figure's name is no method's.
    assert labels(named("adversarial_variance", "lite")["plane/8"]) == ["vanilla", "adversarial"]
    polytopes = named("regular_polytope", "full")
    # The polytopes differ in the dimension of their embedding, so that each is an experiment of its own.
    assert labels(polytopes["digits/cube"]) == ["fixed", "learnable"]


def test_experiments_that_come_to_the_same_are_one_with_the_rivals_of_all():
    full, lite = named("discface", "full"), named("discface", "lite")
    assert {"verification", "low-resolution", "weight"} <= set(full)
    assert "low-resolution" not in lite
    assert "weight" not in lite
    joined = lite["verification"]
    assert joined.targets == ("table3", "table1", "table5")
    assert {"arcface", "cosface", "weight 0.4"} <= set(labels(joined))
    # The weight of 1 is that of table 1, trained alike and under its name there.
    levels = {f"weight {level}": float(level) for level in ("0", "0.2", "0.4", "0.6", "0.8")}
    assert joined.levels == {**levels, "cos-discface": 1.0}
    assert full["weight"].levels == {**levels, "weight 1": 1.0}
    hashes = [run.hash for rival in joined.rivals for run in rival.runs]
    assert len(set(hashes)) == len(hashes)


def test_no_loss_stands_at_a_rate_that_is_for_the_papers_own_alone():
    """Where a paper trains softmax otherwise than its own loss, another loss is trained as softmax is."""
    for entry in papers().values():
        for scale in TRAINED_SCALES:
            for experiment in experiments(entry, scale):
                others = [
                    rival.runs[0].config.optimizer
                    for rival in experiment.rivals
                    if rival.runs[0].config.loss.name in ("softmax", "normalised-softmax")
                ]
                assert all(optimizer == experiment.places[0].config.optimizer for optimizer in others)
    assert named("gaussian_affinity", "lite")["verification"].places[0].config.optimizer.learning_rate == 0.1


CURVE = """
experiments:
  curve: {target: figure2, own: "b/*", metrics: [mnist-test/error], over: sigma}
"""


def drawn(tmp_path, before: str, after: str) -> list[Experiment]:
    text = MINIMAL.replace("table1: {kind: table, title: A table", "figure2: {kind: figure, title: A figure")
    text = text.replace('runs: ["a/*"]}', 'runs: ["a/*", "b/*"]}')
    return experiments(of_text(tmp_path, (text + CURVE).replace(before, after)), "full")


def test_a_curve_is_over_an_axis_of_the_runs(tmp_path):
    assert [one.over for one in drawn(tmp_path, "", "")] == ["sigma"]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("over: sigma", "over: sgima", "curve.over: the runs of figure2 have no axis 'sgima'; did you mean 'sigma'"),
        ("over: sigma", "over: loss", "over: the level '(softmax|affinity)' of the axis 'loss' is no number"),
        ("over: sigma", "folds: fold", "curve.folds: the runs of figure2 have no axis 'fold'; valid are: loss, sigma"),
        ("mnist-test/error", "mnist-test/eror", "metrics: there is no 'eror'; did you mean 'error'"),
    ],
)
def test_what_an_experiment_names_and_is_not_there_is_refused(tmp_path, before, after, says):
    with pytest.raises(UserError, match=says):
        drawn(tmp_path, before, after)
