"""Maximally Compact and Separated Features with Regular Polytope Networks (Pernici et al., 2019).

The classifier's weights are the vertices of a regular polytope and are never trained. With normalised embeddings and an
additive angular margin as large as the angle between two connected vertices, the embeddings of a class gather around
its vertex: as far from the other classes, and as close together, as the space allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from shared.losses.knowing_nothing import at_right_angles, cross_entropy
from shared.runs.components import Loss
from shared.runs.fields import Positive


class Polytope(Loss):
    """Options of the loss with a regular polytope for a classifier, or with a learnable one beside it.

    `polytope`: whose vertices are the class weights, and whose angle phi is the margin.
    `learnable`: the baseline; weights of the same shape, normalised, which are trained.
    `scale`: kappa of eqs. 8 and 9; without one the embeddings are not normalised (eq. 6, as figure 2 has it).
    `margin`: m of eq. 9 as a share of phi, so 1 is the paper's m = phi, and 0 is eq. 8.
    `continuation`: what becomes of cos(theta + m) where theta is large (see `shared.losses.angular_margin`). The paper
    takes its margin from ArcFace, whose authors' code has `linear`.
    """

    implementation: ClassVar[str] = "papers.regular_polytope.loss:PolytopeLoss"
    name: Literal["polytope"] = "polytope"
    polytope: Literal["simplex", "orthoplex", "cube"]
    learnable: bool = False
    scale: Positive | None = None
    margin: Annotated[float, Field(ge=0, le=1)] = 0.0
    continuation: Literal["linear", "smooth", "at-pi", "none"] = "linear"

    @model_validator(mode="after")
    def _margin_needs_angles(self) -> Polytope:
        if self.margin and self.scale is None:
            raise ValueError("a margin needs a scale, since it is an angle between normalised vectors")
        return self

    def knowing_nothing(self, shares: Sequence[float]) -> float:
        """Return the cross-entropy of the shares with the margin at 90 degrees, where no image is near any vertex."""
        from papers.regular_polytope import polytope as geometry  # noqa: PLC0415 - imports numpy

        if self.scale is None or not self.margin:
            return cross_entropy(shares)
        phi = geometry.angle(self.polytope, geometry.dimension(self.polytope, len(shares)))
        return cross_entropy(shares, -self.scale * at_right_angles(self.margin * phi, self.continuation))
