"""Pictures drawn for the pages of the report themselves: matplotlib's SVG, in the colours of the page around it."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from html import escape
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure as Drawing

INK, MUTED, RULE, GROUND = "#1b1f24", "#555d66", "#d9dce0", "#ffffff"
_OF_PAGE = {INK: "--text", MUTED: "--muted", RULE: "--line", GROUND: "--surface"}
TONES = {
    "good": "#3f7fbf",
    "better": "#2a9d86",
    "worse": "#d9822b",
    "bad": "#b83b73",
    "open": "#8767b8",
    "plain": "#a9b0b8",
}
"""The colours of the tones of verdicts (`shared.reporting.words`), dark enough for white and light enough for black."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": "sans-serif",
    # One font that the text was measured in, instead of a list at every word.
    "font.sans-serif": ["DejaVu Sans"],
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": RULE,
    "axes.linewidth": 0.7,
}


def svg(drawing: Drawing, name: str) -> str:
    """Return a drawing as the text of an SVG element; `name` tells its marks from those of others on the page.

    Its text stays text, its ground is that of the page, and its ink follows the page's colours where it stands in one.
    """
    content = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        drawing.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = content.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    used = {*re.findall(r'href="#([^"]+)"', text), *re.findall(r"url\(#([^)]+)\)", text)}
    text = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", text)
    text = _slim(re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL))
    for colour, variable in _OF_PAGE.items():
        text = text.replace(colour, f"var({variable}, {colour})")
    return text


def _slim(text: str) -> str:
    """Return an SVG's text without what nobody sees: a page has a hundred of them.

    Groups and outlines without a style go, decimals beyond a hundredth of a point, turns by nothing, and the font that
    each word names, which is the same for all.
    """
    font = "font-family: 'DejaVu Sans', sans-serif"
    text = text.replace(f"{font}; ", "").replace("<svg ", f'<svg style="{font}" ', 1)
    text = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", text)
    text = re.sub(r'<path d="[^"]*" style="fill: none"/>', "", text)
    text = re.sub(r' (?:d|x|y)="[^"]*"', lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found[0]), text)
    kept: list[bool] = []

    def group(found: re.Match[str]) -> str:
        if found[0] != "</g>":
            kept.append(found[0] != "<g>")
        return found[0] if (kept[-1] if found[0] != "</g>" else kept.pop()) else ""

    text = re.sub(r"<g(?: [^>]*[^/])?>|</g>", group, text.replace("<g/>", ""))
    return re.sub(r"\s+", " ", re.sub(r">\s+<", "><", text))


def inline(drawing: Drawing, name: str, label: str, links: Mapping[str, str] | None = None) -> Markup:
    """Return a drawing to stand in a page, with a `label` for who does not see it.

    `links` say of the addresses that its marks lead to what lies there; they are skipped by the Tab key, so that
    whatever they lead to needs another way, such as a list.
    """
    text = svg(drawing, name)
    for address, what in (links or {}).items():
        opened = f'<a xlink:href="{escape(address)}" target="_blank">'
        title = f'<a href="{escape(address)}" tabindex="-1" aria-label="{escape(what)}"><title>{escape(what)}</title>'
        text = text.replace(opened, title)
    role = "group" if links else "img"
    return Markup(text.replace("<svg ", f'<svg role="{role}" aria-label="{escape(label)}" ', 1))  # noqa: S704 - ours
