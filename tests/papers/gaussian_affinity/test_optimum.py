"""What the affinity loss asks for: nothing less than 0 in many dimensions, a heap of prototypes in two."""

from __future__ import annotations

import pytest

from papers.gaussian_affinity import Affinity
from shared.evaluation.optimum import optimum
from shared.training.free_features import least


def test_equidistant_prototypes_leave_no_loss():
    assert optimum(Affinity(sigma=10.0, margin=0.75), 12, 5).terms["loss"] == pytest.approx(0, abs=1e-6)


def test_the_margin_times_the_other_classes_is_the_loss_of_knowing_nothing():
    assert least(Affinity(sigma=10.0, margin=0.75), 2, 10, told_apart=False).value == pytest.approx(6.75, abs=1e-6)


def test_in_two_dimensions_the_regulariser_heaps_the_prototypes():
    found = optimum(Affinity(sigma=10.0, margin=0.75, initial_scale=1.0), 2, 10)
    assert found.terms["loss"] == pytest.approx(5.167, abs=2e-3)
    assert found.terms["hinge"] == pytest.approx(4.633, abs=5e-3)
    assert found.terms["diversity"] == pytest.approx(0.534, abs=5e-3)
    assert found.geometry["mean distance between vectors of two classes"] == pytest.approx(1.05, abs=0.02)
    assert not found.classifies


def test_with_a_small_weight_of_the_regulariser_they_lie_apart_in_two_dimensions():
    found = optimum(Affinity(sigma=10.0, margin=0.75, initial_scale=1.0, diversity=0.001), 2, 10)
    assert found.terms["hinge"] == pytest.approx(0.218, abs=5e-3)
    assert found.geometry["mean distance between vectors of two classes"] == pytest.approx(5.29, abs=0.05)
    assert found.classifies


def test_the_faces_by_a_sample_of_the_classes():
    """R is a mean over pairs of prototypes, the hinge a sum over the other classes: the weight makes up for these."""
    classes, sample = 8631, 1000
    options = Affinity(sigma=1200.0, margin=0.75, diversity=(sample - 1) / (classes - 1))
    minimum = least(options, 2048, sample, free_classes=0)
    assert minimum.settled
    assert minimum.value < 0.5 * 0.75 * (sample - 1)
