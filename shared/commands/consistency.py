"""`consistency`: whether a paper's own numbers bear out its claims, as they are tested here, and ours its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.records.records import find_records
from shared.records.results import Results
from shared.records.target_records import found
from shared.reporting.judged import judged
from shared.reporting.rows import value_row
from shared.runs.registry import Paper
from shared.verdicts.consistency import consistency


def lines(papers: Iterable[Paper]) -> tuple[list[str], bool]:
    """Return a line for each claim whose quantities are all printed and a closing count, and whether all is well."""
    results = [result for paper in papers for result in consistency(paper.reference)]
    matched = sum(result.verdict == "matched" for result in results)
    unexplained = sum(not result.is_explained for result in results)
    explained = sum(result.verdict != "matched" and result.is_explained for result in results)
    count = (
        f"{len(results)} claims are all in print: {matched} matched, {explained} not, by an erratum that they name, "
        f"{unexplained} unexplained"
    )
    return [*map(str, results), count], not unexplained


def unexplained(papers: Iterable[Paper], results: Results) -> Iterator[str]:
    """Yield a line for each printed number that the published records lie off, and that has nothing under `tried`.

    Raises:
        UserError: a record is damaged.

    """
    for paper in papers:
        there = found(paper, "published", find_records(results.paper("published", paper.key)), results)
        there.require_whole()
        verdicts, _ = judged(paper, "published", there.records(paper))
        for value in verdicts.values:
            row = value_row(value)
            if row.is_off and not row.tried:
                yield (
                    f"{paper.key}/{value.target}: {row.name} is {row.measured} where {row.printed} is printed "
                    f"({row.verdict}), and nothing was tried yet to explain it"
                )
