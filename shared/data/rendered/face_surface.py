"""The surface of a head as the camera sees it, and the painting of it: the geometry of `shared.data.rendered.faces`.

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

from shared.data.formats.alignment import SIDE
from shared.data.rendered.parametric import covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from shared.data.rendered.parametric import Floats, Numbers

    Complex = NDArray[np.complexfloating[Any]]
    Places = NDArray[np.intp]

MIDDLE = 56.0
HIGHEST, LOWEST, FINENESS = -80, 240, 4
CHIN_FORWARD = 0.8
PLANES = 9
"""The fields of numbers that a `Picture` lies in: three colours, and what `Patch` tells of each pixel."""


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
        place += np.arange(len(place))[:, None, None] * self.half.shape[2]
        half, middle = (table.take(place) for table in (self.half, self.middle))
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

    def rows(self, first: int, last: int | None = None) -> Patch:
        """Return the rows from `first` to before `last`; what is painted on them is painted on the patch."""
        return Patch(*(getattr(self, field.name)[..., first:last, :] for field in fields(self)))

    def paint(self, part: Floats, colour: Floats) -> None:
        """Cover `part` of each pixel, [N, h, w], with a colour, [N, 3, 1, 1]."""
        for channel in range(3):
            layer = colour[..., channel, :, :] - self.colours[:, channel]
            layer *= part
            self.colours[:, channel] += layer

    def shade(self, part: Floats, colour: Floats, brightness: Floats) -> None:
        """Cover `part` of each pixel with a colour times its `brightness`, [N, h, w], which is overwritten."""
        brightness *= part
        kept = 1 - part
        for channel in range(3):
            layer = self.colours[:, channel]
            layer *= kept
            layer += colour[..., channel, :, :] * brightness


class Picture:
    """Heads before backdrops in crops that `turn` and `shift`, [N, 1], align.

    It lies in `planes`, float32 [N, 9, 112, 112], the first three of which hold the backdrops. `whole` is the patch of
    all pixels. What is painted has its own colour until `light_up` is called.
    """

    def __init__(self, head: Head, turn: Complex, shift: Complex, planes: Floats) -> None:
        self.head, self.turn, self.shift = head, turn, shift
        self._planes, self._images = planes, np.arange(len(turn))
        self.whole = _patch(planes)
        column, down, across, facing, front, inside = planes.swapaxes(0, 1)[3:]
        _see(column, down, turn, shift)
        self._place = ((down - HIGHEST) * FINENESS).astype(np.intp)
        self._place += self._images[:, None, None] * head.half.shape[2]
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
        np.abs(beside, out=beside)
        np.subtract(half, beside, out=beside)
        beside *= reach
        np.multiply(covered(beside), half > 0, out=inside)

    @contextmanager
    def window(
        self, column: Floats, down: Floats, height: int, width: int, which: Places | None = None
    ) -> Iterator[Patch]:
        """Yield the `height` x `width` pixels around points that the camera sees, [N, 1, 1], to be painted on.

        If `which` is given, the patch has the images at those places only.
        """
        centre = (self.turn * (column + 1j * down)[:, 0] + self.shift)[:, 0]
        images = self._images if which is None else which
        top = np.clip(np.rint(centre.imag - height / 2).astype(np.intp), 0, SIDE - height)[images]
        left = np.clip(np.rint(centre.real - width / 2).astype(np.intp), 0, SIDE - width)[images]
        cuts = [
            self._planes[image, :, row : row + height, place : place + width]
            for image, row, place in zip(images.tolist(), top.tolist(), left.tolist(), strict=True)
        ]
        planes = np.empty((len(cuts), PLANES, height, width), np.float32)
        for copy, cut in zip(planes, cuts, strict=True):
            copy[:] = cut
        yield _patch(planes)
        for copy, cut in zip(planes, cuts, strict=True):
            cut[:3] = copy[:3]

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
        slope = head.slope.take(self._place, mode="clip")
        slope *= shown["light_y"]
        light += slope
        np.maximum(light, 0, out=light)
        light *= np.float32(1.1) * (1 - shown["ambient"])
        light += shown["ambient"] - 1
        light *= patch.inside
        light += 1
        patch.colours *= light[:, None]


def _patch(planes: Floats) -> Patch:
    """Return a patch that lies in planes, [N, 9, h, w]: its colours, then its other fields in their order."""
    return Patch(planes[:, :3], *planes.swapaxes(0, 1)[3:])


def _see(column: Floats, down: Floats, turn: Complex, shift: Complex) -> None:
    """Fill in which column and height each pixel shows, [N, 112, 112], before the crop was turned."""
    back = (1 / turn)[:, :, None]
    start = -shift[:, :, None] * back
    step, first = (number.real.astype(np.float32) for number in (back, start))
    lean, top = (number.imag.astype(np.float32) for number in (back, start))
    right, below = np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32)[:, None]
    np.subtract(step * right + first, lean * below, out=column)
    np.add(lean * right + top, step * below, out=down)
