"""Skin lesions of ten classes drawn from parameters, with their masks.

A class is a range of each parameter: size and shape, border, colour, and texture. The ranges overlap, as the looks of
real lesions do, so that no one parameter tells the class. Skin, hairs, light and noise tell nothing of it. The pictures
stand for photographs where code is to be tried out; nothing that is measured on them is evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.data.rendered.parametric import between, covered, uniforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.data.rendered.parametric import Floats, Keys, Numbers

CLASSES = ("AK", "BCC", "ML", "SCC", "SK", "IEC", "PYO", "VASC", "DF", "MEL")
"""The classes by their usual abbreviations."""

TYPICAL = {
    # class        AK    BCC   ML    SCC   SK    IEC   PYO   VASC  DF    MEL
    "radius":     (0.50, 0.50, 0.45, 0.55, 0.58, 0.60, 0.42, 0.45, 0.42, 0.62),
    "ragged":     (0.40, 0.25, 0.10, 0.35, 0.20, 0.35, 0.10, 0.15, 0.12, 0.50),
    "blurred":    (0.45, 0.25, 0.15, 0.20, 0.05, 0.25, 0.05, 0.15, 0.45, 0.15),
    "red":        (0.45, 0.40, 0.10, 0.55, 0.10, 0.60, 0.90, 0.85, 0.30, 0.15),
    "brown":      (0.15, 0.15, 0.60, 0.15, 0.55, 0.15, 0.20, 0.30, 0.45, 0.80),
    "patchy":     (0.20, 0.25, 0.15, 0.30, 0.25, 0.20, 0.15, 0.30, 0.15, 0.55),
    "network":    (0.00, 0.00, 0.45, 0.00, 0.10, 0.00, 0.00, 0.00, 0.35, 0.45),
    "globules":   (0.05, 0.15, 0.35, 0.05, 0.50, 0.05, 0.05, 0.50, 0.05, 0.35),
    "scale":      (0.60, 0.10, 0.00, 0.45, 0.35, 0.55, 0.05, 0.00, 0.10, 0.00),
    "ulcer":      (0.05, 0.45, 0.00, 0.55, 0.00, 0.10, 0.45, 0.05, 0.00, 0.15),
    "shine":      (0.05, 0.60, 0.15, 0.20, 0.10, 0.05, 0.55, 0.30, 0.10, 0.10),
    "pale_centre":(0.05, 0.25, 0.00, 0.10, 0.00, 0.05, 0.00, 0.05, 0.55, 0.05),
}  # fmt: skip
"""The middle of each parameter's range in each class."""
SPREAD = 0.25
"""How far from the middle a parameter may be, either way; negative values are as 0."""

NUISANCE = {
    "across": (-0.25, 0.25),
    "down": (-0.25, 0.25),
    "angle": (0.0, np.pi),
    "elongation": (1.0, 1.35),
    "skin_dark": (0.0, 0.8),
    "skin_red": (0.0, 1.0),
    "light_across": (-0.2, 0.2),
    "light_down": (-0.2, 0.2),
    "brightness": (0.75, 1.15),
    "warmth": (-0.06, 0.06),
    "hairs": (-3.0, 5.0),
    "hair_dark": (0.0, 1.0),
    "noise": (0.0, 0.03),
}
"""The least and the greatest value of what tells nothing of the class."""
PALE_SKIN, DARK_SKIN = (0.93, 0.76, 0.68), (0.52, 0.36, 0.28)
RED, BROWN, CRUST, CRATER = (0.72, 0.22, 0.22), (0.25, 0.15, 0.10), (0.93, 0.88, 0.80), (0.35, 0.06, 0.08)
HAIRS = 5
GRIDS = {"border": 6, "patches": 5, "bend": 5, "dots": 16, "flakes": 27, "crater": 6}
TOGETHER = 16


def render(
    classes: Keys, numbers: Keys, *, seed: int = 0, size: int = 64
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw lesion `numbers[i]` of class `classes[i]`, an index into `CLASSES`, both [N], among those of `seed`.

    Returns images uint8 [N, size, size, 3] and masks bool [N, size, size], true on the lesion. Each is a function of
    its class, its number, the seed and the size: the same bits on one machine, whatever else is drawn with it.
    """
    classes, numbers = np.asarray(classes), np.asarray(numbers)
    images = np.empty((len(classes), size, size, 3), np.uint8)
    masks = np.empty((len(classes), size, size), np.bool_)
    for start in range(0, len(classes), TOGETHER):
        part = slice(start, start + TOGETHER)
        images[part], masks[part] = _drawn(classes[part], numbers[part], seed, size)
    return images, masks


def appearance(classes: Keys, numbers: Keys, seed: int = 0) -> Numbers:
    """Return the parameters of each lesion, by the names of `TYPICAL`, [N, 1, 1]: near the middle more often."""
    chances = uniforms(2 * len(TYPICAL), 0, seed, classes, numbers)
    middle = np.array(list(TYPICAL.values()))[:, classes].T
    drawn = np.maximum(middle + SPREAD * (chances[:, ::2] + chances[:, 1::2] - 1), 0)
    return {name: drawn[:, place, None, None].astype(np.float32) for place, name in enumerate(TYPICAL)}


def conditions(classes: Keys, numbers: Keys, seed: int = 0) -> Numbers:
    """Return what tells nothing of the class, by the names of `NUISANCE`, [N, 1, 1]."""
    return between(NUISANCE, uniforms(len(NUISANCE), 1, seed, classes, numbers))


def _drawn(classes: Keys, numbers: Keys, seed: int, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    lesion, shown = appearance(classes, numbers, seed), conditions(classes, numbers, seed)
    keys = seed, classes, numbers
    noise = {
        name: _smooth(uniforms(side * side, 2 + place, *keys), size) for place, (name, side) in enumerate(GRIDS.items())
    }
    across = ((np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1)[None, None, :]
    down = across.swapaxes(1, 2)
    along, aside = _turned(across - shown["across"], down - shown["down"], shown["angle"])
    radius = np.hypot(along / shown["elongation"], aside * shown["elongation"])
    inwards = 1 - radius / lesion["radius"] + 1.4 * lesion["ragged"] * noise["border"]

    skin = _mixed(_colour(PALE_SKIN), _colour(DARK_SKIN), shown["skin_dark"])
    skin = skin * _mixed(_colour((1, 1, 1)), _colour((1.04, 0.92, 0.88)), shown["skin_red"])
    colours = np.broadcast_to(skin, (len(classes), 3, size, size)).copy()
    _paint_lesion(colours, skin, lesion, noise, inwards=inwards, along=along, aside=aside)
    _paint_hairs(colours, shown, uniforms(4 * HAIRS, 20, *keys), across, down)
    _light_up(colours, shown, across, down)
    colours += shown["noise"][:, None] * (2 * uniforms(3 * size * size, 21, *keys) - 1).reshape(colours.shape)
    images = (np.clip(colours, 0, 1, out=colours) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return images.transpose(0, 2, 3, 1), inwards > 0


def _paint_lesion(
    colours: Floats, skin: Floats, lesion: Numbers, noise: Numbers, *, inwards: Floats, along: Floats, aside: Floats
) -> None:
    """Paint from the ground up: colour, dark patches, network, globules, pale centre, ulcer, scale, shine.

    `inwards` is 1 in the middle, 0 on the border and negative outside; `along` and `aside` are the places of pixels
    from the middle of the lesion, in halves of the image.
    """
    within = np.clip(inwards / (0.04 + lesion["blurred"]) + 0.5, 0, 1)
    flat = _mixed(skin, skin * _colour(RED), np.minimum(lesion["red"], 1))
    flat = _mixed(flat, _colour(BROWN), np.minimum(lesion["brown"], 0.9))
    _paint(colours, within, flat)
    _paint(colours, within * np.clip(lesion["patchy"] * (2.5 * noise["patches"] + 0.2), 0, 0.9), flat * 0.4)
    lattice = np.sin(24 * along + 4 * noise["bend"]) * np.sin(24 * aside + 4 * noise["border"])
    _paint(colours, within * np.clip(lesion["network"] * (1 - 3 * np.abs(lattice)), 0, 0.8), flat * 0.4)
    dots = np.clip(4 * noise["dots"] - 0.6, 0, 1)
    _paint(colours, within * dots * np.minimum(lesion["globules"], 0.9), flat * 0.45)
    centre = np.clip(2.5 * inwards - 0.8, 0, 1)
    _paint(colours, within * centre * np.minimum(lesion["pale_centre"], 0.9), skin * 0.95)
    crater = np.clip(3 * (lesion["ulcer"] + inwards + noise["crater"]) - 3.6, 0, 0.9)
    _paint(colours, within * crater, _colour(CRATER))
    flakes = np.clip(3 * noise["flakes"] + 1.5 * lesion["scale"] - 1, 0, 1)
    _paint(colours, within * flakes * np.minimum(1.3 * lesion["scale"], 0.9), _colour(CRUST))
    gleam = np.exp(-((along - 0.1) ** 2 + (aside + 0.08) ** 2) / (0.06 * lesion["radius"]))
    _paint(colours, within * gleam * np.minimum(0.8 * lesion["shine"], 0.8), _colour((1, 1, 1)))


def _paint_hairs(colours: Floats, shown: Numbers, chances: Floats, across: Floats, down: Floats) -> None:
    """Paint up to five dark curves of the width of a pixel."""
    colour = _mixed(_colour((0.45, 0.32, 0.18)), _colour((0.08, 0.06, 0.05)), shown["hair_dark"])
    pixel = across.shape[2] / 2
    for hair, drawn in enumerate(chances.astype(np.float32).reshape(-1, HAIRS, 4, 1, 1).swapaxes(0, 1)):
        place, angle, bend, reach = drawn.swapaxes(0, 1)
        along, aside = _turned(across, down, angle * np.float32(np.pi))
        curve = aside - 1.4 * (place - 0.5) - 0.5 * (bend - 0.5) * along**2
        seen = covered(np.minimum(0.4 - np.abs(curve) * pixel, (0.4 + reach - np.abs(along)) * pixel))
        _paint(colours, seen * (shown["hairs"] > hair).astype(np.float32) * 0.8, colour)


def _light_up(colours: Floats, shown: Numbers, across: Floats, down: Floats) -> None:
    warm = shown["warmth"][:, None] * np.array([1, 0, -1], np.float32)[:, None, None]
    light = shown["brightness"] + shown["light_across"] * across + shown["light_down"] * down
    colours *= light[:, None] * (1 + warm)


def _turned(across: Floats, down: Floats, angle: Floats) -> tuple[Floats, Floats]:
    return across * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - across * np.sin(angle)


def _smooth(chances: Floats, size: int) -> Floats:
    """Return noise, [N, size, size], from -0.5 to 0.5, between the points of a grid, given as [N, points]."""
    side = int(np.sqrt(chances.shape[1]))
    grid = (chances - 0.5).astype(np.float32).reshape(-1, side, side)
    places = np.linspace(0, side - 1, size, dtype=np.float32)
    weights = np.maximum(1 - np.abs(places[:, None] - np.arange(side, dtype=np.float32)), 0)
    noise: Floats = weights @ grid @ weights.T
    return noise


def _colour(red_green_blue: tuple[float, float, float]) -> Floats:
    return np.array(red_green_blue, np.float32)[:, None, None]


def _mixed(one: Floats, other: Floats, share: Floats) -> Floats:
    """Return colours, [N, 3, 1, 1], that have a share, [N, 1, 1], of the other."""
    return one + share[:, None] * (other - one)


def _paint(colours: Floats, part: Floats, colour: Floats) -> None:
    """Cover `part` of each pixel, [N, S, S], of images [N, 3, S, S] with a colour, [N, 3, 1, 1]."""
    colours += part[:, None] * (colour - colours)
