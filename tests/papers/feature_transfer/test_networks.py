"""Encoder, decoder and filter: shapes, parameters and operations by hand, gradients, and that they can learn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from papers.feature_transfer import RichFeatures
from papers.feature_transfer.networks import Decoder, Filter, RichFeatureNetwork, deconvolution
from shared.backbones.casia_net import stage_sides

pytestmark = pytest.mark.usefixtures("seeded")

# Products of the channels that a layer of the decoder joins, in width^2, and whether the layer is a deconvolution.
MIRRORED = [
    (10 * 5, False),
    (5 * 8, True),
    (8 * 4, False),
    (4 * 6, True),
    (6 * 3, False),
    (3 * 4, True),
    (4 * 2, False),
    (2 * 2, True),
    (2 * 1, False),
]


def small(*, side: int = 16, width: int = 2, embedding: int = 7) -> RichFeatureNetwork:
    return RichFeatureNetwork(side=side, width=width, embedding=embedding)


def parameters_of(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def operations(module: nn.Module, x: Tensor) -> int:
    """Return the multiply-adds of a module on `x`, convolutions and linear layers alone."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module.eval()(x)
    total: int = counter.get_total_flops()
    return total // 2


def weighted(module: nn.Module) -> list[nn.Module]:
    """Return the layers with a weight that are not normalisations, in their order."""
    return [x for x in module.modules() if isinstance(x, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]


@pytest.mark.parametrize("side", [100, 48, 32])
def test_rich_features_and_features_have_320_entries(side):
    network = RichFeatures(side=side).build(3, 112, 112)
    assert isinstance(network, RichFeatureNetwork)
    assert (network.dimension, network.rich_dimension) == (320, 320)
    images = torch.empty(2, 3, 112, 112).uniform_(-1, 1)
    frame = network.framed(images)
    rich = network.rich(images)
    assert frame.shape == (2, 1, side, side)
    assert rich.shape == (2, 320)
    assert network.decoder(rich).shape == (2, 1, side, side)
    assert network.filter(rich).shape == network(images).shape == (2, 320)


@pytest.mark.parametrize("side", [16, 17, 31, 45, 57, 100])
def test_the_decoder_goes_back_through_the_maps_of_the_encoder(side):
    decoder = Decoder(side=side, width=1)
    x = torch.randn(2, 10)
    seen = []
    for layer in decoder.layers:
        x = layer(x)
        seen.append(x.shape[-1])
    sides = stage_sides(side)[::-1]
    assert sorted(set(seen)) == sorted(set(sides))
    assert seen == sorted(seen)
    assert x.shape == (2, 1, side, side)


def test_the_decoder_has_the_channels_of_the_encoder_read_backwards():
    network = small(width=3)
    read = [(x.in_channels, x.out_channels) for x in weighted(network.encoder) if isinstance(x, nn.Conv2d)]
    _, *written = weighted(network.decoder)
    layers = [x for x in written if isinstance(x, nn.Conv2d | nn.ConvTranspose2d)]
    assert [(x.out_channels, x.in_channels) for x in layers] == read[::-1]
    assert [isinstance(x, nn.ConvTranspose2d) for x in layers] == [transposed for _, transposed in MIRRORED] + [False]


def test_the_filter_has_the_layers_that_the_paper_lists():
    layers = weighted(Filter(width=2, embedding=5))
    listed = [nn.Linear, nn.ConvTranspose2d, nn.ConvTranspose2d, nn.Conv2d, nn.Conv2d, nn.Linear]
    assert [type(layer) for layer in layers] == listed
    filter_, rich = Filter(width=2, embedding=5), torch.randn(3, 20)
    shapes = []
    x = rich
    for layer in filter_.layers:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(4, 5, 5), (2, 10, 10), (2, 20, 20), (2, 10, 10), (4, 5, 5), (100,), (5,)]


@pytest.mark.parametrize(("after", "before"), [(50, 25), (25, 13), (13, 7), (2, 1), (3, 2)])
def test_a_deconvolution_is_the_adjoint_of_a_convolution_that_halves(after, before):
    layer = deconvolution(3, 4, before, after).double()
    x = torch.randn(2, 4, after, after, dtype=torch.float64)
    y = torch.randn(2, 3, before, before, dtype=torch.float64)
    halved = functional.conv2d(x, layer.weight, stride=2, padding=1)
    assert halved.shape == y.shape
    torch.testing.assert_close((halved * y).sum(), (x * layer(y)).sum())


def uniform(module: nn.Module) -> None:
    """Move scales and offsets away from the ones and zeros that they start with."""
    for name, parameter in module.named_parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, 0.5 if name.endswith("weight") else -0.5, 1)


def rectified(x: Tensor, weights: Iterator[Tensor]) -> Tensor:
    return functional.batch_norm(x, None, None, next(weights), next(weights), training=True).relu()


def test_the_decoder_is_as_described():
    decoder = Decoder(side=25, width=2).double()
    uniform(decoder)
    rich = torch.randn(5, 20, dtype=torch.float64)
    weights = iter(decoder.parameters())
    sides = iter([4, 7, 13, 25])
    x = rectified((rich @ next(weights).T).view(5, 20, 2, 2), weights)
    for _, transposed in MIRRORED:
        if transposed:
            # Unpadded it makes 2 n + 1 rows of n: the first goes, and the last where the side is odd.
            side = next(sides)
            x = functional.conv_transpose2d(x, next(weights), stride=2)[..., 1 : side + 1, 1 : side + 1]
        else:
            x = functional.conv2d(x, next(weights), padding=1)
        x = rectified(x, weights)
    x = functional.conv2d(x, next(weights), next(weights), padding=1).tanh()
    assert next(weights, None) is None
    torch.testing.assert_close(decoder(rich), x)


def test_the_filter_is_as_described():
    filter_ = Filter(width=2, embedding=6).double()
    uniform(filter_)
    rich = torch.randn(5, 20, dtype=torch.float64)
    weights = iter(filter_.parameters())
    x = rectified((rich @ next(weights).T).view(5, 4, 5, 5), weights)
    for side in (10, 20):
        x = functional.conv_transpose2d(x, next(weights), stride=2)[..., 1 : side + 1, 1 : side + 1]
        x = rectified(x, weights)
    for _ in range(2):
        x = rectified(functional.conv2d(x, next(weights), stride=2, padding=1), weights)
    x = x.flatten(1) @ next(weights).T + next(weights)
    assert next(weights, None) is None
    torch.testing.assert_close(filter_(rich), x)


def test_features_come_through_encoder_and_filter():
    network = small().double()
    images = torch.empty(4, 3, 21, 18, dtype=torch.float64).uniform_(-1, 1)
    network(images)
    network.eval()
    torch.testing.assert_close(network.rich(images), network.encoder(network.framed(images)))
    torch.testing.assert_close(network(images), network.filter(network.encoder(network.framed(images))))


def test_the_decoder_answers_any_rich_feature_with_an_image_in_range():
    decoder = Decoder(side=19, width=2)
    for scale in (0.0, 1.0, 1e4):
        images = decoder(scale * torch.randn(8, 20))
        assert images.abs().max() <= 1
    decoder.eval()
    assert decoder(1e6 * torch.randn(8, 20)).abs().max() <= 1


def test_evaluation_of_a_sample_does_not_depend_on_the_others():
    network = small().double()
    images = torch.empty(6, 1, 16, 16, dtype=torch.float64).uniform_(-1, 1)
    rich = network.rich(images)
    network.decoder(rich)
    network.filter(rich)
    network.eval()
    rich = network.rich(images)
    torch.testing.assert_close(network.rich(images[2:3]), rich[2:3])
    torch.testing.assert_close(network.decoder(rich[2:3]), network.decoder(rich)[2:3])
    torch.testing.assert_close(network(images[2:3]), network(images)[2:3])


@pytest.mark.parametrize(("side", "width", "embedding"), [(100, 32, 320), (48, 8, 80), (32, 4, 9)])
def test_parameters_by_hand(side, width, embedding):
    network = RichFeatureNetwork(side=side, width=width, embedding=embedding)
    last = stage_sides(side)[-1]
    # Linear layer; 3x3 layers; batch normalisation of the channels of the linear layer and of all but the last.
    norms = 10 + (5 + 8 + 4 + 6 + 3 + 4 + 2 + 2 + 1)
    mirrored = sum(products for products, _ in MIRRORED)
    expected = 100 * width**2 * last**2 + 9 * mirrored * width**2 + 2 * norms * width + 9 * width + 1
    assert parameters_of(network.decoder) == expected
    # Linear, deconvolutions 2-1 and 1-1, convolutions 1-1 and 1-2, linear with bias.
    expected = 500 * width**2 + 9 * (2 + 1 + 1 + 2) * width**2 + 2 * (2 + 1 + 1 + 1 + 2) * width
    assert parameters_of(network.filter) == expected + (50 * width + 1) * embedding
    assert parameters_of(network) == sum(map(parameters_of, (network.encoder, network.decoder, network.filter)))


def test_the_sizes_at_the_width_of_the_paper():
    network = RichFeatureNetwork()
    assert [parameters_of(x) for x in (network.encoder, network.decoder, network.filter)] == [
        1_754_208,
        6_771_809,
        1_080_064,
    ]


@pytest.mark.parametrize(("side", "width"), [(100, 32), (32, 4)])
def test_the_decoder_costs_what_the_encoder_costs(side, width):
    network = RichFeatureNetwork(side=side, width=width, embedding=10 * width)
    rich = torch.zeros(1, 10 * width)
    sides = stage_sides(side)[::-1]
    expected = 100 * width**2 * sides[0] ** 2 + 9 * width * side**2
    place = 0
    for products, transposed in MIRRORED:
        # A deconvolution multiplies at each place of the smaller map, which it reads.
        expected += 9 * width**2 * products * sides[place] ** 2
        place += transposed
    cost = operations(network.decoder, rich)
    assert cost == expected
    assert cost == pytest.approx(operations(network.encoder, torch.zeros(1, 1, side, side)), rel=0.01)
    assert operations(network.filter, rich) < 0.05 * cost


def test_layers_before_relu_start_as_he_et_al_have_it():
    network = RichFeatureNetwork(side=48)
    *before, _ = weighted(network.decoder)
    *more, _ = weighted(network.filter)
    for layer in (*before, *more):
        assert isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
        fan = layer.in_features if isinstance(layer, nn.Linear) else 9 * layer.out_channels
        assert layer.weight.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.05)
        assert layer.bias is None


def test_reconstructions_start_far_from_the_ends_of_the_range():
    decoder = Decoder(side=32, width=8)
    assert decoder(torch.randn(16, 80)).square().mean() < 0.5


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    def outputs(seed: int) -> Tensor:
        torch.manual_seed(seed)
        network = small()
        images = torch.ones(2, 1, 16, 16).tril()
        return torch.cat([network(images).flatten(), network.decoder(network.rich(images)).flatten()])

    assert torch.equal(outputs(3), outputs(3))
    assert not torch.equal(outputs(3), outputs(4))


def test_gradients_reach_every_parameter_and_are_those_of_finite_differences():
    network = small(side=17, embedding=3).double()
    images = torch.empty(4, 3, 20, 20, dtype=torch.float64).uniform_(-1, 1)
    target = torch.randn(4, 3, dtype=torch.float64)

    def loss() -> Tensor:
        rich = network.rich(images)
        reconstruction = functional.mse_loss(network.decoder(rich), network.framed(images))
        return reconstruction + functional.mse_loss(network.filter(rich), target)

    parameters = list(network.parameters())
    gradients = torch.autograd.grad(loss(), parameters)
    assert all(gradient.any() for gradient in gradients)
    step = 1e-7
    for parameter, gradient in zip(parameters, gradients, strict=True):
        direction = torch.randn_like(parameter)
        with torch.no_grad():
            parameter.add_(direction, alpha=step)
            above = loss()
            parameter.sub_(direction, alpha=2 * step)
            below = loss()
            parameter.add_(direction, alpha=step)
        slope = ((above - below) / (2 * step)).item()
        assert slope == pytest.approx((gradient * direction).sum().item(), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("width", [1, 4])
def test_the_memory_layout_changes_rounding_alone(width):
    network = small(side=25, width=width).double()
    images = torch.empty(4, 1, 25, 25, dtype=torch.float64).uniform_(-1, 1)
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        rich = network.to(memory_format=layout).rich(images)
        image, feature = network.decoder(rich), network.filter(rich)
        total = image.square().sum() + feature.square().sum()
        results.append([image, feature, *torch.autograd.grad(total, list(network.parameters()))])
    torch.testing.assert_close(results[0], results[1])


def test_encoder_and_decoder_learn_to_reconstruct():
    # Bars at eight angles: what is left of the pixels' variance falls to a few per cent.
    angles = torch.arange(8) * torch.pi / 8
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 16), torch.linspace(-1, 1, 16), indexing="ij")
    distance = torch.cos(angles)[:, None, None] * rows + torch.sin(angles)[:, None, None] * columns
    images = (2 * torch.exp(-8 * distance**2) - 1).unsqueeze(1)
    network = small(width=4, embedding=8)
    optimizer = torch.optim.Adam([*network.encoder.parameters(), *network.decoder.parameters()], 0.01)
    errors = []
    for _ in range(100):
        error = (network.decoder(network.rich(images)) - images).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item() / images.var().item())
    assert errors[0] > 0.5
    assert errors[-1] < 0.05
