"""The additive angular margin on the cosine of the own class (Deng et al., ArcFace, 2019, eq. 3)."""

from __future__ import annotations

from math import cos, sin
from typing import Literal

import torch
from torch import Tensor

Continuation = Literal["smooth", "at-pi", "linear", "easy", "clamped", "none"]


def turned(cosine: Tensor, margin: float, continuation: Continuation) -> Tensor:
    """Return psi(theta) of cos(theta), of any shape; `margin` is m in radians, 0 <= m <= pi.

    Up to some angle psi(theta) is cos(theta + m). Beyond pi - m that would rise again, and push the embedding away from
    its class; and short of it, it is nearly flat. `continuation` says what takes its place:

    smooth   cos(theta) - 2 sin(m / 2) from theta = (pi - m) / 2 on. There the margin, measured in cosines, is greatest
             and stays so; value and slope are continuous, and psi falls nowhere more slowly than cos(theta). Ours.
    at-pi    cos(theta) + cos(m) - 1 from theta = pi - m on: `linear` without its jump, so flat about that angle. Ours.
    linear   cos(theta) - m sin(m) from pi - m on, which jumps there; down for 0 < m < 2.33. So has it the ArcFace
             authors' own training (InsightFace's MXNet code, `src/train_softmax.py`, loss type 4).
    easy     cos(theta) from pi / 2 on, which jumps up by sin(m): that code's option `easy_margin`, off by default.
    clamped  -1 from pi - m on, as if theta + m were cut off at pi: flat, so that with an exact gradient nothing draws
             an embedding back from there.
    none     nothing: the formula as it is printed, which rises beyond pi - m. So has it that code's loss type 5.

    The gradient is exact and finite; at theta = 0, where cos(theta + m) has a kink, it is that of cos(m) cos(theta).
    """
    smallest = torch.finfo(cosine.dtype).eps ** 2
    sine = (1 - cosine.square()).clamp_min(smallest).sqrt()
    psi = cosine * cos(margin) - sine * sin(margin)
    match continuation:
        case "smooth":
            return torch.where(cosine >= sin(margin / 2), psi, cosine - 2 * sin(margin / 2))
        case "at-pi":
            return torch.where(cosine >= -cos(margin), psi, cosine + (cos(margin) - 1))
        case "linear":
            return torch.where(cosine > -cos(margin), psi, cosine - margin * sin(margin))
        case "easy":
            return torch.where(cosine > 0, psi, cosine)
        case "clamped":
            return torch.where(cosine > -cos(margin), psi, -1.0)
        case "none":
            return psi


def additive_angular_margin(cosine: Tensor, labels: Tensor, margin: float, continuation: Continuation) -> Tensor:
    """Return cosines (B, C) with that of each sample's own class, cos(theta), replaced by psi(theta) (see `turned`).

    The labels are (B,), int64 in 0..C-1.
    """
    index = labels.unsqueeze(1)
    return cosine.scatter(1, index, turned(cosine.gather(1, index), margin, continuation))
