"""`consistency`: whether a paper's own numbers bear out its claims, as they are tested here."""

from __future__ import annotations

from collections.abc import Iterable

from shared.runs.registry import Paper
from shared.verdicts.consistency import consistency


def lines(papers: Iterable[Paper]) -> tuple[list[str], bool]:
    """Return a line for each claim whose quantities are all printed and a closing count, and whether all is well."""
    found = [result for paper in papers for result in consistency(paper.reference)]
    matched = sum(result.verdict == "matched" for result in found)
    unexplained = sum(not result.is_explained for result in found)
    explained = sum(result.verdict != "matched" and result.is_explained for result in found)
    count = (
        f"{len(found)} claims are all in print: {matched} matched, {explained} not, by an erratum that they name, "
        f"{unexplained} unexplained"
    )
    return [*map(str, found), count], not unexplained
