"""Whether the words of a figure can be read where it is as wide as a column, and none is cut off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from matplotlib.text import Text

from shared.reporting.figure import COLUMN_WIDTH, LEAST_TYPE, Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def too_small(figure: Figure) -> set[str]:
    """Return the texts whose type comes to less than `LEAST_TYPE` at the width of a column."""
    scale = COLUMN_WIDTH / figure.drawing.get_figwidth()
    return {text.get_text() for text in _words(figure) if float(text.get_fontsize()) * scale < LEAST_TYPE - 1e-6}


def cut_off(figure: Figure) -> set[str]:
    """Return the texts, but those of ticks, that reach beyond the figure by more than a pixel or two."""
    figure.drawing.draw_without_rendering()
    edge = figure.drawing.bbox.padded(2)
    boxes = {text: text.get_window_extent() for text in _words(figure) - _of_axis(figure.drawing.axes, ticks=True)}
    return {
        text.get_text()
        for text, box in boxes.items()
        if not (edge.contains(box.x0, box.y0) and edge.contains(box.x1, box.y1))
    }


def _words(figure: Figure) -> set[Text]:
    """Return the texts that are shown; what is named of an axis that is off is not."""
    texts = (text for text in figure.drawing.findobj(Text) if isinstance(text, Text))
    off = [axes for axes in figure.drawing.axes if not axes.axison]
    shown = {text for text in texts if text.get_text().strip() and text.get_visible()}
    return shown - _of_axis(off, ticks=True) - _of_axis(off, ticks=False)


def _of_axis(panels: Iterable[Axes], *, ticks: bool) -> set[Text]:
    """Return the labels of the ticks of some axes, or what says what the axes are."""
    sides = [axis for axes in panels for axis in (axes.xaxis, axes.yaxis)]
    if not ticks:
        return {axis.label for axis in sides}
    return {label for axis in sides for which in ("major", "minor") for label in axis.get_ticklabels(which=which)}
