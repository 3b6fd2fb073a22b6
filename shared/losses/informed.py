"""What a loss is told of the training set and of how far the training is."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Informed(nn.Module):
    """A loss that asks how many training images each class has, and which share of the training is done.

    The loop calls `inform` before each step of a loss that has such a method. Until then all classes are alike, with
    one image each, and nothing is done. Both are buffers, so that a trained loss scores alike when it is taken up again.
    """

    counts: Tensor
    progress: Tensor

    def await_information(self, classes: int) -> None:
        """Make the buffers, for so many classes."""
        self.register_buffer("counts", torch.ones(classes))
        self.register_buffer("progress", torch.zeros(()))

    def inform(self, counts: Tensor, progress: float) -> None:
        """Take the numbers of training images (C,), and the share of the training that is done, from 0 to 1."""
        self.counts.copy_(counts)
        self.progress.fill_(progress)

    @property
    def log_shares(self) -> Tensor:
        """The logarithms of the shares of the classes (C,); a class without images counts as one with a single one."""
        counts = self.counts.clamp_min(1)
        return (counts / counts.sum()).log()
