"""How far a head is turned, from five landmarks, by what the tip of the nose does.

A head model of five points is seen from afar, so that depth is not foreshortened but moves points sideways. Across the
face everything shrinks by the cosine of the yaw; the tip of the nose, which is in front of the plane of eyes and mouth,
moves off their midline by its depth times the sine. The ratio of the two is the tangent, whatever the scale.

The model, in millimetres, is a person in general: 64 from eye to eye, which is about the mean distance of pupils of
adults (63: Dodgson, "Variation and extrema of human interpupillary distance", 2004); 57 from corner to corner of the
mouth; the nose half-way between the heights of eyes and mouth, and its tip 37 in front of their plane. The last three
are those of the mean face of 68 points that is common in gaze estimation, scaled to 90 between outer corners of the
eyes. Nobody's nose is measured: a face whose nose is a tenth more prominent seems turned a tenth more, while the angle
is small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.data.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EYES, MOUTH, NOSE = 64.0, 57.0, 37.0


def yaw_from_landmarks(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the yaw, float32 [N], in degrees from -90 to 90, of heads with `points` [N, 5, 2], (x, y) in pixels.

    The points are left eye, right eye, tip of the nose, left and right corner of the mouth, left and right as one looks
    at the image. The yaw is positive where the face is turned to the right of the image. A face that is rotated, scaled
    or moved within the image has the same yaw, its mirror image the opposite. Nodding moves the nose along the midline
    and changes little. It is nan where a point is, or where eyes and mouth have no width.
    """
    x, y = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    left_eye, right_eye, nose, left_mouth, right_mouth = (x + 1j * y).T
    across = right_eye - left_eye + right_mouth - left_mouth
    forward = nose - (left_eye + right_eye + left_mouth + right_mouth) / 4
    # Both are multiplied by the length of `across`, which is not to be divided by.
    sine = (forward * across.conj()).real / NOSE
    cosine = abs(across) ** 2 / (EYES + MOUTH)
    degrees = np.degrees(np.arctan2(sine, cosine))
    return np.where(cosine > 0, degrees, np.nan).astype(np.float32)
