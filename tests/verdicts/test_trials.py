"""What is said of a loss of one's own beside another: sense, seeds in pairs, words."""

from __future__ import annotations

import pytest
from scipy import stats

from shared.runs.experiments import Experiment, experiments
from shared.runs.registry import paper
from shared.verdicts.trials import Measured, Versus, judged, oriented, softmax_of


@pytest.fixture
def experiment() -> Experiment:
    return experiments(paper("gaussian_affinity"), "lite")[0]


def versus(experiment: Experiment, own: Measured, other: Measured, scale: str = "lite") -> Versus:
    [found] = judged([(experiment, own, other)], scale)
    return found


def measured(label: str, *values: float, aside: dict[int, str] | None = None) -> Measured:
    return Measured(label, dict(enumerate(values)), aside or {})


def test_a_lower_error_is_better_and_a_higher_accuracy_is(experiment):
    lower, higher = measured("mine", 1.0, 1.1, 1.2, 1.1), measured("softmax", 2.0, 2.2, 2.1, 2.2)
    found = versus(experiment, lower, higher)
    assert found.verdict == "better"
    assert found.finding.effect == pytest.approx(1.025)
    accuracy = experiment.by("lfw/accuracy")
    assert versus(accuracy, lower, higher).verdict == "worse"
    assert oriented(lower, experiment)[0] == -1.0
    assert oriented(lower, accuracy)[0] == 1.0


def test_the_difference_is_paired_over_the_seeds_of_both(experiment):
    own, other = Measured("mine", {0: 3.0, 1: 1.0, 2: 5.0}), Measured("softmax", {1: 2.0, 2: 7.0, 3: 9.0})
    found = versus(experiment, own, other).finding
    assert (found.n, found.effect) == (2, 1.5)
    assert versus(experiment, own, other).sides == ({1: 1.0, 2: 5.0}, {1: 2.0, 2: 7.0})
    assert found.p == pytest.approx(stats.ttest_1samp([1, 2], 0).pvalue)


def test_one_seed_shows_nothing_and_says_so(experiment):
    found = versus(experiment, measured("mine", 1.0), measured("softmax", 9.0))
    assert (found.verdict, found.reason) == ("inconclusive", "1 seed: the spread is unknown")


def test_an_open_comparison_says_what_its_seeds_could_have_shown_and_how_many_it_takes(experiment):
    found = versus(experiment, measured("mine", 1.0, 2.0, 3.0), measured("softmax", 1.5, 2.2, 3.9))
    assert found.verdict == "inconclusive"
    assert "3 seeds of this spread show an effect of " in found.reason
    assert "would show the observed effect" in found.reason


def test_what_is_missing_or_was_never_trained_is_not_judged(experiment):
    there = measured("mine", 1.0, 1.1)
    assert versus(experiment, there, measured("softmax")).reason == "no record of softmax"
    assert versus(experiment, there, measured("softmax")).verdict == "not run"
    lost = versus(experiment, there, measured("softmax", aside={0: "at chance: 90 % error"}))
    assert (lost.verdict, lost.reason) == ("not trained", "softmax: at chance: 90 % error")


def test_p_is_holms_over_all_comparisons(experiment):
    own, near, far = measured("mine", 1.0, 1.1, 1.2), measured("near", 1.3, 1.2, 1.6), measured("far", 9.0, 9.2, 9.1)
    alone = versus(experiment, own, far).finding
    [first, second] = judged([(experiment, own, near), (experiment, own, far)], "lite")
    assert alone.p is not None
    assert second.finding.p_adjusted == pytest.approx(2 * alone.p)
    assert first.finding.p_adjusted == pytest.approx(first.finding.p)


def test_smoke_scale_is_no_evidence(experiment):
    assert versus(experiment, measured("mine", 1.0, 1.1), measured("softmax", 9, 9), "smoke").verdict == "no evidence"


def test_softmax_is_found_whatever_it_is_called():
    found = {entry.name: softmax_of(entry) for entry in experiments(paper("adversarial_variance"), "lite")}
    assert found["rejection/digits"] == "vanilla"
    assert found["plane/8"] == "vanilla"
    assert found["weight"] == ""
    assert softmax_of(experiments(paper("feature_transfer"), "lite")[0]) == "softmax"
