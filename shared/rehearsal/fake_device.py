"""A device that computes nothing: tensors have shapes, types and a place, and what is done to them is watched.

Tensors are those of torch's `FakeTensorMode`. What it leaves out and a training needs is added here. Small tensors of
whole numbers, such as labels, orders and counters, are computed for real beside, since they decide what is done next.
What depends on numbers that nobody knows is given made-up ones.

`GPU` is a device that is not the processor: torch has no kernels for it, here or anywhere, so that whatever is left on
the processor by mistake meets it with an error, as it would meet a GPU. A fake "cuda" cannot stand for it: without a
driver torch does not take the backward pass on it.
"""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry

from shared.rehearsal.no_deterministic_form import without_deterministic_form

GPU = torch.device("lazy", 0)
CPU = torch.device("cpu")
MOST_KNOWN = 200_000
"""Whole numbers of larger tensors, such as pixels, are not computed."""
_KEEPING = ("shared.backbones", "shared.losses", "shared.training", "shared.evaluation", "papers.")
_BY_DATA = (DataDependentOutputException, DynamicOutputShapeException)


class FakeDevice:
    """What is done on a device of this kind; within `running`, torch works there or on a fake processor only.

    `live` are the bytes that tensors on it hold, `peak` the most so far; `flops` the operations in floating point of
    all matrix products and convolutions so far, as torch counts them, an addition for one; and `refused` what was
    called, in the words of torch's list, that a GPU refuses to do where algorithms are to be deterministic.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.live = self.peak = self.flops = 0
        self.refused: set[str] = set()
        self._storages: dict[int, weakref.ref[Any]] = {}
        self._fake = FakeTensorMode()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let torch compute nothing meanwhile, in this thread."""
        with ExitStack() as entered:
            entered.enter_context(mock.patch.object(nn.Module, "_apply", _moved))
            entered.enter_context(mock.patch.object(torch, "autocast", partial(_autocast, torch.autocast)))
            entered.enter_context(torch.autograd.set_multithreading_enabled(False))
            entered.callback(_forget_tensors)
            for mode in (self._fake, _Watching(self, self._fake), _Reading()):
                entered.enter_context(mode)
            yield

    def hold(self, tensor: Tensor) -> None:
        """Count the memory of a tensor of the device until it is given back."""
        storage = tensor.untyped_storage()
        if tensor.device != self.device or storage._cdata in self._storages:
            return
        key, size = storage._cdata, storage.nbytes()
        self._storages[key] = weakref.ref(storage, lambda _: self._give_back(key, size))
        self.live += size
        self.peak = max(self.peak, self.live)

    def _give_back(self, key: int, size: int) -> None:
        del self._storages[key]
        self.live -= size


def _forget_tensors() -> None:
    """Empty what the suite's functions keep for further calls, where there may be fake tensors."""
    for name, module in list(sys.modules.items()):
        if name.startswith(_KEEPING):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def _autocast(autocast: Any, kind: str, **settings: Any) -> Any:
    """Return what chooses types on a kind of device: on one that torch has no kernels for, nothing does."""
    return autocast(CPU.type if kind == GPU.type else kind, **settings)


def _moved(module: nn.Module, function: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
    """Do what `nn.Module._apply` does by exchanging tensors, which torch does not for fake ones."""
    for child in module.children() if recurse else ():
        child._apply(function)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = nn.Parameter(function(parameter), requires_grad=parameter.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = function(buffer)
    return module


def _known(tensor: Tensor) -> Tensor | None:
    """Return the numbers of a fake tensor, a real one; None where they are not known."""
    known: Tensor | None = getattr(tensor, "known", None)
    return known


def _may_be_known(tensor: Tensor) -> bool:
    whole = not tensor.is_floating_point() and not tensor.is_complex()
    return tensor.numel() <= (MOST_KNOWN if whole else 1)


def _made_up(tensor: Tensor) -> Tensor:
    """Return numbers of a fake tensor: those known, else true, 0, or a fraction that differs from place to place."""
    if (known := _known(tensor)) is not None:
        return known
    shape = tuple(tensor.shape)
    if tensor.dtype is torch.bool:
        return torch.ones(shape, dtype=torch.bool)
    if not tensor.is_floating_point():
        return torch.zeros(shape, dtype=tensor.dtype)
    numbers = np.random.default_rng(0).random(math.prod(shape), dtype=np.float32).reshape(shape)
    return torch.from_numpy(numbers).to(tensor.dtype)


class _Watching(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch gives its hook no types
    """Computes what is known beside, makes up what is asked for and is not, and tells the device of all tensors."""

    def __init__(self, device: FakeDevice, fake: FakeTensorMode) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # nor its constructor
        self.device, self.fake = device, fake

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func.namespace == "aten" and func._can_decompose():
            with self:
                return func.decompose(*args, **kwargs)
        if name := without_deterministic_form(func, [*args, *kwargs.values()]):
            self.device.refused.add(name)
        args, kwargs = tree_map_only(Tensor, self._as_fake, (args, kwargs))
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        # torch 2.11 lets tensors of different devices be convolved where they are fake.
        if func is torch.ops.aten.convolution.default and len({tensor.device for tensor in given}) > 1:
            raise RuntimeError(f"{func} of tensors that are not on the same device")
        real = self._real(func, given, args, kwargs)
        try:
            with self.fake:
                result = func(*args, **kwargs)
        except _BY_DATA:
            made_up = real if real is not None else _with_real(func, args, kwargs, _made_up)
            device = given[0].device
            return tree_map_only(Tensor, lambda tensor: self._as_fake(tensor, device), made_up)
        if count := flop_registry.get(func._overloadpacket):
            self.device.flops += count(*args, **kwargs, out_val=result)
        self._note(func, args, result, real)
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self.device.hold(tensor)
        return result

    def _as_fake(self, tensor: Tensor, device: torch.device | None = None) -> Tensor:
        if isinstance(tensor, FakeTensor):
            return tensor
        with self.fake:
            fake = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device or CPU)
        if _may_be_known(tensor):
            fake.known = tensor  # type: ignore[attr-defined] # kept beside
        return fake

    def _real(self, func: Any, given: list[Tensor], args: Any, kwargs: Any) -> Any:
        """Return what an operation gives on numbers that are all known; None where they are not, or it is large."""
        if any(_known(tensor) is None for tensor in given):
            return None
        if not given:
            kind = kwargs.get("dtype")
            if kind is None or kind.is_floating_point or kind.is_complex or math.prod(_size(args)) > MOST_KNOWN:
                return None
        return _with_real(func, args, kwargs, _known)

    def _note(self, func: Any, args: Any, result: Any, real: Any) -> None:
        """Keep the numbers of a result beside it, and forget those that an operation has changed unknowingly."""
        for place, argument in enumerate(func._schema.arguments):
            changed = argument.alias_info is not None and argument.alias_info.is_write
            if changed and real is None and place < len(args) and isinstance(args[place], FakeTensor):
                args[place].known = None
        fakes, reals = tree_leaves(result), tree_leaves(real)
        if len(fakes) == len(reals):
            for fake, numbers in zip(fakes, reals, strict=True):
                if isinstance(fake, FakeTensor) and isinstance(numbers, Tensor) and _may_be_known(numbers):
                    fake.known = numbers  # type: ignore[attr-defined] # kept beside


def _size(args: tuple[Any, ...]) -> tuple[int, ...]:
    """Return how many numbers an operation without tensors is asked for, by its first arguments."""
    first = args[0] if args else 1
    return tuple(first) if isinstance(first, list | tuple) else tuple(abs(int(part)) + 1 for part in args[:1])


def _with_real(func: Any, args: Any, kwargs: Any, numbers: Callable[[Tensor], Tensor | None]) -> Any:
    """Do an operation for real, on the processor, with the `numbers` of its fake tensors."""
    with torch.utils._python_dispatch._disable_current_modes():
        args, kwargs = tree_map_only(Tensor, numbers, (args, kwargs))
        args, kwargs = tree_map_only(torch.device, lambda _: CPU, (args, kwargs))
        return func(*args, **kwargs)


class _Reading(TorchFunctionMode):
    """Gives whoever reads a fake tensor from Python the numbers that are known, else made-up ones."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.pin_memory:
            return args[0]
        if func is Tensor.__deepcopy__ and isinstance(args[0], FakeTensor):
            return args[0].detach().clone()
        if func in (Tensor.numpy, Tensor.tolist, Tensor.__array__) and isinstance(args[0], FakeTensor):
            with torch.utils._python_dispatch._disable_current_modes():
                numbers = _made_up(args[0])
                return func(numbers.clone(), *args[1:], **kwargs)
        return func(*args, **kwargs)
