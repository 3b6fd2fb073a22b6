"""What is painted on a head and around it, from back to front, for `shared.data.rendered.faces`.

Each function paints one feature of several people at once; sizes are in pixels, shapes are functions of the point of
the surface that a pixel shows. Only what stands out of it, the nose, ears and hair, is placed as the camera sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.data.formats.alignment import SIDE
from shared.data.rendered.face_surface import MIDDLE
from shared.data.rendered.parametric import covered, length, limited

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.data.rendered.face_surface import Head, Patch, Picture, Places
    from shared.data.rendered.parametric import Floats, Numbers

LIGHT_SKIN, DARK_SKIN = (0.95, 0.80, 0.70), (0.38, 0.24, 0.17)
LIGHT_HAIR, DARK_HAIR = (0.82, 0.68, 0.44), (0.07, 0.05, 0.05)
BROWN_EYE, BLUE_EYE = (0.36, 0.22, 0.10), (0.40, 0.56, 0.70)
WHITE, BLACK, GREY = (0.92, 0.91, 0.89), (0.06, 0.05, 0.05), (0.45, 0.45, 0.48)
BALD, LONG, BEARDED, EVER, ALWAYS = 0.06, 0.4, 0.7, 0.6, 0.85
SIDES = (-1, 1)
NAPE = 96
LOWER, CHEEKS, NECK = 52, 38, 70
"""The rows of a crop above which, at any yaw, there is no beard, no red of the cheeks and no neck."""


def paint_features(picture: Picture, person: Numbers, shown: Numbers) -> None:
    """Paint all of a face, over the background that the picture has."""
    _paint_hair_behind(picture, person)
    _paint_skin(picture, person)
    _paint_ears(picture, person)
    _paint_beard(picture, person)
    _paint_eyes(picture, person, shown)
    _paint_mouth(picture, person, shown)
    _paint_moles(picture, person)
    _paint_nose(picture, person)
    _paint_hair(picture, person)
    _paint_glasses(picture, person, shown)


def smiling(person: Numbers, shown: Numbers) -> tuple[Floats, Floats]:
    """Return half the width of the mouth, and how far its corners are raised, [N, 1, 1]."""
    return person["mouth_width"] * (1 + 0.03 * shown["smile"]), shown["smile"]


def _colour(red_green_blue: tuple[float, float, float]) -> Floats:
    return np.array(red_green_blue, np.float32)[:, None, None]


def _mixed(one: Floats, other: Floats, share: Floats) -> Floats:
    """Return colours, [N, 3, 1, 1], that have a share, [N, 1, 1], of the other."""
    return one + share[:, None] * (other - one)


def _skin(person: Numbers) -> Floats:
    skin = _mixed(_colour(LIGHT_SKIN), _colour(DARK_SKIN), person["skin_dark"])
    return skin * _mixed(_colour((1, 1, 1)), _colour((1.05, 0.92, 0.86)), person["skin_red"])


def _hair(person: Numbers) -> Floats:
    light = np.sqrt(1 - person["hair_dark"]) * (1 - 0.8 * person["skin_dark"])
    hair = _mixed(_colour(DARK_HAIR), _colour(LIGHT_HAIR), light)
    return hair * _mixed(_colour((1, 1, 1)), _colour((1.25, 0.85, 0.65)), person["hair_red"])


def _hair_end(person: Numbers) -> Floats:
    """Return the height at which the hair beside the face ends, [N, 1, 1]."""
    beyond: Floats = np.maximum(person["hair_length"] - LONG, 0)
    return 56 + 140 * beyond


def _where(condition: NDArray[np.bool_]) -> Floats:
    return condition.astype(np.float32)


def _those(condition: NDArray[np.bool_]) -> Places:
    """Return the places of the images for which a condition, [N, 1, 1], holds."""
    return np.flatnonzero(condition)


def _of(numbers: Numbers, which: Places) -> Numbers:
    """Return the numbers of some of the images."""
    return {name: values[which] for name, values in numbers.items()}


def _front(patch: Patch) -> Floats:
    """Return 1 where the surface lies in front, 0 behind and beside the head."""
    front = limited(patch.facing * 6)
    front *= patch.inside
    return front


def _paint_hair_behind(picture: Picture, person: Numbers) -> None:
    patch, sine, volume = picture.whole, picture.head.sine, person["hair_volume"]
    half = person["width"] * np.hypot(picture.head.cosine, picture.head.depth * sine) + volume
    edge = limited((person["widest"] - patch.down) / (person["widest"] - person["crown"] + volume))
    edge *= edge
    np.sqrt(np.subtract(1, edge, out=edge), out=edge)
    edge *= half
    aside = patch.column + (5 * sine - MIDDLE)
    edge -= np.abs(aside, out=aside)
    below = np.subtract(_hair_end(person), patch.down, out=aside)
    grown = _where(person["hair_length"] > BALD)
    shape = covered(np.minimum(edge, below, out=edge))
    shape *= grown
    patch.paint(shape, _hair(person) * 0.75)
    patch = patch.rows(NECK)
    neck = np.minimum(0.66 * person["width"] - np.abs(patch.column + (6 * sine - MIDDLE)), patch.down - 84)
    patch.paint(covered(neck), _skin(person) * 0.6)


def _paint_skin(picture: Picture, person: Numbers) -> None:
    patch = picture.whole
    patch.paint(patch.inside, _skin(person))
    patch = patch.rows(CHEEKS)
    cheeks = np.abs(patch.across)
    cheeks -= 21
    cheeks *= cheeks
    cheeks += (patch.down - 77) ** 2
    cheeks *= -1 / 130
    np.exp(cheeks, out=cheeks)
    cheeks *= _front(patch)
    cheeks *= person["cheek_red"] * 3
    patch.paint(cheeks, _colour((0.85, 0.35, 0.32)))


def _paint_ears(picture: Picture, person: Numbers) -> None:
    head = picture.head
    for side in SIDES:
        turned = -side * head.sine
        centre = head.column(side * person["width"], -6) + side * (person["ear"] * head.cosine - 1)
        which = _those(turned > -0.2)
        with picture.window(centre, 0 * centre + 62, 32, 26, which) as patch:
            turned, centre, skin = turned[which], centre[which], _skin(person)[which]
            across = (patch.column - centre) / (4 + 6 * np.maximum(turned, 0))
            radius = length(across, (patch.down - 62 - side * across) / 13)
            shape = covered((1 - radius) * 6) * np.clip(1 + 5 * turned, 0, 1)
            patch.paint(shape, skin * 0.85)
            patch.paint(shape * covered((0.55 - radius) * 6) * 0.4, skin * 0.4)


def _paint_beard(picture: Picture, person: Numbers) -> None:
    which = _those(person["beard"] > BEARDED)
    middle = 0 * person["beard"] + MIDDLE
    with picture.window(middle, middle + SIDE, SIDE - LOWER, SIDE, which) as patch:
        person = _of(person, which)
        beyond = length(patch.across / (person["mouth_width"] + 2), (patch.down - person["mouth_height"] - 1) / 7) - 1
        cheek = patch.down - person["beard_edge"] + 0.25 * np.abs(patch.across) - 4
        shape = covered(np.minimum(beyond * 6, cheek) / 2) * patch.inside * np.clip(patch.facing * 4, 0, 1)
        strength = np.clip((person["beard"] - BEARDED) * 5, 0, 0.85)
        patch.paint(shape * strength, _hair(person) * 0.9)


def _paint_eyes(picture: Picture, person: Numbers, shown: Numbers) -> None:
    head, apart, height = picture.head, person["eye_apart"], person["eye_height"]
    iris_colour = _mixed(_colour(BROWN_EYE), _colour(BLUE_EYE), np.round(person["iris_blue"]))
    iris_colour = iris_colour * (1 - 0.6 * person["iris_dark"])[:, None]
    for side in SIDES:
        centre = head.column(side * apart, head.front(apart, height))
        with picture.window(centre, height - 5, 36, 42) as patch:
            # Each stays within these rows at any scale and turn of the crop.
            _paint_socket(patch.rows(8), person, side)
            _paint_eye(patch.rows(8, 34), person, shown, side, iris_colour)
            _paint_brow(patch.rows(0, 26), person, shown, side)


def _seen(patch: Patch, person: Numbers, side: int) -> tuple[Floats, Floats]:
    """Return how far from the middle of the eye a pixel is, outward in lengths of the eye, and down along its tilt."""
    outward = patch.across * (side / person["eye_length"])
    outward -= person["eye_apart"] / person["eye_length"]
    down = outward * (person["eye_tilt"] * person["eye_length"])
    down += patch.down
    down -= person["eye_height"]
    return outward, down


def _paint_socket(patch: Patch, person: Numbers, side: int) -> None:
    outward, down = _seen(patch, person, side)
    down *= 1 / (1.3 * person["eye_length"])
    down *= down
    outward *= outward
    outward *= 1 / 3
    outward += down
    socket = limited(np.subtract(1, outward, out=outward))
    socket *= _front(patch)
    socket *= 0.35
    patch.paint(socket, _skin(person) * 0.62)


def _paint_eye(patch: Patch, person: Numbers, shown: Numbers, side: int, iris_colour: Floats) -> None:
    long, front = person["eye_length"], _front(patch)
    outward, down = _seen(patch, person, side)
    opening = person["eye_opening"] * shown["eye_open"] * long
    bulge = opening * (1 - outward * outward)
    upper, lower = down + bulge, 0.7 * bulge - down
    eye = covered(np.minimum(upper, lower)) * front
    patch.paint(eye, _colour(WHITE))
    aside = (outward * side - shown["gaze"]) * long
    radius = person["iris"] * long
    distance = length(aside, down + 0.15 * opening)
    patch.paint(covered(radius - distance) * eye, iris_colour)
    patch.paint(covered(0.45 * radius - distance) * eye, _colour(BLACK))
    glint = length(aside + 0.4 * radius, down + 0.6 * radius)
    patch.paint(covered(0.8 - glint) * eye, _colour(WHITE))
    beside = np.abs(outward, out=outward)
    lash = np.minimum(0.8 - np.abs(upper), (1.08 - beside) * long)
    patch.paint(covered(lash) * front * 0.85, _colour(BLACK))
    fold = np.minimum(0.2 - np.abs(upper + 2.2), (0.95 - beside) * long)
    patch.paint(covered(fold) * front * 0.6, _skin(person) * 0.5)


def _paint_brow(patch: Patch, person: Numbers, shown: Numbers, side: int) -> None:
    along = (side * patch.across - person["eye_apart"]) / person["brow_length"]
    rise = person["brow_above"] + shown["brow_raise"] + person["brow_arch"] * (1 - along * along)
    lift = patch.down - person["eye_height"] + rise - 2 + person["brow_slope"] * along * person["brow_length"]
    thick = person["brow_thickness"] * (1.1 - 0.5 * along)
    brow = np.minimum(thick - np.abs(lift), (1 - np.abs(along)) * person["brow_length"])
    patch.paint(covered(brow) * _front(patch) * 0.85, _hair(person) * 0.8)


def _paint_mouth(picture: Picture, person: Numbers, shown: Numbers) -> None:
    width, rise = smiling(person, shown)
    height, skin = person["mouth_height"], _skin(person)
    lips = _mixed(skin * _colour((0.86, 0.62, 0.60)), skin * _colour((0.92, 0.42, 0.45)), person["lip_red"])
    centre = picture.head.column(0 * width, picture.head.front(0 * width, height))
    with picture.window(centre, height, 30, 50) as patch:
        along = patch.across / width
        front = _front(patch) * covered((1 - np.abs(along)) * width)
        bulge = np.maximum(1 - along**2, 0)
        down = patch.down - height + rise * along**2
        gap = np.maximum(shown["mouth_open"], 0) / 2 * bulge
        bow = 1 - 0.4 * np.exp(-(along**2) * 30)
        above, below = down + gap, down - gap
        shadow = np.clip(1 - along**2 - ((below - person["lip_lower"] - 3) / 3) ** 2, 0, 1)
        patch.paint(shadow * front * 0.3, skin * 0.6)
        patch.paint(covered(np.minimum(above + person["lip_upper"] * bow * bulge, -above)) * front, lips * 0.88)
        patch.paint(covered(np.minimum(person["lip_lower"] * bulge - below, below)) * front, lips)
        inner = np.minimum(above, -below)
        patch.paint(covered(inner + 0.1) * front, _colour((0.25, 0.06, 0.06)))
        patch.paint(covered(np.minimum(inner, 3 - above)) * front, _colour(WHITE))
        line = np.minimum(0.3 - np.abs(np.where(gap > 0.5, above, down)), (1 - np.abs(along)) * width)
        patch.paint(covered(line) * front * 0.8, skin * 0.3)


def _paint_moles(picture: Picture, person: Numbers) -> None:
    for mole in ("mole", "second_mole"):
        across, down, size = (person[f"{mole}_{part}"] for part in ("x", "y", "size"))
        which = _those(size > 0)
        centre = picture.head.column(across, picture.head.front(across, down))
        with picture.window(centre, down, 10, 14, which) as patch:
            distance = length(patch.across - across[which], patch.down - down[which])
            patch.paint(covered(size[which] - distance) * _front(patch), _skin(person)[which] * 0.35)


def _paint_nose(picture: Picture, person: Numbers) -> None:
    """Paint a wedge: a left and a right face that meet in a ridge, which stands out more and more towards the tip."""
    head, tip, skin = picture.head, person["nose_height"], _skin(person)
    bridge = person["eye_height"] - 4
    middle = head.column(0 * tip, head.front(0 * tip, tip) + person["nose_length"] / 2)
    with picture.window(middle, (bridge + tip) / 2 + 2, 42, 40) as patch:
        along = np.clip((patch.down - bridge) / (tip - bridge), 0, 1)
        under = np.clip((tip + 5 - patch.down) / 5, 0, 1)
        rounded = np.sqrt(under)
        half = person["nose_width"] * (person["nose_bridge"] + (1 - person["nose_bridge"]) * along**2) * rounded
        ridge = head.column(0 * tip, patch.front + person["nose_length"] * along * under)
        left, right = (head.column(side * half, patch.front) for side in SIDES)
        first, last = np.minimum(left, ridge), np.maximum(right, ridge)
        shape = np.clip(np.minimum(patch.column - first, last - patch.column) / 2.5, 0, 1)
        shape *= _where(under > 0) * np.clip((patch.down - bridge) / 8, 0, 1)
        side = np.clip((patch.column - ridge) / (2 + 3 * along), -1, 1)
        solid = shape * np.maximum(along * 0.85, 1 - patch.inside)
        patch.shade(solid, skin, 0.94 - 0.1 * side)
        shine = ((patch.column - ridge + 0.5) / 2.2) ** 2
        shine += ((patch.down - tip + 2) / 7) ** 2
        shine = np.exp(np.negative(shine, out=shine), out=shine)
        patch.paint(shine * shape * 0.3, _colour(WHITE))
        _paint_nostrils(patch.rows(20), head, person)


def _paint_nostrils(patch: Patch, head: Head, person: Numbers) -> None:
    skin, width, down = _skin(person), person["nose_width"], patch.down - person["nose_height"]
    beside = patch.column - MIDDLE - patch.front * head.sine
    for end in SIDES:
        visible = np.clip(1 - 4 * end * head.sine, 0, 1)
        wing = end * 0.85 * width * head.cosine + 2 * head.sine
        crease = np.subtract(1.4, length((beside - wing) / 1.6, (down + 1) / 4.5))
        patch.paint(limited(crease) * (visible * 0.3), skin * 0.5)
        nostril = end * 0.45 * width * head.cosine + person["nose_length"] / 2 * head.sine
        hole = length((beside - nostril) / (2.4 * head.cosine + 0.6), (down - 3) / 1.4)
        patch.paint(covered((1 - hole) * 1.5) * (visible * 0.75), skin * 0.2)


def _paint_hair(picture: Picture, person: Numbers) -> None:
    patch = picture.whole
    end = _hair_end(person)
    highest = person["hair_line"] - 60 * _where(person["hair_length"] < BALD)
    line = patch.facing * -person["hair_curve"]
    line += highest + person["hair_curve"]
    line += person["hair_parting"] * patch.across
    np.minimum(line, NAPE, out=line)
    line -= patch.down
    beside = patch.facing * -30
    beside -= 3
    np.minimum(beside, end - patch.down, out=beside)
    beside -= 99 * _where(end < 60)
    np.maximum(line, beside, out=line)
    line *= 0.7
    shape = covered(line)
    shape *= patch.inside
    strands = np.add(patch.facing, 1, out=beside)
    strands *= patch.across
    strands *= 0.7
    strands += patch.down * person["hair_parting"]
    np.sin(strands, out=strands)
    strands *= 0.16
    strands += 1
    patch.shade(shape, _hair(person), strands)


def _paint_glasses(picture: Picture, person: Numbers, shown: Numbers) -> None:
    which = _those((person["glasses"] - EVER) / (ALWAYS - EVER) > shown["glasses_worn"])
    with picture.window(0 * person["eye_height"] + MIDDLE, person["eye_height"] + 2, 36, SIDE, which) as patch:
        person = _of(person, which)
        apart, tall, power = person["eye_apart"], person["glasses_height"], person["glasses_round"]
        wide = np.minimum(person["glasses_width"], apart - 2)
        outward, down = np.abs(patch.across) - apart, patch.down - person["eye_height"] - 2
        radius = np.abs(outward / wide) ** power + np.abs(down / tall) ** power
        radius = (radius ** (1 / power) - 1) * tall
        bars = np.minimum(0.9 - np.abs(down + 4), np.abs(outward) - wide)
        rim = np.maximum(0.9 - np.abs(radius), bars)
        front = _front(patch)
        patch.paint(covered(-radius) * front * 0.12, _colour(GREY))
        patch.paint(covered(rim) * front, _colour((1, 1, 1)) * person["glasses_dark"][:, None])
