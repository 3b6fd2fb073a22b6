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

from shared.data.alignment import SIDE
from shared.data.parametric import covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from shared.data.parametric import Floats, Numbers

    Complex = NDArray[np.complexfloating[Any]]

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

    def column(self, across: Floats, out: Floats | float) -> Floats:
        """Return where the camera sees a point with X = `across` and Z = `out`, from left to right, [N, 1, 1]."""
        return MIDDLE + across * self.cosine + out * self.sine


@dataclass
class Patch:
    """A rectangle of each image: its colours, [N, 3, h, w], from 0 to 1, and what its pixels show, each [N, h, w].

    `column` and `down` are where the camera looks, before the crop was turned; `across` is X of the point that is met
    there; `facing` tells how far in front that lies, from 1 at the face to -1 at the back of the head; `front` is Z of
    the surface at X = 0; `inside` is the part of the pixel that the head covers.
    """

    colours: Floats
    column: Floats
    down: Floats
    across: Floats
    facing: Floats
    front: Floats
    inside: Floats

    def rows(self, first: int) -> Patch:
        """Return the part of the patch from row `first` on; what is painted on it is painted on the patch."""
        return Patch(*(getattr(self, field.name)[..., first:, :] for field in fields(self)))

    def paint(self, part: Floats, colour: Floats) -> None:
        """Cover `part` of each pixel, [N, h, w], with a colour, [N, 3, 1, 1] or one for each pixel."""
        for channel in range(3):
            layer = colour[..., channel, :, :] - self.colours[:, channel]
            layer *= part
            self.colours[:, channel] += layer


class Picture:
    """Heads before backdrops, `colours` [N, 3, 112, 112], in crops that `turn` and `shift`, [N, 1], align.

    `whole` is the patch of all pixels. What is painted has its own colour until `light_up` is called.
    """

    def __init__(self, head: Head, turn: Complex, shift: Complex, colours: Floats) -> None:
        self.head, self.turn, self.shift = head, turn, shift
        self._shown = np.empty((len(turn), 6, SIDE, SIDE), np.float32)
        self.whole = Patch(colours, *self._shown.swapaxes(0, 1))
        column, down, across, facing, front, inside = self._shown.swapaxes(0, 1)
        _see(column, down, turn, shift)
        images = np.arange(len(turn))[:, None, None]
        self._place = ((down - HIGHEST) * FINENESS).astype(np.int32) + images * head.half.shape[2]
        half, middle = (table.take(self._place, mode="clip") for table in (head.half, head.middle))
        np.add(middle, head.depth * half, out=front)

        # A ray meets an ellipse where one at the same distance from the axis, scaled by `reach`, meets a circle.
        reach = np.hypot(head.cosine, head.depth * head.sine)
        cosine, sine = head.cosine / reach, head.depth * head.sine / reach
        beside = column - MIDDLE
        beside -= middle * head.sine
        beside /= reach
        before = half * half
        before -= beside * beside
        np.sqrt(np.maximum(before, 0, out=before), out=before)
        np.subtract(beside * cosine, before * sine, out=across)
        np.add(beside * sine, before * cosine, out=facing)
        self._half = np.maximum(half, 1)
        facing /= self._half
        inside[:] = covered((half - np.abs(beside)) * reach) * (half > 0)

    @contextmanager
    def window(self, column: Floats, down: Floats, height: int, width: int) -> Iterator[Patch]:
        """Yield the `height` x `width` pixels around points that the camera sees, [N, 1, 1], to be painted on."""
        centre = self.turn * (column + 1j * down)[:, 0] + self.shift
        top = np.clip(np.rint(centre.imag - height / 2).astype(np.intp), 0, SIDE - height)
        left = np.clip(np.rint(centre.real - width / 2).astype(np.intp), 0, SIDE - width)
        images = np.arange(len(top))
        shown, colours = (
            sliding_window_view(array, (height, width), (2, 3), writeable=True)
            for array in (self._shown, self.whole.colours)
        )
        place = images, slice(None), top[:, 0], left[:, 0]
        patch = Patch(colours[place], *shown[place].swapaxes(0, 1))
        yield patch
        colours[place] = patch.colours

    def light_up(self, shown: Numbers) -> None:
        """Shine on the heads by Lambert's law.

        Of the light a part `ambient` comes from everywhere; the rest from the camera, moved to the side by `light_x`
        and down by `light_y`.
        """
        head, patch = self.head, self.whole
        side = shown["light_x"] * head.cosine - head.sine
        front = shown["light_x"] * head.sine + head.cosine
        light = patch.across / self._half
        light *= side
        light += patch.facing * front
        light += head.slope.take(self._place, mode="clip") * shown["light_y"]
        np.maximum(light, 0, out=light)
        light *= np.float32(1.1) * (1 - shown["ambient"])
        light += shown["ambient"] - 1
        light *= patch.inside
        light += 1
        patch.colours *= light[:, None]


def _see(column: Floats, down: Floats, turn: Complex, shift: Complex) -> None:
    """Fill in which column and height each pixel shows, [N, 112, 112], before the crop was turned."""
    back = (1 / turn)[:, :, None]
    start = -shift[:, :, None] * back
    step, first = (number.real.astype(np.float32) for number in (back, start))
    lean, top = (number.imag.astype(np.float32) for number in (back, start))
    right, below = np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32)[:, None]
    np.subtract(step * right + first, lean * below, out=column)
    np.add(lean * right + top, step * below, out=down)
