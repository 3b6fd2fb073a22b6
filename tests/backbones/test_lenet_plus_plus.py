"""LeNet++: its shape, its parameters, its start, and that both ways to convolve are one network."""

from __future__ import annotations

from math import prod, sqrt

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from shared.backbones import LeNetPlusPlus
from shared.backbones.lenet_plus_plus import LeNetPlusPlusNetwork


def test_the_layers_are_those_of_table_1_of_the_center_loss_paper() -> None:
    network = LeNetPlusPlusNetwork(1, 28, 28)
    convolutions = [layer for layer in network.layers if isinstance(layer, nn.Conv2d)]
    assert [(layer.in_channels, layer.out_channels) for layer in convolutions] == [
        (1, 32),
        (32, 32),
        (32, 64),
        (64, 64),
        (64, 128),
        (128, 128),
    ]
    assert {(layer.kernel_size, layer.stride, layer.padding) for layer in convolutions} == {((5, 5), (1, 1), (2, 2))}
    stage = ["Conv2d", "PReLU", "Conv2d", "PReLU", "MaxPool2d"]
    assert [type(layer).__name__ for layer in network.layers] == 3 * stage
    assert (network.embed.in_features, network.embed.out_features, network.dimension) == (128 * 3 * 3, 2, 2)


def test_the_number_of_parameters_by_hand() -> None:
    convolutions = 25 * (1 * 32 + 32 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128 * 128) + 2 * (32 + 64 + 128)
    slopes = 2 * (32 + 64 + 128)
    linear = 128 * 3 * 3 * 9 + 9
    network = LeNetPlusPlusNetwork(1, 28, 28, embedding=9)
    assert sum(parameter.numel() for parameter in network.parameters()) == convolutions + slopes + linear


@pytest.mark.parametrize(("size", "side"), [((28, 28), 3), ((56, 56), 7), ((25, 31), 3)])
def test_embeddings_of_any_image_size(size: tuple[int, int], side: int) -> None:
    network = LeNetPlusPlusNetwork(3, *size, filters=(2, 3, 4), embedding=5)
    assert network.embed.in_features == 4 * side * side
    assert network(torch.randn(6, 3, *size)).shape == (6, 5)


@pytest.mark.parametrize("convolution", ["direct", "fourier"])
def test_convolutions_start_as_he_et_al_have_it_for_the_slope_of_the_units(convolution: str) -> None:
    network = LeNetPlusPlusNetwork(1, 28, 28, convolution=convolution)
    weights = [parameter for parameter in network.layers.parameters() if parameter.ndim == 4]
    assert len(weights) == 6
    for weight in weights:
        expected = sqrt(2 / ((1 + 0.25**2) * prod(weight.shape[1:])))
        assert weight.std().item() == pytest.approx(expected, rel=0.1)
        assert weight.mean().item() == pytest.approx(0, abs=0.15 * expected)
    units = [layer for layer in network.layers if isinstance(layer, nn.PReLU)]
    assert [len(unit.weight) for unit in units] == [32, 32, 64, 64, 128, 128]
    assert all((unit.weight == 0.25).all() for unit in units)
    biases = [p for n, p in network.layers.named_parameters() if n.endswith("bias")]
    assert len(biases) == 6
    assert not any(bias.any() for bias in biases)


def test_the_start_keeps_the_size_of_the_signal() -> None:
    network = LeNetPlusPlusNetwork(1, 28, 28)
    signal = torch.randn(16, 1, 28, 28)
    for layer in network.layers:
        signal = layer(signal)
        if isinstance(layer, nn.PReLU):
            assert 0.4 < signal.detach().square().mean().sqrt().item() < 4


def test_the_embedding_has_both_signs() -> None:
    embeddings = LeNetPlusPlusNetwork(1, 28, 28, filters=(4, 8, 16), embedding=9)(torch.randn(64, 1, 28, 28))
    assert (embeddings < 0).any()
    assert (embeddings > 0).any()


@pytest.mark.parametrize("size", [(28, 28), (25, 31)])
def test_fourier_and_direct_convolutions_are_one_network(size: tuple[int, int]) -> None:
    direct, fourier = (
        LeNetPlusPlusNetwork(1, *size, filters=(4, 8, 16), embedding=5, convolution=convolution).double()
        for convolution in ("direct", "fourier")
    )
    fourier.load_state_dict(direct.state_dict())
    images = torch.randn(3, 1, *size, dtype=torch.float64)
    gradients = []
    for network in (direct, fourier):
        network(images).square().sum().backward()
        gradients.append([parameter.grad for parameter in network.parameters()])
    torch.testing.assert_close(fourier(images), direct(images))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_same_seed_draws_the_same_start_either_way() -> None:
    states = []
    for convolution in ("direct", "fourier"):
        torch.manual_seed(5)
        states.append(LeNetPlusPlusNetwork(1, 28, 28, filters=(2, 3, 4), convolution=convolution).state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_options_build_the_network() -> None:
    network = LeNetPlusPlus(filters=(2, 3, 4), embedding=6).build(1, 28, 28)
    assert isinstance(network, LeNetPlusPlusNetwork)
    assert network.dimension == 6
    with pytest.raises(ValidationError, match="filters"):
        LeNetPlusPlus.model_validate({"filters": [2, 3]})
