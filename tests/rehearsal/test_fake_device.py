"""The device that computes nothing: what is known stays known, what is held is counted, what is misplaced is met."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from shared.rehearsal import no_deterministic_form
from shared.rehearsal.fake_device import CPU, GPU, FakeDevice

DEVICES = pytest.mark.parametrize("device", [CPU, GPU], ids=["cpu", "gpu"])


@DEVICES
def test_whole_numbers_are_computed_and_others_made_up(device):
    labels = np.array([1, 2, 3, 3])
    with FakeDevice(device).running():
        known = torch.from_numpy(labels).to(device)
        assert known.bincount(minlength=5).tolist() == [0, 1, 1, 2, 0]
        assert (known == 3).nonzero().tolist() == [[2], [3]]
        assert known[known > 1].cpu().numpy().tolist() == [2, 3, 3]
        assert torch.unique_consecutive(known, return_counts=True)[1].tolist() == [1, 1, 2]
        counter = torch.zeros((), dtype=torch.int64, device=device)
        counter.add_(1)
        counter += 1
        assert counter % 2 == 0
        assert int(counter) == 2
        unknown = torch.randn(6, 4, device=device)
        assert 0 <= float(unknown.mean()) < 1
        assert unknown[unknown.norm(dim=1) > 1].shape == (6, 4)  # what nobody knows is taken to be so
        assert unknown.argmax(1).cpu().numpy().tolist() == [0] * 6
        assert np.isfinite(unknown.numpy()).all()
        counter.copy_(unknown.argmax(1)[0])
        assert int(counter) == 0  # no longer what it was


@DEVICES
def test_memory_and_operations_are_those_of_the_shapes(device):
    watched = FakeDevice(device)
    with watched.running():
        layer = nn.Linear(1000, 500, bias=False).to(device)
        images = torch.randn(64, 1000, device=device)
        assert watched.live == 4 * (500 * 1000 + 64 * 1000)
        watched.peak, done = watched.live, watched.flops
        result = layer(images)
        torch.autograd.backward(result.square().sum())
        assert watched.flops - done == 2 * 2 * 64 * 1000 * 500  # the product, and the gradient of the weights
        assert watched.peak >= 4 * (2 * 500 * 1000 + 64 * 1000 + 64 * 500)
        del images, result
        assert watched.live == 4 * 2 * 500 * 1000  # the weights and their gradient
        layer.weight.grad = None
    assert watched.live == 4 * 500 * 1000


def test_what_is_left_on_the_processor_is_met_with_an_error():
    with FakeDevice(GPU).running():
        layer = nn.Conv2d(3, 8, 3).to(GPU)
        images = torch.randn(4, 3, 8, 8, device=GPU)
        assert layer(images).device == GPU
        with pytest.raises(RuntimeError, match="same device"):
            layer(torch.randn(4, 3, 8, 8))
        with pytest.raises(RuntimeError, match=r"same device|two different devices"):
            images + torch.arange(8)


def test_types_are_chosen_on_a_fake_processor():
    with FakeDevice(CPU).running(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert nn.Linear(4, 4)(torch.randn(2, 4)).dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("refused", "name"),
    [
        (lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"), "interpolate"),
        (lambda x: functional.adaptive_avg_pool2d(x, 3), "AdaptiveAvgPool2d"),
        (lambda x: functional.pad(x, (1, 1, 1, 1), mode="reflect"), "ReflectionPad2d"),
        (lambda x: x.flatten(1).median(dim=1).values, "median"),
        (lambda x: functional.avg_pool2d(x, 2), None),
        (lambda x: functional.interpolate(x, scale_factor=2, mode="nearest"), None),
        (lambda x: torch.index_select(x, 0, torch.tensor([0, 0], device=x.device)), None),
    ],
)
def test_what_a_gpu_refuses_to_do_deterministically_is_told(refused, name):
    watched = FakeDevice(GPU)
    with watched.running():
        torch.autograd.backward(refused(torch.randn(2, 3, 8, 8, device=GPU, requires_grad=True)).sum())
    assert watched.refused == ({name} if name else set())


def test_the_refused_are_those_of_torchs_documentation():
    gone_since_2_11 = {"cumsum", "MaxPool3d"}
    assert no_deterministic_form.listed() | gone_since_2_11 == set(no_deterministic_form._OPERATORS)
    every = {name.partition("::")[2] for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::")}
    operators = {operator for operators in no_deterministic_form._OPERATORS.values() for operator in operators}
    assert operators <= every | {name.partition(".")[0] for name in every}
