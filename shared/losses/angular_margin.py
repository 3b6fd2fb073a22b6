"""The additive angular margin on the cosine of the own class (Deng et al., ArcFace, 2019, eq. 3)."""

from __future__ import annotations

from math import cos, sin
from typing import Literal

import torch
from torch import Tensor

Continuation = Literal["smooth", "at-pi", "none"]


def additive_angular_margin(
    cosine: Tensor, labels: Tensor, margin: float, continuation: Continuation = "smooth"
) -> Tensor:
    """Return cosines (B, C) with that of each sample's own class, cos(theta), replaced by psi(theta).

    Up to some angle psi(theta) is cos(theta + m). Beyond pi - m that would rise again, and push the embedding away from
    its class; and short of it, it is nearly flat. `continuation` says what takes its place:

    smooth   cos(theta) - 2 sin(m / 2) from theta = (pi - m) / 2 on. There the margin, measured in cosines, is greatest
             and stays so; value and slope are continuous, and psi falls nowhere more slowly than cos(theta).
    at-pi    cos(theta) + cos(m) - 1 from theta = pi - m on: continuous, but flat just short of that angle.
    none     nothing: the formula as it is printed, which rises beyond pi - m.

    Public ArcFace code either has none or goes on with cos(theta) - m sin(m) from pi - m on, which jumps.

    `margin` is m in radians, 0 <= m <= pi; the labels are (B,), int64 in 0..C-1. The gradient is exact and finite; at
    theta = 0, where cos(theta + m) has a kink, it is that of cos(m) cos(theta).
    """
    own = cosine.gather(1, labels.unsqueeze(1))
    smallest = torch.finfo(cosine.dtype).eps ** 2
    sine = (1 - own.square()).clamp_min(smallest).sqrt()
    turned = own * cos(margin) - sine * sin(margin)
    if continuation == "smooth":
        turned = torch.where(own >= sin(margin / 2), turned, own - 2 * sin(margin / 2))
    elif continuation == "at-pi":
        turned = torch.where(own >= -cos(margin), turned, own + (cos(margin) - 1))
    return cosine.scatter(1, labels.unsqueeze(1), turned)
