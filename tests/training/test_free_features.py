"""The search for the least loss over free embeddings: closed forms, infima, state moved by rules."""

from math import exp, log, log1p

import pytest
import torch

from shared.losses import ASoftmax, Center, CosFace, DiscrepancyTerm, Joint, NormFace, Softmax, TripletTerm
from shared.training.free_features import least


@pytest.mark.parametrize("classes", [3, 10])
def test_knowing_nothing_costs_the_logarithm_of_the_number_of_classes(classes):
    assert least(Softmax(), 2, classes, told_apart=False).value == pytest.approx(log(classes))


def test_softmax_has_the_infimum_0_and_no_minimum():
    minimum = least(Softmax(), 4, 10)
    assert minimum.value < 1e-8
    assert not minimum.attained


@pytest.mark.parametrize(("scale", "margin"), [(1.0, 0.0), (4.0, 0.0), (4.0, 0.25)])
def test_scaled_cosines_end_at_the_simplex(scale, margin):
    minimum = least(CosFace(scale=scale, margin=margin), 5, 6, starts=2)
    assert minimum.value == pytest.approx(log1p(5 * exp(-scale * (6 / 5 - margin))), rel=1e-6)
    assert minimum.attained
    assert minimum.settled
    cosines = torch.nn.functional.normalize(minimum.embedding[:6], dim=1)
    assert torch.allclose((cosines @ cosines.T)[0, 1:], torch.full((5,), -1 / 5, dtype=torch.float64), atol=1e-3)


def test_centers_are_the_means_of_their_classes():
    minimum = least(Center(weight=1.0, alpha=0.5), 2, 4, starts=1)
    assert torch.allclose(minimum.loss.class_vectors()[:, 0], minimum.embedding[:4])
    assert minimum.terms["center"] == pytest.approx(0, abs=1e-12)


def test_an_annealed_margin_is_annealed():
    minimum = least(ASoftmax(margin=2), 2, 3, starts=1)
    assert minimum.value < 1e-8
    assert minimum.loss.start / (1 + minimum.loss.decay * minimum.loss.iteration) < minimum.loss.floor


def test_terms_on_pairs_find_a_pair_of_each_class():
    term = TripletTerm(weight=0.1, margin=0.3)
    minimum = least(Joint(base=NormFace(scale=8.0), term=term), 3, 4, starts=2)
    assert minimum.terms["triplet"] == pytest.approx(0, abs=1e-9)


def test_displacements_shrink_where_the_discrepancy_counts():
    base, term = CosFace(scale=30.0, margin=0.25), DiscrepancyTerm(weight=0.2)
    plain, joint = least(base, 3, 4), least(Joint(base=base, term=term), 3, 4)
    lengths = []
    for minimum in (plain, joint):
        vectors = minimum.loss.class_vectors()[minimum.labels, 0]
        directions = [torch.nn.functional.normalize(points, dim=1) for points in (minimum.embedding, vectors)]
        lengths.append((directions[0] - directions[1]).norm(dim=1).mean())
    assert lengths[1] < lengths[0]
    assert lengths[1] < 0.1
