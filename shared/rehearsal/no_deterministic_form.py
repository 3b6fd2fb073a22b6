"""What torch refuses on a GPU where algorithms are to be deterministic.

That is the second list in the documentation of `torch.use_deterministic_algorithms`, by the operators that are then
called. They refuse for real only, so that a rehearsal has to look them up. Of what stands here counts what the list of
the torch that runs has: it grows shorter from version to version.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch

MAX = 2
"""The mode of EmbeddingBag that takes the greatest."""

_OPERATORS = {
    "AvgPool3d": ("avg_pool3d_backward",),
    "AdaptiveAvgPool2d": ("_adaptive_avg_pool2d_backward",),
    "AdaptiveAvgPool3d": ("_adaptive_avg_pool3d_backward",),
    "MaxPool3d": ("max_pool3d_with_indices_backward",),
    "AdaptiveMaxPool2d": ("adaptive_max_pool2d_backward",),
    "FractionalMaxPool2d": ("fractional_max_pool2d_backward",),
    "FractionalMaxPool3d": ("fractional_max_pool3d_backward",),
    # In one dimension torch unpools in two.
    "MaxUnpool1d": ("max_unpool2d",),
    "MaxUnpool2d": ("max_unpool2d",),
    "MaxUnpool3d": ("max_unpool3d",),
    "interpolate": (
        *(f"upsample_{mode}_backward" for mode in ("linear1d", "bilinear2d", "bicubic2d", "trilinear3d")),
        *(f"_upsample_{mode}2d_aa_backward" for mode in ("bilinear", "bicubic")),
    ),
    "ReflectionPad1d": ("reflection_pad1d_backward",),
    "ReflectionPad2d": ("reflection_pad2d_backward",),
    "ReflectionPad3d": ("reflection_pad3d_backward",),
    # The list says NLLLoss; that of labels in one dimension, as here, is not refused.
    "NLLLoss": ("nll_loss2d_forward",),
    "CTCLoss": ("_ctc_loss_backward",),
    "EmbeddingBag": ("_embedding_bag_dense_backward",),
    "put_": ("put_", "put"),
    "histc": ("histc",),
    "bincount": ("bincount",),
    "cumsum": ("cumsum", "cumsum_"),
    "median": ("median.dim", "nanmedian.dim"),
    "grid_sample": ("grid_sampler_2d_backward", "grid_sampler_3d_backward"),
    "scatter_reduce": ("scatter_reduce", "scatter_reduce_"),
    "resize_": (),
}
"""By the name in torch's list; `resize_` is refused of quantized tensors alone, which are none here."""


def listed() -> set[str]:
    """Return the names in the list of the torch that runs."""
    refused = str(torch.use_deterministic_algorithms.__doc__).split("will throw a")[2].split("In addition")[0]
    return {name.rpartition(".")[2] for name in re.findall(r"^ +\* :\w+:`([\w.]+)`", refused, re.MULTILINE)}


def without_deterministic_form(operator: Any, given: Sequence[Any]) -> str | None:
    """Return the name in torch's list of what calls an operator with these arguments, None where it has a form."""
    name = _name(operator)
    if name is None:
        return None
    harmless = {
        "bincount": len(given) < 2 or given[1] is None,
        "scatter_reduce": "prod" not in given,
        "EmbeddingBag": name == "EmbeddingBag" and given[6] != MAX,
        "cumsum": name == "cumsum" and not (given[0].is_floating_point() or given[0].is_complex()),
    }
    return None if harmless.get(name) else name


@cache
def _names() -> dict[str, str]:
    there = listed()
    return {
        f"aten.{operator}": name for name, operators in _OPERATORS.items() if name in there for operator in operators
    }


@cache
def _name(operator: Any) -> str | None:
    return _names().get(str(operator)) or _names().get(str(operator.overloadpacket))
