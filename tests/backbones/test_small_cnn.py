"""The network of the MNIST experiments: its shape, and what dropout does and leaves alone."""

from __future__ import annotations

import pytest
import torch

from shared.backbones import SmallCnn
from shared.backbones.small_cnn import SmallCnnNetwork


def network(dropout: float = 0.0) -> SmallCnnNetwork:
    torch.manual_seed(0)
    return SmallCnnNetwork(1, 28, 28, filters=(4, 8, 16), embedding=6, dropout=dropout)


def images() -> torch.Tensor:
    return torch.randn(200, 1, 28, 28, generator=torch.Generator().manual_seed(1))


def test_parameters_are_those_of_the_paper():
    # 32, 64 and 128 filters of 5x5 and 128 neurons on 3x3 positions, with biases.
    expected = (25 + 1) * 32 + (25 * 32 + 1) * 64 + (25 * 64 + 1) * 128 + (9 * 128 + 1) * 128
    assert sum(parameter.numel() for parameter in SmallCnn().build(1, 28, 28).parameters()) == expected


def test_dropout_leaves_start_and_evaluation_as_they_are():
    plain, dropped = network().eval(), network(0.5).eval()
    assert plain.state_dict().keys() == dropped.state_dict().keys()
    assert torch.equal(plain(images()), dropped(images()))
    assert "dropout" not in SmallCnn().model_dump()


def test_dropout_drops_its_share_of_the_features_before_the_embedding_in_training():
    dropped, seen = network(0.25).train(), []
    dropped.embed.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    features = dropped.layers(images()).flatten(1)
    dropped(images())
    kept = (features > 0) & (seen[0] > 0)
    torch.testing.assert_close(seen[0][kept], (features / 0.75)[kept])
    assert 1 - kept.sum() / (features > 0).sum().item() == pytest.approx(0.25, abs=0.02)
