"""What holds of every network for faces and lesions: shapes, gradients, layouts, precision, one graph, one start."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from shared.backbones.lresnet_ir import LResNetIRNetwork
from shared.backbones.resnet import ResNetNetwork
from shared.backbones.se_resnet import SEResNetNetwork

NETWORKS: dict[str, tuple[type[nn.Module], dict[str, Any]]] = {
    "pool": (ResNetNetwork, {"filters": 4, "embedding": 32}),
    "pool-fc": (ResNetNetwork, {"filters": 3, "embedding": 5, "head": "pool-fc"}),
    "flatten-fc": (ResNetNetwork, {"filters": 4, "embedding": 3, "head": "flatten-fc"}),
    "lresnet": (LResNetIRNetwork, {"filters": 4, "embedding": 6, "dropout": 0.0}),
    "se-resnet": (SEResNetNetwork, {"filters": 4, "embedding": 128}),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def build(name: str, channels: int = 3, height: int = 48, width: int = 48) -> nn.Module:
    torch.manual_seed(0)
    kind, options = NETWORKS[name]
    network: nn.Module = kind(channels, height, width, units=(1, 2, 1, 1), **options)
    return network


def images(channels: int = 3, height: int = 48, width: int = 48) -> Tensor:
    return torch.randn(4, channels, height, width, generator=torch.Generator().manual_seed(1))


def step(network: nn.Module, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return embeddings and gradients of a loss that batch normalisation does not make constant."""
    network.zero_grad()
    embedding = network(batch)
    weights = torch.linspace(-1, 1, embedding.numel(), dtype=embedding.dtype).view_as(embedding)
    (embedding * weights).sum().backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert len(gradients) == len(list(network.parameters()))
    return embedding.detach(), gradients


@pytest.mark.parametrize("size", [(112, 112), (97, 65), (28, 28), (1, 33)])
@every_network
def test_embeddings_of_any_image_size_and_number_of_channels(name, size):
    network = build(name, 1, *size)
    assert network(images(1, *size)).shape == (4, network.dimension)
    assert network.dimension == NETWORKS[name][1]["embedding"]


@every_network
def test_every_parameter_has_a_gradient(name):
    network = build(name)
    _, gradients = step(network, images())
    # A bias that batch normalisation takes away again is without effect.
    without = {"head.linear.bias"} if name == "lresnet" else set()
    for parameter, gradient in gradients.items():
        assert gradient.isfinite().all()
        assert parameter in without or gradient.any(), parameter


@every_network
def test_the_same_seed_draws_the_same_start(name):
    first, second = (build(name).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


@every_network
def test_memory_layout_changes_no_embedding_and_no_gradient(name):
    network = build(name).double()
    batch = images().double()
    plain = step(network, batch)
    network = network.to(memory_format=torch.channels_last)
    torch.testing.assert_close(step(network, batch.to(memory_format=torch.channels_last)), plain)


@every_network
def test_aligned_faces_train_in_channels_last_layout_and_float32(name):
    network = build(name, 3, 112, 112).to(memory_format=torch.channels_last)
    _, gradients = step(network, images(3, 112, 112).to(memory_format=torch.channels_last))
    assert all(gradient.isfinite().all() for gradient in gradients.values())


@every_network
def test_evaluation_takes_each_image_for_itself_and_changes_nothing(name):
    network, batch = build(name).double(), images().double()
    network(batch)
    network.eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    together = network(batch)
    one_by_one = torch.cat([network(image[None]) for image in batch])
    torch.testing.assert_close(together, one_by_one)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@every_network
def test_bf16_autocast_is_close_to_float32(name):
    network = build(name).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = network(images())
    exact = network(images())
    assert (lowered.float() - exact).norm() < 0.03 * exact.norm()
    network.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, gradients = step(network, images())
    assert all(gradient.isfinite().all() for gradient in gradients.values())


@every_network
def test_the_compiler_sees_one_graph(name):
    network = build(name)
    compiled = torch.compile(build(name), backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(images()), network(images()))
