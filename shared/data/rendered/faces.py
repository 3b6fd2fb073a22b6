"""Faces drawn from parameters, as aligned crops: who is shown, and how, are functions of numbers.

The geometry is in `face_surface`, what is painted in `face_features`. As in real crops, the five landmarks, found
with an error, are brought to ArcFace's template by the similarity of least squares; so the crop of a turned head is
itself scaled and turned a little. The pictures stand for faces where code is to be tried out; nothing that is
measured on them is evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from shared.data.formats.alignment import SIDE, similarity
from shared.data.rendered.face_features import paint_features, smiling
from shared.data.rendered.face_surface import PLANES, Head, Picture
from shared.data.rendered.parametric import between, uniforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.data.rendered.face_surface import Complex
    from shared.data.rendered.parametric import Floats, Keys, Numbers

    Bytes = NDArray[np.uint8]

LARGEST_YAW = 80.0

IDENTITY = {
    "width": (36.0, 43.0),
    "depth": (1.1, 1.35),
    "crown": (-20.0, -8.0),
    "widest": (42.0, 54.0),
    "chin": (105.0, 120.0),
    "jaw": (1.9, 3.6),
    "ear": (0.0, 5.0),
    "eye_apart": (15.6, 19.6),
    "eye_height": (49.8, 53.6),
    "eye_length": (5.6, 8.2),
    "eye_opening": (0.30, 0.55),
    "eye_tilt": (-0.16, 0.12),
    "iris": (0.40, 0.52),
    "iris_dark": (0.0, 1.0),
    "iris_blue": (0.0, 1.0),
    "brow_above": (8.5, 12.5),
    "brow_length": (8.0, 12.0),
    "brow_thickness": (0.7, 2.3),
    "brow_slope": (-0.15, 0.22),
    "brow_arch": (0.5, 3.5),
    "nose_height": (69.5, 75.0),
    "nose_width": (5.6, 9.6),
    "nose_length": (8.0, 15.0),
    "nose_bridge": (0.15, 0.5),
    "mouth_height": (90.2, 94.8),
    "mouth_width": (12.0, 17.0),
    "lip_upper": (1.6, 4.4),
    "lip_lower": (2.4, 5.6),
    "lip_red": (0.0, 1.0),
    "skin_dark": (0.0, 1.0),
    "skin_red": (0.0, 1.0),
    "cheek_red": (0.0, 0.10),
    "hair_dark": (0.0, 1.0),
    "hair_red": (0.0, 1.0),
    "hair_line": (14.0, 34.0),
    "hair_curve": (26.0, 52.0),
    "hair_parting": (-0.35, 0.35),
    "hair_volume": (2.0, 10.0),
    "hair_length": (0.0, 1.0),
    "beard": (0.0, 1.0),
    "beard_edge": (74.0, 90.0),
    "glasses": (0.0, 1.0),
    "glasses_width": (9.0, 13.0),
    "glasses_height": (7.0, 11.0),
    "glasses_round": (2.0, 5.0),
    "glasses_dark": (0.05, 0.5),
    "mole_x": (-24.0, 24.0),
    "mole_y": (58.0, 104.0),
    "mole_size": (-1.5, 2.4),
    "second_mole_x": (-22.0, 22.0),
    "second_mole_y": (30.0, 104.0),
    "second_mole_size": (-1.5, 2.0),
}
"""The least and the greatest value of what makes a person."""

NUISANCE = {
    "light_x": (0.0, -1.0, 1.0),
    "light_y": (-0.3, -1.0, 0.5),
    "ambient": (0.62, 0.3, 0.85),
    "brightness": (1.0, 0.6, 1.25),
    "warmth": (0.0, -0.12, 0.12),
    "noise": (0.0, -0.03, 0.04),
    "smile": (0.0, -1.5, 5.0),
    "mouth_open": (0.0, -6.0, 5.0),
    "eye_open": (1.0, 0.35, 1.25),
    "gaze": (0.0, -0.3, 0.3),
    "brow_raise": (0.0, -2.0, 3.0),
    "glasses_worn": (0.5, 0.0, 1.0),
    "resolution": (0.0, -1.2, 1.0),
    "blur": (0.0, -2.0, 1.5),
}
"""The neutral, the least and the greatest value of what changes from one image of a person to the next."""

LANDMARK_ERROR = 1.6
BACKDROP = 3
TOGETHER = 32


@dataclass(frozen=True)
class RenderedFaces:
    """Images uint8 [N, 112, 112, 3], yaw float32 [N] in degrees, landmarks float32 [N, 5, 2] as (x, y) in pixels.

    The landmarks are the eye, then the corner of the mouth, that is further left in the image before the other one:
    left eye, right eye, tip of the nose, left and right corner of the mouth. Those that the head hides are there too.
    """

    images: Bytes
    yaw: Floats
    landmarks: Floats


def render(
    identities: Keys, numbers: Keys, *, seed: int = 0, yaw: Floats | None = None, nuisance: float = 1.0
) -> RenderedFaces:
    """Draw image number `numbers[i]` of person `identities[i]`, both [N], among the people of `seed`.

    Each image is a function of its identity, its number, and what is given by keyword: the same bits on one machine,
    whatever else is drawn with it. `yaw`, [N], in degrees from -90 to 90, replaces the yaw that would be drawn, within
    80 and mostly small. `nuisance` from 0 to 1 scales all else that is not the person: at 0 every face is neutral,
    evenly lit, sharp, without error of alignment and, unless `yaw` is given, frontal.
    """
    identities, numbers = np.asarray(identities), np.asarray(numbers)
    chances = uniforms(1, seed, 2, identities, numbers)[:, 0] * 2 - 1
    drawn = nuisance * LARGEST_YAW * chances * np.sqrt(np.abs(chances))
    angles = np.asarray(drawn if yaw is None else yaw, dtype=np.float32)
    images = np.empty((len(identities), SIDE, SIDE, 3), np.uint8)
    landmarks = np.empty((len(identities), 5, 2), np.float32)
    # One buffer for all: memory that is given back after every few images has to be cleared by the system each time.
    planes = np.empty((min(TOGETHER, len(identities)), PLANES, SIDE, SIDE), np.float32)
    for start in range(0, len(identities), TOGETHER):
        part = slice(start, start + TOGETHER)
        which = identities[part], numbers[part], angles[part]
        landmarks[part] = _draw(*which, planes, images[part], seed=seed, nuisance=nuisance)
    return RenderedFaces(images, angles, landmarks)


def people(identities: Keys, seed: int = 0) -> Numbers:
    """Return the parameters of each person, by the names of `IDENTITY`, [N, 1, 1]."""
    return between(IDENTITY, uniforms(len(IDENTITY), seed, 0, identities))


def conditions(identities: Keys, numbers: Keys, seed: int = 0, nuisance: float = 1.0) -> Numbers:
    """Return what else decides each image, by the names of `NUISANCE`, [N, 1, 1], drawn towards neutral."""
    ranges = {
        name: (neutral + nuisance * (low - neutral), neutral + nuisance * (high - neutral))
        for name, (neutral, low, high) in NUISANCE.items()
    }
    return between(ranges, uniforms(len(ranges), seed, 1, identities, numbers))


def _draw(
    identities: Keys, numbers: Keys, yaw: Floats, planes: Floats, images: Bytes, *, seed: int, nuisance: float
) -> Floats:
    """Draw a few faces into `images`, [N, 112, 112, 3], and return their landmarks, [N, 5, 2].

    `planes`, [N or more, 9, 112, 112], are overwritten.
    """
    person, shown = people(identities, seed), conditions(identities, numbers, seed, nuisance)
    chances = uniforms(12 + 3 * BACKDROP**2, seed, 3, identities, numbers)
    errors, offsets, colours = np.split(chances, [10, 12], axis=1)
    head = Head(person, np.radians(yaw)[:, None, None])
    points = _landmarks(head, person, shown)
    found = np.stack([points.real, points.imag], -1) + nuisance * LANDMARK_ERROR * (errors * 2 - 1).reshape(-1, 5, 2)
    # The similarity p -> turn p + shift for p = x + iy.
    turn, _, shift = np.moveaxis([1, 1j] @ similarity(found), -1, 0)[..., None]
    planes = planes[: len(images)]
    _fill(planes[:, :3], 0.5 + nuisance * (colours - 0.5))
    picture = Picture(head, turn, shift, planes)
    paint_features(picture, person, shown)
    picture.light_up(shown)
    landmarks = turn * points + shift
    _expose(picture.whole.colours, shown, offsets, images)
    return np.stack([landmarks.real, landmarks.imag], -1).astype(np.float32)


def _landmarks(head: Head, person: Numbers, shown: Numbers) -> Complex:
    """Return where the camera sees the eyes, the tip of the nose and the corners of the mouth, x + iy, [N, 5]."""
    width, rise = smiling(person, shown)
    eye, eye_height = person["eye_apart"], person["eye_height"]
    corner_height = person["mouth_height"] - rise
    tip = head.front(0 * eye, person["nose_height"]) + person["nose_length"]
    points = [head.column(side * eye, head.front(eye, eye_height)) + 1j * eye_height for side in (-1, 1)]
    points.append(head.column(0 * eye, tip) + 1j * person["nose_height"])
    points += [head.column(side * width, head.front(width, corner_height)) + 1j * corner_height for side in (-1, 1)]
    return np.concatenate(points, axis=1)[:, :, 0]


def _fill(backdrop: Floats, colours: Floats) -> None:
    """Fill in smooth backgrounds, [N, 3, 112, 112], between a few colours, [N, 3 x 3 x 3]."""
    grid = colours.reshape(-1, 3, BACKDROP, BACKDROP).astype(np.float32)
    grid = (grid + 2 * grid.mean(1, keepdims=True)) / 3
    places = np.linspace(0, BACKDROP - 1, SIDE, dtype=np.float32)
    weights = np.maximum(1 - np.abs(places[:, None] - np.arange(BACKDROP, dtype=np.float32)), 0)
    np.matmul(weights @ grid, weights.T, out=backdrop)


def _expose(colours: Floats, shown: Numbers, offsets: Floats, images: Bytes) -> None:
    """Fill `images`, [N, 112, 112, 3], with what the camera makes of colours, [N, 3, 112, 112]."""
    warm = shown["warmth"][:, None] * np.array([1, 0, -1], np.float32)[:, None, None]
    colours *= 255 * shown["brightness"][:, None] * (1 + warm)
    places = (offsets * SIDE).astype(np.intp)
    for number in np.flatnonzero(shown["noise"] > 0):
        top, left = places[number]
        colours[number] += 255 * shown["noise"][number] * _grain()[top : top + SIDE, left : left + SIDE]
    colours += np.float32(0.5)
    levels = np.clip(colours, 0, 255, out=colours).astype(np.uint8)
    for channel in range(3):  # Several times as fast as one transposition.
        images[..., channel] = levels[:, channel]
    for image, resolution, blur in zip(images, shown["resolution"].flat, shown["blur"].flat, strict=True):
        if resolution > 0 or blur > 0:
            image[:] = _coarsened(Image.fromarray(image), float(resolution), float(blur))


def _coarsened(image: Image.Image, resolution: float, blur: float) -> Image.Image:
    """Return the image as from a camera further away, down to 24 pixels wide at a `resolution` of 1, and blurred."""
    if blur > 0:
        image = image.filter(ImageFilter.BoxBlur(blur))
    if resolution > 0:
        side = round(SIDE / 1.4 * (1 - resolution) + 24 * resolution)
        image = image.resize((side, side), Image.Resampling.BOX).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return image


@cache
def _grain() -> Floats:
    """Return noise of a camera, [224, 224], from a stream that is the same in every numpy."""
    return np.random.RandomState(0).standard_normal((2 * SIDE, 2 * SIDE)).astype(np.float32)
