"""What a step costs: memory by hand, softmax beside itself, and batches as the scheme makes them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from shared.losses import NormFace, Softmax
from shared.runs.components import Loss
from shared.runs.config import RunConfig
from shared.runs.own_code import OwnLoss, OwnOrder, OwnSampler
from shared.runs.registry import paper
from shared.training import Classification
from shared.training.cost import batch_labels, beside_softmax

COUNTS = [40, *[4] * 99]
OWN = """
import torch
from torch import nn


class Told(nn.Module):
    def __init__(self, dimension, classes):
        super().__init__()
        self.linear, self.counts = nn.Linear(dimension, classes), None

    def inform(self, counts, progress):
        self.counts = counts

    def forward(self, embedding, labels):
        if self.counts.sum() != 436 or not ((labels[:, None] == labels).sum(1) > 1).all():
            raise ValueError("no pairs")
        return {"loss": nn.functional.cross_entropy(self.linear(embedding), labels)}


class Last:
    def __init__(self, labels, classes, batch_size):
        self.images = len(labels)

    def order(self, seed, epoch):
        return range(self.images - 1, -1, -1)
"""


def config(loss: Loss, scheme: object = None) -> RunConfig:
    """Return the configuration of a run with embeddings of 8 numbers and batches of 16."""
    plain = paper("gaussian_affinity").run("table1/odd-10/affinity", "smoke").config
    backbone = plain.backbone.model_copy(update={"embedding": 8})
    training = plain.training.model_copy(update={"batch_size": 16})
    update = {"loss": loss, "backbone": backbone, "training": training, "scheme": scheme or plain.scheme}
    return plain.model_copy(update=update)


def test_the_memory_of_softmax_is_that_of_its_weights_logits_and_embeddings():
    own, softmax = beside_softmax(config(Softmax()), COUNTS)
    assert own.mebibytes == softmax.mebibytes
    floats = 100 * 8 + 100 + 16 * 8 + 16 * 100
    # The labels too, in eight bytes each, and the sum of their weights, one number.
    assert softmax.mebibytes * 2**20 == 4 * floats + 8 * 16 + 4
    assert own.milliseconds > 0


def test_a_loss_that_normalises_keeps_more_and_no_generator_is_moved():
    before = torch.get_rng_state()
    own, softmax = beside_softmax(config(NormFace(scale=8)), COUNTS)
    assert own.mebibytes > softmax.mebibytes
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loss_is_told_of_the_classes_and_given_the_batches_of_its_scheme(tmp_path: Path):
    (tmp_path / "own.py").write_text(OWN)
    loss = OwnLoss(name="own:Told", folder=tmp_path)
    own, _ = beside_softmax(config(loss, Classification(pairs=True)), COUNTS)
    assert own.milliseconds > 0
    with pytest.raises(ValueError, match="no pairs"):
        beside_softmax(config(loss), COUNTS)
    last = OwnOrder(sampler=OwnSampler(name="own:Last", folder=tmp_path))
    assert batch_labels(config(loss, last), COUNTS).tolist() == [99] * 4 + [98] * 4 + [97] * 4 + [96] * 4
