"""Conv5x5, MaxPool and MaxPoolReLU against torch's own layers: values, gradients, float32 error, parameters."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, relu

from shared.backbones.fourier_conv import FEW_CHANNELS, Conv5x5, fourier_conv, patch_conv
from shared.backbones.max_pool import MaxPool, MaxPoolReLU

Convolve = Callable[..., Tensor]
PAPER_LAYERS = [(1, 32, 28), (32, 64, 14), (64, 128, 7)]


def direct_conv(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return conv2d(x, weight, bias, padding=2)


def operands(batch: int, channels: int, out: int, height: int, width: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = (batch, channels, height, width), (out, channels, 5, 5), (out,)
    return [torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes]


def value_and_gradients(convolve: Convolve, tensors: list[Tensor]) -> list[Tensor]:
    y = convolve(*tensors)
    weights = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view(y.shape).to(y.dtype)
    return [y.detach(), *torch.autograd.grad(y, tensors, weights)]


@pytest.mark.parametrize("convolve", [fourier_conv, patch_conv])
@settings(deadline=None, max_examples=40)
@given(
    batch=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 6), st.integers(1, 5)),
    size=st.tuples(st.integers(1, 19), st.integers(1, 19)),
)
def test_equals_direct_convolution_in_value_and_gradients(
    convolve: Convolve, batch: int, channels: tuple[int, int], size: tuple[int, int]
) -> None:
    tensors = operands(batch, *channels, *size)
    for ours, direct in zip(
        value_and_gradients(convolve, tensors), value_and_gradients(direct_conv, tensors), strict=True
    ):
        torch.testing.assert_close(ours, direct, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("convolve", [fourier_conv, patch_conv])
def test_gradcheck(convolve: Convolve) -> None:
    assert torch.autograd.gradcheck(convolve, operands(2, 2, 3, 4, 5))
    assert torch.autograd.gradgradcheck(convolve, operands(1, 2, 1, 3, 2))


@pytest.mark.parametrize(("channels", "out", "size"), PAPER_LAYERS)
def test_float32_is_as_exact_as_direct_convolution(channels: int, out: int, size: int) -> None:
    tensors = operands(16, channels, out, size, size)
    single = [t.detach().float().requires_grad_() for t in tensors]
    exact = value_and_gradients(direct_conv, tensors)
    layer = Conv5x5(channels, out)
    ours = value_and_gradients(
        lambda x, weight, bias: torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,)),
        single,
    )
    # Rounding moves a sum of n terms that are added one by one by sqrt(n / 6) 2^-24 of its size on average. With few
    # channels the gradient of the weights is one such sum over the pixels of all images; it may move five times as far.
    longest = 16 * size**2 if channels <= FEW_CHANNELS else 0
    bounds = (2e-6, 2e-6, max(2e-6, longest**0.5 * torch.finfo(torch.float32).eps), 2e-6)
    for result, reference, bound in zip(ours, exact, bounds, strict=True):
        error = (result - reference).abs().max() / reference.abs().max()
        assert result.dtype == torch.float32
        assert error < bound


def test_parameters_are_those_of_conv2d() -> None:
    torch.manual_seed(3)
    ours = Conv5x5(6, 7)
    torch.manual_seed(3)
    theirs = nn.Conv2d(6, 7, 5, padding=2)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value)
    other = nn.Conv2d(6, 7, 5, padding=2)
    ours.load_state_dict(other.state_dict())
    x = torch.randn(2, 6, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(ours.double()(x), other.double()(x))
    theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(theirs.double()(x), other(x), rtol=0, atol=0)


@pytest.mark.parametrize("channels", [2, 8])
def test_input_layout_does_not_matter(channels: int) -> None:
    layer, x = Conv5x5(channels, 3).double(), torch.randn(2, channels, 7, 6, dtype=torch.float64)
    for other in (
        x.to(memory_format=torch.channels_last),
        x.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1),
    ):
        assert other.shape == x.shape
        torch.testing.assert_close(layer(other), layer(x), rtol=0, atol=1e-14)


def test_same_bits_each_time() -> None:
    net, x = nn.Sequential(Conv5x5(8, 16), MaxPoolReLU(), Conv5x5(16, 8)), torch.randn(4, 8, 14, 14)
    results = []
    for _ in range(2):
        net.zero_grad()
        net(x).square().mean().backward()
        results.append([p.grad.clone() for p in net.parameters() if p.grad is not None])
    assert len(results[0]) == 4
    assert all(map(torch.equal, *results))


def test_training_after_inference_mode() -> None:
    layer, x = Conv5x5(5, 2), torch.randn(1, 5, 23, 21)
    with torch.inference_mode():
        layer(x)
    layer(x.requires_grad_()).sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize(
    ("layer", "reference"),
    [(MaxPool(), lambda y: max_pool2d(y, 2)), (MaxPoolReLU(), lambda y: relu(max_pool2d(y, 2)))],
    ids=["MaxPool", "MaxPoolReLU"],
)
@settings(deadline=None)
@given(height=st.integers(2, 9), width=st.integers(2, 9), low=st.integers(-3, 0), space_first=st.booleans())
def test_pool_equals_that_of_torch_with_ties(
    layer: nn.Module, reference: Callable[[Tensor], Tensor], *, height: int, width: int, low: int, space_first: bool
) -> None:
    y = torch.randint(low, 3, (2, 3, height, width), dtype=torch.float64)
    if space_first:
        y = y.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1)
    y.requires_grad_()
    ours, theirs = layer(y), reference(y)
    weights = torch.arange(1.0, ours.numel() + 1, dtype=torch.float64).view(ours.shape)
    assert torch.equal(ours, theirs)
    assert torch.equal(*(torch.autograd.grad(result, y, weights)[0] for result in (ours, theirs)))


@pytest.mark.parametrize("layer", [MaxPool(), MaxPoolReLU()], ids=["MaxPool", "MaxPoolReLU"])
def test_pool_gradcheck(layer: nn.Module) -> None:
    y = torch.randn(2, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, y)


def test_pool_keeps_what_is_negative() -> None:
    y = torch.tensor([[-4.0, -1.0, 2.0], [-3.0, -2.0, 5.0]]).view(1, 1, 2, 3)
    assert MaxPool()(y).item() == -1
    assert MaxPoolReLU()(y).item() == 0
