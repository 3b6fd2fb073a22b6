"""CosFace: cross-entropy of scaled cosines with an additive margin (Wang et al., CosFace, CVPR 2018)."""

from __future__ import annotations

from torch import Tensor

from shared.losses.norm_face import NormFaceLoss


class CosFaceLoss(NormFaceLoss):
    """Their eq. 4: the logit of the own class is s (cos(theta) - m), those of the others s cos(theta_j).

    s is `scale` > 0 and m is `margin` >= 0; with m = 0 it is NormFace. DiscFace prints the two swapped, as m = 30 and
    s = 0.25 (section 5.1).
    """

    def __init__(self, dimension: int, classes: int, *, scale: float, margin: float) -> None:
        super().__init__(dimension, classes, scale=scale)
        self.margin = margin

    def margined(self, cosine: Tensor) -> Tensor:
        """Return cos(theta) - m."""
        return cosine - self.margin
