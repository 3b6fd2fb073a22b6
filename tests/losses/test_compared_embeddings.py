"""SupCon and AdaFace: printed formulas, gradients, running means, and the batches that public code breaks on."""

from __future__ import annotations

from math import acos, cos, exp, log, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from shared.losses import AdaFace, CosFace, SupCon
from shared.losses.ada_face import AdaFaceLoss
from shared.losses.sup_con import SupConLoss, supervised_contrastive


def batch(size: int = 9, dimension: int = 3, classes: int = 4) -> tuple[Tensor, Tensor]:
    return torch.randn(size, dimension, dtype=torch.float64, requires_grad=True), torch.arange(size) % classes


# SupCon


def printed_contrastive(x: np.ndarray, labels: list[int], temperature: float) -> float:
    """Eq. 2 of Khosla et al., sum by sum, averaged over the anchors that have a positive."""
    z = x / np.linalg.norm(x, axis=1, keepdims=True)
    losses = []
    for i, label in enumerate(labels):
        others = [a for a in range(len(labels)) if a != i]
        positives = [p for p in others if labels[p] == label]
        total = sum(exp(z[i] @ z[a] / temperature) for a in others)
        if positives:
            losses.append(-sum(log(exp(z[i] @ z[p] / temperature) / total) for p in positives) / len(positives))
    return sum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize(
    "labels", [[0, 1, 2, 3, 0, 1, 2, 3, 0], [0, 0, 0, 1, 1, 2, 3, 3, 3], [0, 0, 1, 2, 3, 4, 5, 6, 7]]
)
def test_supervised_contrastive_is_the_printed_sum(labels):
    x, _ = batch()
    value = supervised_contrastive(x, torch.tensor(labels), 0.5)
    assert value.item() == pytest.approx(printed_contrastive(x.detach().numpy(), labels, 0.5))


def test_its_gradient_is_the_published_one():
    # Supplementary material of Khosla et al.: dL_i / dz_i = 1 / tau [sum_P z_p (P_ip - 1 / |P|) + sum_N z_n P_in], to
    # which z_i gets as much from each anchor that it is compared with.
    x, labels = batch()
    z = functional.normalize(x.detach(), dim=1).numpy()
    similarity = np.exp(z @ z.T / 0.5)
    np.fill_diagonal(similarity, 0)
    share = similarity / similarity.sum(1, keepdims=True)
    positive = (labels[:, None] == labels).numpy() & ~np.eye(9, dtype=bool)
    residual = share - positive / positive.sum(1, keepdims=True)
    by_direction = (residual @ z + residual.T @ z) / 0.5 / 9
    expected = torch.autograd.grad(functional.normalize(x, dim=1), x, torch.from_numpy(by_direction))
    found = torch.autograd.grad(supervised_contrastive(x, labels, 0.5), x)
    torch.testing.assert_close(found, expected)
    assert torch.autograd.gradcheck(lambda x: supervised_contrastive(x, labels, 0.5), (x,))


def test_by_hand():
    # Two classes of two, each class one direction, at right angles: one positive at 1, two negatives at 0.
    x = torch.tensor([[1.0, 0], [2, 0], [0, 3], [0, 4]])
    value = supervised_contrastive(x, torch.tensor([0, 0, 1, 1]), 0.5)
    assert value.item() == pytest.approx(log(1 + 2 * exp(-2)))


@pytest.mark.parametrize("labels", [[0], [0, 1, 2]])
def test_without_positives_it_is_zero_and_has_a_gradient(labels):
    x = torch.randn(len(labels), 3, requires_grad=True)
    value = supervised_contrastive(x, torch.tensor(labels), 0.1)
    assert value.item() == 0
    assert torch.autograd.grad(value, x)[0].abs().max() == 0


def test_the_probe_learns_and_leaves_the_embeddings_alone():
    loss = SupCon(temperature=0.5).build(3, 4).double()
    assert isinstance(loss, SupConLoss)
    x, labels = batch()
    terms = loss(x, labels)
    assert terms["loss"].item() == pytest.approx((terms["contrastive"] + terms["cross_entropy"]).item())
    cross_entropy = functional.cross_entropy(loss.linear(x.detach()), labels)
    gradients = torch.autograd.grad(terms["loss"], (x, loss.linear.weight))
    (contrastive,) = torch.autograd.grad(supervised_contrastive(x, labels, 0.5), x)
    (probe,) = torch.autograd.grad(cross_entropy, loss.linear.weight)
    torch.testing.assert_close(gradients, (contrastive, probe))
    torch.testing.assert_close(loss.scores(x), loss.linear(x))


def test_under_autocast_it_is_that_of_wide_products():
    loss = SupCon().build(3, 4)
    x = torch.randn(9, 3).bfloat16()
    labels = torch.arange(9) % 4
    with torch.autocast("cpu", torch.bfloat16):
        narrow = loss(x, labels)["contrastive"]
    assert torch.equal(narrow, loss(x.float(), labels)["contrastive"])


# AdaFace


def adaface(scale: float = 8.0) -> AdaFaceLoss:
    torch.manual_seed(7)
    loss = AdaFace(scale=scale).build(3, 4).double()
    assert isinstance(loss, AdaFaceLoss)
    return loss


def printed_adaface(loss: AdaFaceLoss, x: Tensor, labels: Tensor) -> float:
    """The loss as section 3.3 of Kim et al. has it, with the running mean and deviation that it has now."""
    rows, weights, total = x.tolist(), loss.linear.weight.tolist(), 0.0
    for row, y in zip(rows, labels.tolist(), strict=True):
        length = sqrt(sum(v * v for v in row))
        cosines = [
            sum(v * u for v, u in zip(row, w, strict=True)) / length / sqrt(sum(u * u for u in w)) for w in weights
        ]
        z = max(-1.0, min(1.0, 0.333 * (length - float(loss.mean)) / (float(loss.deviation) + 1e-3)))
        cosines[y] = cos(acos(cosines[y]) - 0.4 * z) - (0.4 * z + 0.4)
        total += log(sum(exp(8 * c) for c in cosines)) - 8 * cosines[y]
    return total / len(rows)


def test_adaface_is_the_printed_formula_and_its_means_run():
    loss = adaface()
    x, labels = batch()
    x = (20 * x).detach()
    lengths = np.linalg.norm(x.numpy(), axis=1)
    value = loss(x, labels)["loss"]
    assert float(loss.mean) == pytest.approx(0.99 * 20 + 0.01 * lengths.mean())
    assert float(loss.deviation) == pytest.approx(0.99 * 100 + 0.01 * lengths.std(ddof=1))
    assert value.item() == pytest.approx(printed_adaface(loss, x, labels))


def test_lengths_are_cut_off_at_100_where_their_means_run():
    loss = adaface()
    loss(torch.tensor([[60.0, 0, 80], [0, 3e4, 4e4], [0, 0, 40]], dtype=torch.float64), torch.arange(3))
    assert float(loss.mean) == pytest.approx(0.99 * 20 + 0.01 * 80)
    assert float(loss.deviation) == pytest.approx(0.99 * 100 + 0.01 * sqrt(1200))


def test_its_gradient_takes_the_quality_for_a_constant():
    loss = adaface().eval()
    loss.mean.fill_(2)
    loss.deviation.fill_(1)
    x, labels = batch()
    (found,) = torch.autograd.grad(loss(x, labels)["loss"], x)
    lengths = torch.linalg.vector_norm(x.detach(), dim=1, keepdim=True)

    def with_lengths_kept(turned: Tensor) -> Tensor:
        # Only the direction is free: the length, and so the quality, is that of before.
        kept: Tensor = loss(lengths * functional.normalize(turned, dim=1), labels)["loss"]
        return kept

    assert torch.autograd.gradcheck(with_lengths_kept, (x,))
    torch.testing.assert_close(found, torch.autograd.grad(with_lengths_kept(x), x)[0])
    torch.testing.assert_close((found * x).sum(1), torch.zeros(9, dtype=torch.float64), atol=1e-12, rtol=0)


def test_a_usual_length_has_the_margin_of_cosface_and_a_short_one_that_of_arcface():
    x, labels = torch.tensor([[3.0, 4.0]]), torch.tensor([0])
    theta = acos(0.6)
    for mean, own in ((5.0, cos(theta) - 0.4), (1e9, cos(theta + 0.4)), (-1e9, cos(theta - 0.4) - 0.8)):
        loss = AdaFace(scale=8).build(2, 2).eval()
        loss.mean.fill_(mean)
        loss.deviation.fill_(1)
        with torch.no_grad():
            loss.linear.weight.copy_(torch.eye(2))
        assert loss(x, labels)["loss"].item() == pytest.approx(log(1 + exp(8 * (0.8 - own))), rel=1e-5)


def test_evaluation_moves_no_means_and_one_image_no_deviation():
    loss = adaface()
    x, labels = batch()
    loss.eval()(x, labels)
    assert (float(loss.mean), float(loss.deviation)) == (20, 100)
    loss.train()(x[:1], labels[:1])
    assert float(loss.mean) < 20
    assert float(loss.deviation) == 100


def test_at_the_end_of_the_range_of_angles():
    # theta + g stays between 0 and pi; an embedding along its weight, or against it, has a finite gradient.
    loss = adaface(64)
    x = torch.cat([loss.class_vectors()[:, 0], -loss.class_vectors()[:, 0]]).requires_grad_()
    value = loss(x, torch.arange(4).repeat(2))["loss"]
    assert value.isfinite()
    assert torch.autograd.grad(value, x)[0].isfinite().all()


def test_scores_are_those_without_a_margin():
    torch.manual_seed(7)
    plain = CosFace(scale=8, margin=0.4).build(3, 4).double()
    x, _ = batch()
    torch.testing.assert_close(adaface().scores(x), plain.scores(x))
