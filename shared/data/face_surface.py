"""The surface of a head as the camera sees it, and the painting of it: the geometry of `shared.data.rendered_faces`.

A head is a stack of horizontal ellipses on an upright axis. Each pixel's ray meets it at one point, and what is painted
there is a function of that point; so features move by their depth, are foreshortened and are hidden as the head turns.

Lengths are pixels of an upright frontal crop. The head's own axes are X, to the right of the image, from the middle
of the face; Y, downwards from the crop's upper edge; Z, towards the camera, from the axis. A positive yaw turns the
face to the right of the image.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from shared.data.parametric import covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from shared.data.parametric import Floats, Numbers

    Complex = NDArray[np.complexfloating[Any]]

SIDE = 112
MIDDLE = 56.0
HIGHEST, LOWEST, FINENESS = -80, 240, 4
CHIN_FORWARD = 0.8


class Head:
    """The shape of each head at heights Y from `HIGHEST` to `LOWEST`, [N, 1, L], and its yaw in radians, [N, 1, 1].

    At each height it is an ellipse: `half` is its half-width, `depth` times that its extent to the front and back, and
    `middle` the Z of its centre. `slope` is the downward part of the normal.
    """

    def __init__(self, person: Numbers, yaw: Floats) -> None:
        self.sine, self.cosine, self.depth = np.sin(yaw), np.cos(yaw), person["depth"]
        heights = np.arange(HIGHEST, LOWEST, 1 / FINENESS, dtype=np.float32)
        above = np.clip((person["widest"] - heights) / (person["widest"] - person["crown"]), 0, 1)
        below = np.clip((heights - person["widest"]) / (person["chin"] - person["widest"]), 0, 1)
        self.half = person["width"] * np.sqrt(1 - above**2) * (1 - below ** person["jaw"]) ** np.float32(0.6)
        self.middle = np.where(below > 0, CHIN_FORWARD * self.depth * (person["width"] - self.half), np.float32(0))
        self.slope = below**2 - above**2

    def front(self, across: Floats, height: Floats) -> Floats:
        """Return Z of the surface in front at X = `across` and Y = `height`, [N, 1, 1]."""
        place = ((height - HIGHEST) * FINENESS).astype(np.intp)
        half, middle = (np.take_along_axis(table, place, 2) for table in (self.half, self.middle))
        return middle + self.depth * np.sqrt(np.maximum(half**2 - across**2, 0))

    def column(self, across: Floats, out: Floats) -> Floats:
        """Return where the camera sees a point with X = `across` and Z = `out`, from left to right, [N, 1, 1]."""
        return MIDDLE + across * self.cosine + out * self.sine


@dataclass
class Patch:
    """A rectangle of each image: its colours, [N, 3, h, w], from 0 to 1, and what its pixels show, each [N, h, w].

    `column` and `down` are where the camera looks, before the crop was turned; `across` is X of the point that is met
    there, `facing` tells how far in front it lies, from 1 at the face to -1 at the back of the head, `front` is Z of
    the surface at X = 0, `inside` which part of the pixel the head covers, and `light` how brightly it is lit.
    """

    colours: Floats
    column: Floats
    down: Floats
    across: Floats
    facing: Floats
    front: Floats
    inside: Floats
    light: Floats

    def paint(self, part: Floats, colour: Floats, *, lit: bool = True) -> None:
        """Cover `part` of each pixel, [N, h, w], with a colour, [N, 3, 1, 1], which the light falls on if it is `lit`."""
        layer = colour * self.light[:, None] if lit else colour
        self.colours += part[:, None] * (layer - self.colours)


class Picture:
    """Heads before backdrops, [N, 3, 112, 112], in crops that `turn` and `shift`, [N, 1], bring to the template.

    The light, [N, 1, 1], falls with the strength `ambient` from everywhere, and for the rest from the side `light_x`
    (-1 to 1) and from below `light_y`.
    """

    def __init__(self, head: Head, turn: Complex, shift: Complex, colours: Floats, shown: Numbers) -> None:
        self.head, self.turn, self.shift = head, turn, shift
        pixels = np.arange(SIDE) + 1j * np.arange(SIDE)[:, None]
        seen = ((pixels - shift[:, :, None]) / turn[:, :, None]).astype(np.complex64)
        column, down = np.ascontiguousarray(seen.real), np.ascontiguousarray(seen.imag)
        place = ((down - HIGHEST) * FINENESS).astype(np.intp) + np.arange(len(turn))[:, None, None] * head.half.shape[2]
        half, middle, slope = (table.take(place) for table in (head.half, head.middle, head.slope))

        # A ray meets the ellipse, made a circle by shrinking its depth, where it meets one that is turned by `bearing`.
        reach = np.hypot(head.cosine, head.depth * head.sine)
        cosine, sine = head.cosine / reach, head.depth * head.sine / reach
        beside = (column - MIDDLE - middle * head.sine) / reach
        before = np.sqrt(np.maximum(half**2 - beside**2, 0))
        across, out = beside * cosine - before * sine, beside * sine + before * cosine
        inside = covered((half - np.abs(beside)) * reach)
        size = np.maximum(half, 1)
        facing = out / size
        light = _diffuse(head, shown, across / size, facing, slope)
        self.whole = Patch(colours, column, down, across, facing, middle + head.depth * half, inside, light)

    @contextmanager
    def window(self, column: Floats, down: Floats, height: int, width: int) -> Iterator[Patch]:
        """Yield the `height` x `width` pixels around points that the camera sees, [N, 1, 1], to be painted on."""
        centre = self.turn * (column + 1j * down)[:, 0] + self.shift
        top = np.clip(np.rint(centre.imag - height / 2).astype(np.intp), 0, SIDE - height)
        left = np.clip(np.rint(centre.real - width / 2).astype(np.intp), 0, SIDE - width)
        images = np.arange(len(top))[:, None]
        views = {
            field.name: sliding_window_view(getattr(self.whole, field.name), (height, width), (-2, -1), writeable=True)
            for field in fields(Patch)
        }
        colours = views.pop("colours")
        patch = Patch(colours[images, np.arange(3), top, left], **{n: v[images, top, left][:, 0] for n, v in views.items()})
        yield patch
        colours[images, np.arange(3), top, left] = patch.colours


def _diffuse(head: Head, shown: Numbers, across: Floats, facing: Floats, slope: Floats) -> Floats:
    """Return the light on a surface with these parts of its normal, by Lambert's law, about 1 in front of the camera."""
    side, down = shown["light_x"], shown["light_y"]
    right = side * head.cosine - head.sine
    front = side * head.sine + head.cosine
    toward = np.maximum(right * across + front * facing + down * slope, 0)
    return shown["ambient"] + (1 - shown["ambient"]) * np.float32(1.1) * toward
