"""SE-ResNet: its parameters and operations by formula, the squeeze-and-excitation of a map, its unit."""

from __future__ import annotations

from math import ceil

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from shared.backbones import SEResNet
from shared.backbones.se_resnet import SEBottleneckUnit, SEResNetNetwork, SqueezeExcitation

SE_RESNET_50 = (3, 4, 6, 3)


def counts(units: tuple[int, ...], *, side: int, classes: int = 0) -> tuple[int, int]:
    """Return parameters and multiply-adds at 64 filters, with a linear layer to `classes` where there are any."""
    side = ceil(side / 2)
    parameters, products = 49 * 3 * 64 + 2 * 64, 49 * 3 * 64 * side**2
    side = ceil(side / 2)
    inputs = 64
    for stage, count in enumerate(units):
        filters = 64 * 2**stage
        outputs = 4 * filters
        for index in range(count):
            if stage and not index:
                side = ceil(side / 2)
            weights = inputs * filters + 9 * filters**2 + filters * outputs
            norms = 2 * filters + 2 * filters + 2 * outputs
            if not index:
                weights += inputs * outputs
                norms += 2 * outputs
            gate = 2 * outputs * (outputs // 16)
            parameters += weights + norms + gate + outputs + outputs // 16
            products += weights * side**2 + gate
            inputs = outputs
    return parameters + (inputs + 1) * classes * bool(classes), products + inputs * classes


def test_the_thousand_class_form_has_the_published_parameters_and_operations():
    parameters, products = counts(SE_RESNET_50, side=224, classes=1000)
    assert parameters == 28_088_024
    # Table 2 of Hu et al. states 3.87 billion.
    assert products / 1e9 == pytest.approx(3.87, abs=0.01)


def test_parameters_and_operations_on_aligned_faces():
    expected = counts(SE_RESNET_50, side=112)
    assert expected == (26_039_024, 1_022_529_536)
    with torch.device("meta"):
        network = SEResNetNetwork(3, 112, 112)
        assert sum(parameter.numel() for parameter in network.parameters()) == expected[0]
        with FlopCounterMode(display=False) as counter:
            network.eval()(torch.zeros(1, 3, 112, 112))
    assert counter.get_total_flops() == 2 * expected[1]


def test_without_its_gates_it_has_the_parameters_of_resnet_50():
    with torch.device("meta"):
        network = SEResNetNetwork(3, 112, 112)
    gates = sum(p.numel() for m in network.modules() if isinstance(m, SqueezeExcitation) for p in m.parameters())
    total = sum(parameter.numel() for parameter in network.parameters())
    assert total - gates + 2049 * 1000 == 25_557_032  # torchvision's resnet50


def test_squeeze_and_excitation_by_hand():
    # Means 1 and 3; hidden relu(1 - 3 + 4) = 2; gates sigmoid(2 a - 2) with a = 1 and 2: 1/2 and sigmoid(2).
    gate = SqueezeExcitation(2, 2)
    with torch.no_grad():
        gate.squeeze.weight.copy_(torch.tensor([[1.0, -1.0]]))
        gate.squeeze.bias.copy_(torch.tensor([4.0]))
        gate.excite.weight.copy_(torch.tensor([[1.0], [2.0]]))
        gate.excite.bias.copy_(torch.tensor([-2.0, -2.0]))
    x = torch.tensor([[[[0.0, 2.0]], [[3.0, 3.0]]]])
    expected = torch.stack([x[:, 0] / 2, x[:, 1] * torch.sigmoid(torch.tensor(2.0))], 1)
    torch.testing.assert_close(gate(x), expected)


def test_there_is_always_a_hidden_neuron():
    assert SqueezeExcitation(8, 16).squeeze.out_features == 1
    assert SqueezeExcitation(2048, 16).squeeze.out_features == 128


def test_gradients_of_squeeze_and_excitation():
    gate = SqueezeExcitation(4, 2).double()
    x = torch.randn(2, 4, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(gate, x)


def test_a_bottleneck_unit_strides_in_its_first_convolution():
    unit = SEBottleneckUnit(8, 4, 2)
    convolutions = [layer for layer in unit.residual if isinstance(layer, nn.Conv2d)]
    kernels = [(layer.kernel_size[0], layer.stride[0], layer.out_channels) for layer in convolutions]
    assert kernels == [(1, 2, 4), (3, 1, 4), (1, 1, 16)]
    x = torch.randn(2, 8, 6, 6)
    torch.testing.assert_close(unit(x), (unit.residual(x) + unit.shortcut(x)).relu())


def test_the_embedding_is_the_mean_of_the_last_map():
    network = SEResNetNetwork(3, 112, 112, units=(1, 1, 1, 1), filters=4, embedding=128).double().eval()
    images = torch.randn(2, 3, 112, 112, dtype=torch.float64)
    features = network.stages(network.stem(images))
    assert features.shape == (2, 128, 4, 4)
    torch.testing.assert_close(network(images), features.mean((2, 3)))


def test_options_build_the_network():
    network = SEResNet(units=(1, 2, 1, 1), filters=4, embedding=128).build(1, 64, 64)
    assert isinstance(network, SEResNetNetwork)
    assert (network.dimension, len(network.stages)) == (128, 5)
    with pytest.raises(ValidationError, match="128 pooled features here, and cannot have 2048"):
        SEResNet(filters=4)
