"""ArcFace: cross-entropy of scaled cosines with an additive angular margin (Deng et al., ArcFace, CVPR 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from shared.losses.angular_margin import Continuation, turned
from shared.losses.norm_face import NormFaceLoss


class ArcFaceLoss(NormFaceLoss):
    """Their eq. 3: the logit of the own class is s cos(theta + m), those of the others s cos(theta_j).

    s is `scale` > 0 and m is `margin` in radians, 0 <= m <= pi; with m = 0 it is NormFace. DiscFace prints the two
    swapped, as m = 64 and s = 0.5 (section 5.1).

    Public code gives the name to several functions, which differ in two things:

    `continuation`  what becomes of cos(theta + m) where theta is large, see `shared.losses.angular_margin.turned`. The
                    default is that of the authors' MXNet code, without its easy margin.
    `gradient`      exact: that of the formula. detached: that of s cos(theta), as if the margin were a constant, so
                    without the factor sin(theta + m) / sin(theta); the loss is the same. So has it the authors' later
                    PyTorch code (InsightFace's `arcface_torch/losses.py`), with the continuation none.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        *,
        scale: float,
        margin: float,
        continuation: Continuation = "linear",
        gradient: Literal["exact", "detached"] = "exact",
    ) -> None:
        super().__init__(dimension, classes, scale=scale)
        self.margin = margin
        self.continuation = continuation
        self.gradient = gradient

    @property
    def exempt(self) -> Mapping[str, str]:
        """What a detached gradient does not keep of the contract of losses, with the reason."""
        return {} if self.gradient == "exact" else {"gradient": "the margin is a constant for it, as in some public code"}

    def margined(self, cosine: Tensor) -> Tensor:
        """Return psi(theta): cos(theta + m), or what continues it."""
        psi = turned(cosine, self.margin, self.continuation)
        return psi if self.gradient == "exact" else cosine + (psi - cosine).detach()
