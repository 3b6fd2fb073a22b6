"""What a step costs: memory by hand, and softmax beside itself."""

from __future__ import annotations

import torch

from shared.losses import NormFace, Softmax
from shared.training.cost import beside_softmax


def test_the_memory_of_softmax_is_that_of_its_weights_logits_and_embeddings():
    own, softmax = beside_softmax(Softmax(), dimension=8, classes=100, batch=16)
    assert own.mebibytes == softmax.mebibytes
    floats = 100 * 8 + 100 + 16 * 8 + 16 * 100
    # The labels too, in eight bytes each, and the sum of their weights, one number.
    assert softmax.mebibytes * 2**20 == 4 * floats + 8 * 16 + 4
    assert own.milliseconds > 0


def test_a_loss_that_normalises_keeps_more_and_no_generator_is_moved():
    before = torch.get_rng_state()
    own, softmax = beside_softmax(NormFace(scale=8), dimension=8, classes=100, batch=16)
    assert own.mebibytes > softmax.mebibytes
    assert torch.equal(torch.get_rng_state(), before)
