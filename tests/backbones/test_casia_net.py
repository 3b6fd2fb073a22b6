"""CASIA-Net: its framing against Pillow, its layers against plain operations, its parameters and operations by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from shared.backbones import CasiaNet
from shared.backbones.casia_net import CasiaNetNetwork, framed, stage_sides
from shared.errors import UserError
from shared.runs.registry import paper
from shared.training.batches import ImageTensor, Normalisation

SIDES = [(100, [100, 50, 25, 13, 7]), (48, [48, 24, 12, 6, 3]), (32, [32, 16, 8, 4, 2]), (16, [16, 8, 4, 2, 1])]


def parameters_of(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# Framing


def test_a_grey_image_of_the_right_side_is_left_as_it_is():
    images = torch.randn(3, 1, 20, 20)
    assert framed(images, 20) is images


def test_colours_become_the_grey_of_pillow():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 9, 9, 3), np.uint8)
    expected = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in pixels])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
    grey = framed(images, 9)
    assert grey.shape == (4, 1, 9, 9)
    # Pillow rounds to whole numbers
    assert np.abs(grey[:, 0].numpy() - expected).max() < 0.51


@pytest.mark.parametrize("size", [(112, 112), (37, 61), (12, 9)])
@pytest.mark.parametrize("side", [16, 48])
def test_another_size_is_resized_as_pillow_does(size, side):
    images = torch.rand(2, 1, *size)
    expected = [
        np.asarray(Image.fromarray(x.numpy()).resize((side, side), Image.Resampling.BILINEAR)) for (x,) in images
    ]
    np.testing.assert_allclose(framed(images, side)[:, 0].numpy(), np.stack(expected), rtol=0, atol=1e-5)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(1, 40))
def test_framing_keeps_the_range_and_what_has_no_structure(height, width, channels, side):
    images = torch.empty(2, channels, height, width).uniform_(-1, 1)
    grey = framed(images, side)
    assert grey.shape == (2, 1, side, side)
    assert grey.abs().max() <= 1 + 1e-5
    torch.testing.assert_close(framed(torch.full_like(images, 0.3), side), torch.full((2, 1, side, side), 0.3))


# The network


@pytest.mark.parametrize(("side", "expected"), SIDES)
def test_the_maps_halve_and_round_up(side, expected):
    assert stage_sides(side) == expected
    network = CasiaNetNetwork(side=side, width=2, embedding=20)
    x = torch.randn(2, 1, side, side)
    seen = [side]
    for layer in network.layers:
        x = layer(x)
        if isinstance(layer, nn.MaxPool2d):
            seen.append(x.shape[-1])
    assert seen == expected
    assert x.shape[1:] == (20, expected[-1], expected[-1])


@pytest.mark.parametrize("side", [100, 48, 32])
def test_the_rich_feature_of_a_colour_image_has_320_entries(side):
    network = CasiaNetNetwork(3, 112, 112, side=side)
    assert network.dimension == 320
    assert network(torch.randn(2, 3, 112, 112)).shape == (2, 320)


def test_the_layers_are_the_printed_ones():
    network = CasiaNetNetwork(side=25, width=2, embedding=20).double()
    for name, parameter in network.named_parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, 0.5 if name.endswith("weight") else -0.5, 1)
    x = images = torch.randn(5, 1, 25, 25, dtype=torch.float64)
    weights = iter(network.parameters())
    for stage in range(5):
        for place in range(2):
            x = functional.conv2d(x, next(weights), padding=1)
            x = functional.batch_norm(x, None, None, next(weights), next(weights), training=True)
            if (stage, place) != (4, 1):
                x = x.relu()
        if stage < 4:
            x = functional.max_pool2d(x, 2, 2, ceil_mode=True)
    assert next(weights, None) is None
    torch.testing.assert_close(network(images), functional.avg_pool2d(x, x.shape[-1]).flatten(1))


def test_filters_are_those_of_yi_et_al():
    convolutions = [layer for layer in CasiaNetNetwork().layers if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [32, 64, 64, 128, 96, 192, 128, 256, 160, 320]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}


def test_parameters_and_operations():
    # Products of inputs and outputs, in width^2, stage by stage; the first convolution of all has one input.
    products = (1 * 2, 2 * 2 + 2 * 4, 4 * 3 + 3 * 6, 6 * 4 + 4 * 8, 8 * 5 + 5 * 10)
    filters = 1 + 2 + 2 + 4 + 3 + 6 + 4 + 8 + 5 + 10
    assert (sum(products), filters) == (190, 45)
    for side, width in ((100, 32), (32, 4)):
        network = CasiaNetNetwork(side=side, width=width, embedding=10 * width)
        assert parameters_of(network) == 9 * width + 9 * 190 * width**2 + 2 * 45 * width
        pixels = [n**2 for n in stage_sides(side)]
        operations = sum(9 * width**2 * pairs * area for pairs, area in zip(products, pixels, strict=True))
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network.eval()(torch.zeros(1, 1, side, side))
        assert counter.get_total_flops() == 2 * (operations + 9 * width * side**2)
    assert parameters_of(CasiaNetNetwork()) == 1_754_208


def test_convolutions_start_as_he_et_al_have_it():
    for layer in CasiaNetNetwork().layers:
        if isinstance(layer, nn.Conv2d):
            expected = (2 / (9 * layer.out_channels)) ** 0.5
            assert layer.weight.std().item() == pytest.approx(expected, rel=0.1)
            assert layer.bias is None


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    def embedding(seed: int) -> Tensor:
        torch.manual_seed(seed)
        result: Tensor = CasiaNetNetwork(side=32, width=2, embedding=20)(torch.ones(2, 1, 32, 32).tril())
        return result

    assert torch.equal(embedding(3), embedding(3))
    assert not torch.equal(embedding(3), embedding(4))


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_the_memory_layout_changes_rounding_alone(width):
    network = CasiaNetNetwork(side=33, width=width, embedding=10 * width).double()
    images = torch.randn(4, 1, 33, 33, dtype=torch.float64)
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        embedding = network.to(memory_format=layout)(images)
        results.append([embedding, *torch.autograd.grad(embedding.square().sum(), list(network.parameters()))])
    torch.testing.assert_close(results[0], results[1])


def test_evaluation_of_an_image_does_not_depend_on_the_others():
    network = CasiaNetNetwork(side=20, width=2, embedding=20).double()
    images = torch.randn(4, 1, 20, 20, dtype=torch.float64)
    network(images)
    network.eval()
    torch.testing.assert_close(network(images)[1:2], network(images[1:2]))


def test_a_last_batch_of_one_image_is_refused():
    config = paper("gaussian_affinity").run("table3/softmax", "smoke").config
    config = config.model_copy(update={"backbone": CasiaNet(side=16, width=1, embedding=10)})
    scheme = config.scheme.build(config, (1, 16, 16), 3, torch.device("cpu"))
    pixels, labels = np.zeros((9, 16, 16), np.uint8), np.zeros(9, np.int64)
    images = ImageTensor(pixels, labels, Normalisation(0.0, 1.0), torch.device("cpu"))
    with pytest.raises(UserError, match="leave a last batch of one"):
        next(scheme.batches(images, 4, 0, 0, 0))


# Options


def test_options_build_the_network():
    network = CasiaNet(side=48, width=4, embedding=40).build(3, 112, 112)
    assert isinstance(network, CasiaNetNetwork)
    assert (network.dimension, network.side) == (40, 48)
    assert CasiaNet().build(1, 100, 100).dimension == 320


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"width": 8}, "80 pooled features here, and cannot have 320"),
        ({"embedding": 2}, "320 pooled features here, and cannot have 2"),
        ({"side": 15}, "side"),
        ({"filters": 8}, "filters"),
    ],
)
def test_options_that_cannot_be(options, problem):
    with pytest.raises(ValidationError, match=problem):
        CasiaNet.model_validate(options)
