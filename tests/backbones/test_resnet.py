"""ResNet: the same network as torchvision's, its parameters and operations by formula, its three heads."""

from __future__ import annotations

from math import ceil

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from shared.backbones import ResNet
from shared.backbones.resnet import ResNetNetwork, SubsampledConvolution, convolution

RESNET_18, RESNET_34, SMALL = (2, 2, 2, 2), (3, 4, 6, 3), (1, 1, 1, 1)


def counts(
    units: tuple[int, ...], *, channels: int = 3, filters: int = 64, side: int = 112, features_to: int | None = None
) -> tuple[int, int]:
    """Return parameters and multiply-adds, layer by layer: the stem, then each unit's convolutions and shortcut."""
    side = ceil(side / 2)
    parameters = 49 * channels * filters + 2 * filters
    products = 49 * channels * filters * side**2
    side = ceil(side / 2)
    inputs = filters
    for stage, count in enumerate(units):
        outputs = filters * 2**stage
        for index in range(count):
            if stage and not index:
                side = ceil(side / 2)
            weights = 9 * inputs * outputs + 9 * outputs**2
            norms = 4 * outputs
            if inputs != outputs:
                weights += inputs * outputs
                norms += 2 * outputs
            parameters += weights + norms
            products += weights * side**2
            inputs = outputs
    if features_to is not None:
        parameters += (inputs + 1) * features_to
        products += inputs * features_to
    return parameters, products


@pytest.mark.parametrize(("units", "name"), [(RESNET_18, "resnet18"), (RESNET_34, "resnet34")])
def test_it_is_the_network_of_torchvision(units, name):
    from torchvision.models import resnet

    theirs = getattr(resnet, name)(num_classes=5).double()
    ours = ResNetNetwork(3, 64, 64, units=units, embedding=5, head="pool-fc").double()
    pairs = list(zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))
    for mine, other in pairs:
        mine.copy_(other)
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    for train in (True, False):
        ours.train(train)
        theirs.train(train)
        torch.testing.assert_close(ours(images), theirs(images))
    for network in (ours, theirs):
        network(images).square().sum().backward()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


@pytest.mark.parametrize(("units", "parameters"), [(RESNET_18, 11_689_512), (RESNET_34, 21_797_672)])
def test_the_number_of_parameters_is_the_published_one(units, parameters):
    assert counts(units, features_to=1000)[0] == parameters
    network = ResNetNetwork(3, 112, 112, units=units, embedding=1000, head="pool-fc")
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


@pytest.mark.parametrize(("units", "stated"), [(RESNET_18, 1.8), (RESNET_34, 3.6)])
def test_the_operations_are_those_that_he_et_al_state_for_images_of_224(units, stated):
    assert counts(units, side=224, features_to=1000)[1] / 1e9 == pytest.approx(stated, abs=0.07)


@pytest.mark.parametrize(("units", "products"), [(RESNET_18, 484_847_616), (RESNET_34, 964_964_352)])
def test_the_operations_on_aligned_faces(units, products):
    assert counts(units)[1] == products
    network = ResNetNetwork(3, 112, 112, units=units)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 112, 112))
    assert counter.get_total_flops() == 2 * products


def test_the_maps_of_aligned_faces():
    network = ResNetNetwork(3, 112, 112, units=SMALL, filters=4, embedding=32)
    x = network.stem(torch.randn(1, 3, 112, 112))
    sides = [x.shape[-1]]
    for unit in network.stages:
        x = unit(x)
        sides.append(x.shape[-1])
    assert sides == [28, 28, 14, 7, 4]


def test_the_embedding_is_the_mean_of_the_last_map():
    network = ResNetNetwork(3, 112, 112, units=SMALL, filters=4, embedding=32).double().eval()
    images = torch.randn(2, 3, 112, 112, dtype=torch.float64)
    features = network.stages(network.stem(images))
    torch.testing.assert_close(network(images), features.mean((2, 3)))
    assert network.dimension == 32


def test_the_head_of_the_toy_experiment_is_linear_in_the_whole_map():
    network = ResNetNetwork(3, 112, 112, units=SMALL, filters=4, embedding=3, head="flatten-fc").double().eval()
    images = torch.randn(2, 3, 112, 112, dtype=torch.float64)
    features = network.stages(network.stem(images))
    linear = network.head[-1]
    assert isinstance(linear, nn.Linear)
    assert linear.in_features == 32 * 4 * 4
    torch.testing.assert_close(network(images), features.flatten(1) @ linear.weight.T + linear.bias)
    assert network.dimension == 3


def test_convolutions_start_as_he_et_al_have_it():
    network = ResNetNetwork(3, 112, 112)
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 1 + 16 + 3
    for layer in convolutions:
        expected = (2 / (layer.out_channels * layer.kernel_size[0] ** 2)) ** 0.5
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.03)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert all((layer.weight == 1).all() and (layer.bias == 0).all() for layer in norms)


@pytest.mark.parametrize("size", [(16, 16), (15, 17)])
def test_a_subsampled_convolution_is_a_strided_one(size):
    ours = convolution(5, 7, 1, 2).double()
    assert isinstance(ours, SubsampledConvolution)
    theirs = nn.Conv2d(5, 7, 1, 2, bias=False).double()
    ours.load_state_dict(theirs.state_dict())
    results = []
    for layer in (ours, theirs):
        generator = torch.Generator().manual_seed(1)
        images = torch.randn(3, 5, *size, generator=generator, dtype=torch.float64, requires_grad=True)
        result = layer(images)
        result.square().sum().backward()
        results.append((result, images.grad, layer.weight.grad))
    torch.testing.assert_close(results[0], results[1])


@pytest.mark.parametrize(("inputs", "kernel", "stride"), [(16, 1, 2), (5, 1, 1), (5, 3, 2)])
def test_all_other_convolutions_are_plain(inputs, kernel, stride):
    assert type(convolution(inputs, 7, kernel, stride)) is nn.Conv2d


def test_options_build_the_network():
    network = ResNet(units=(1, 2, 1, 1), filters=4, embedding=3, head="flatten-fc").build(1, 64, 64)
    assert isinstance(network, ResNetNetwork)
    assert (network.dimension, len(network.stages)) == (3, 5)
    assert ResNet().build(3, 112, 112).dimension == 512


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"filters": 8}, "64 pooled features here, and cannot have 512"),
        ({"embedding": 3}, "512 pooled features here, and cannot have 3"),
        ({"units": [2, 2, 2]}, "units"),
        ({"head": "fc"}, "head"),
    ],
)
def test_options_that_cannot_be(options, problem):
    with pytest.raises(ValidationError, match=problem):
        ResNet.model_validate(options)
