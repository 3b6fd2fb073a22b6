"""From a photograph with five landmarks to a crop of 112 x 112, by the similarity nearest to ArcFace's template.

Umeyama, "Least-squares estimation of transformation parameters between two point patterns", IEEE TPAMI 13 (1991). The
template is that of InsightFace for 112 x 112, as are the pixels' coordinates: the centre of the upper left pixel is
(0, 0). Beyond the photograph the crop is black.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.data.image_source import as_batch
from shared.data.lazy import Image, np
from shared.data.reading.pictures import contents, opened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from shared.data.image_source import Bytes, Indices, Shape

SIDE = 112
TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
"""Left eye, right eye, tip of the nose, left and right corner of the mouth, as one looks at the image: (x, y)."""


class AlignedSource:
    """One file an image, [N], with its landmarks, [N, 5, 2]; each is aligned when it is read."""

    shape: Shape = (3, SIDE, SIDE)

    def __init__(self, folder: Path, names: Sequence[str], landmarks: NDArray[np.floating]) -> None:
        self.folder, self.names, self.landmarks = folder, names, landmarks

    def __len__(self) -> int:
        return len(self.names)

    def read(self, indices: Indices) -> Bytes:
        """Read and align the files at `indices`; raises UserError, naming the first that cannot be read."""
        aligned = (align(opened(self.folder / self.names[index]), self.landmarks[index]) for index in indices)
        return as_batch(aligned, len(indices), self.shape)

    def encoded(self, index: int) -> bytes:
        """Return a file's bytes; raises UserError where it cannot be read."""
        return contents(self.folder / self.names[index])


def similarity(points: ArrayLike, template: ArrayLike = TEMPLATE) -> NDArray[np.float64]:
    """Return the similarities, [..., 2, 3], that bring `points`, [..., P, 2], nearest to `template`, [P, 2].

    With columns [cR, t], a point p goes to c R p + t: equations 40 to 42 of the paper, where R is a rotation even if a
    reflection would come nearer (equation 43). The points of one set must not all be the same.
    """
    placed, meant = np.asarray(points, dtype=np.float64), np.asarray(template, dtype=np.float64)
    centre, target = placed.mean(-2, keepdims=True), meant.mean(0)
    centred = placed - centre
    covariance = (meant - target).T @ centred / len(meant)
    left, singular, right = np.linalg.svd(covariance)
    turned = np.linalg.det(left) * np.linalg.det(right) < 0
    signs = np.stack([np.ones_like(singular[..., 0]), np.where(turned, -1.0, 1.0)], -1)
    rotation = (left * signs[..., None, :]) @ right
    scale = (singular * signs).sum(-1) / (centred**2).sum(-1).mean(-1)
    linear = scale[..., None, None] * rotation
    shift = target[:, None] - linear @ np.swapaxes(centre, -1, -2)
    return np.concatenate([linear, shift], -1)


def align(image: Image.Image, landmarks: NDArray[np.floating]) -> Bytes:
    """Return the crop, uint8 [112, 112, 3], of an image in RGB whose five landmarks are given, [5, 2]."""
    return warp(image, similarity(landmarks), SIDE)


def warp(image: Image.Image, transform: NDArray[np.floating], side: int) -> Bytes:
    """Return `image` moved by an affine `transform`, [2, 3], uint8 [side, side, 3], interpolated bilinearly.

    Pillow cuts off the fraction of an interpolated value, which InsightFace's warp by OpenCV rounds.
    """
    back = np.linalg.inv(transform[:, :2])
    # Pillow puts the centre of the upper left pixel at (1/2, 1/2), in the crop and in the image.
    half = np.full(2, 0.5)
    shift = half - back @ (half + transform[:, 2])
    coefficients = np.column_stack([back, shift]).ravel().tolist()
    moved = image.transform((side, side), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    return np.asarray(moved, dtype=np.uint8)
