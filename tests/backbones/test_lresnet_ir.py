"""LResNet-E-IR: its parameters and operations by formula, its unit, its option E, its start."""

from __future__ import annotations

from math import ceil

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from shared.backbones import LResNetIR
from shared.backbones.lresnet_ir import ImprovedUnit, LResNetIRNetwork, OptionE

LRESNET_50, LRESNET_100 = (3, 4, 14, 3), (3, 13, 30, 3)


def counts(
    units: tuple[int, ...], *, channels: int = 3, filters: int = 64, embedding: int = 512, side: int = 112
) -> tuple[int, int]:
    """Return parameters and multiply-adds, layer by layer: the stem, each unit, and option E."""
    parameters = 9 * channels * filters + 3 * filters
    products = 9 * channels * filters * side**2
    inputs = filters
    for stage, count in enumerate(units):
        outputs = filters * 2**stage
        for index in range(count):
            first = 9 * inputs * outputs
            second = 9 * outputs**2
            norms = 2 * inputs + 2 * outputs + outputs + 2 * outputs
            products += first * side**2
            if not index:
                side = ceil(side / 2)
                second += inputs * outputs
                norms += 2 * outputs
            products += second * side**2
            parameters += first + second + norms
            inputs = outputs
    flattened = inputs * side**2
    parameters += 2 * inputs + flattened * embedding + embedding + embedding
    products += flattened * embedding
    return parameters, products


@pytest.mark.parametrize(
    ("units", "parameters", "products"),
    [(LRESNET_50, 43_590_336, 6_309_330_944), (LRESNET_100, 65_155_648, 12_089_606_144)],
)
def test_parameters_and_operations_on_aligned_faces(units, parameters, products):
    assert counts(units) == (parameters, products)
    with FakeTensorMode():
        network = LResNetIRNetwork(3, 112, 112, units=units)
        assert sum(parameter.numel() for parameter in network.parameters()) == parameters
        with FlopCounterMode(display=False) as counter:
            network.eval()(torch.zeros(1, 3, 112, 112))
    assert counter.get_total_flops() == 2 * products


def test_there_are_as_many_layers_as_the_name_says():
    for units, layers in ((LRESNET_50, 50), (LRESNET_100, 100)):
        with torch.device("meta"):
            network = LResNetIRNetwork(3, 112, 112, units=units)
        weighted = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
        shortcuts = 4
        assert len(weighted) - shortcuts == layers


def test_the_unit_is_the_printed_one():
    unit = ImprovedUnit(3, 5, 2).double()
    for name, parameter in unit.named_parameters():
        if parameter.ndim == 1 and name != "residual.3.weight":
            nn.init.uniform_(parameter)
    p = dict(unit.named_parameters())
    assert (p["residual.3.weight"] == 0.25).all()

    def standardised(x: Tensor, layer: str) -> Tensor:
        x = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        return x * p[f"{layer}.weight"][:, None, None] + p[f"{layer}.bias"][:, None, None]

    x = torch.randn(4, 3, 7, 9, dtype=torch.float64)
    y = functional.conv2d(standardised(x, "residual.0"), p["residual.1.weight"], padding=1)
    y = standardised(y, "residual.2")
    y = torch.where(y > 0, y, 0.25 * y)
    y = standardised(functional.conv2d(y, p["residual.4.weight"], padding=1, stride=2), "residual.5")
    expected = y + standardised(functional.conv2d(x, p["shortcut.0.weight"], stride=2), "shortcut.1")
    torch.testing.assert_close(unit(x), expected)


def test_a_unit_that_changes_no_shape_adds_its_input():
    unit = ImprovedUnit(3, 3, 1)
    x = torch.randn(4, 3, 6, 6)
    torch.testing.assert_close(unit(x) - unit.residual(x), x)


def test_option_e_standardises_each_embedding_dimension_and_moves_it():
    head = OptionE(3, 4, 5, dropout=0.0).double()
    nn.init.uniform_(head.offset)
    embedding = head(torch.randn(64, 3, 2, 2, dtype=torch.float64))
    torch.testing.assert_close(embedding.mean(0), head.offset)
    torch.testing.assert_close(embedding.var(0, correction=0), torch.ones(5, dtype=torch.float64), atol=1e-3, rtol=0)


def test_dropout_acts_in_training_alone():
    network = LResNetIRNetwork(3, 32, 32, units=(1, 1, 1, 1), filters=2, embedding=4, dropout=0.5)
    images = torch.randn(4, 3, 32, 32)
    assert not torch.equal(network(images), network(images))
    network.eval()
    assert torch.equal(network(images), network(images))


def test_the_embedding_is_of_full_precision_under_autocast():
    network = LResNetIRNetwork(3, 32, 32, units=(1, 1, 1, 1), filters=2, embedding=4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert network.stem(torch.randn(4, 3, 32, 32)).dtype == torch.bfloat16
        assert network(torch.randn(4, 3, 32, 32)).dtype == torch.float32


def test_the_maps_of_aligned_faces():
    network = LResNetIRNetwork(3, 112, 112, units=(1, 2, 1, 1), filters=2, embedding=4)
    x = network.stem(torch.randn(2, 3, 112, 112))
    sides = [x.shape[-1]]
    for unit in network.stages:
        x = unit(x)
        sides.append(x.shape[-1])
    assert sides == [112, 56, 28, 28, 14, 7]


def test_weights_start_with_the_variance_of_the_public_training():
    network = LResNetIRNetwork(3, 112, 112, units=(1, 1, 1, 1))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            expected = (2 / (layer.out_channels * layer.kernel_size[0] ** 2)) ** 0.5
            assert layer.weight.std().item() == pytest.approx(expected, rel=0.03)
    assert network.head.linear.weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.01)
    assert not network.head.linear.bias.any()
    assert not network.head.offset.any()


def test_options_build_the_network():
    network = LResNetIR(units=(1, 2, 1, 1), filters=4, embedding=3, dropout=0.1).build(1, 64, 64)
    assert isinstance(network, LResNetIRNetwork)
    assert (network.dimension, len(network.stages), network.head.dropout.p) == (3, 5, 0.1)
    for options in ({"units": [3, 4, 14]}, {"dropout": 1.5}, {"filters": 0}):
        with pytest.raises(ValidationError, match=next(iter(options))):
            LResNetIR.model_validate(options)
