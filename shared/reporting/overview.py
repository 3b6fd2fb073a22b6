"""All papers in one table: how many claims stand where, how many printed numbers are met, and a figure of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shared.reporting.findings import STANDINGS
from shared.reporting.site import PaperPage
from shared.reporting.table import markdown_table
from shared.reporting.words import WORDS

SYMBOLS = {word: WORDS[word].symbol for word in STANDINGS}
EXPLAINED = (
    "Claims: {legend}. These six add up to all claims of a paper. Not runnable are claims on data that are "
    "withdrawn or given on request alone, and claims of which nothing can be measured. Numbers: how many lie within "
    "their tolerance, of those that are measured on the paper's own data at its size, of all that its tables and "
    "figures print as its own results."
)


@dataclass(frozen=True)
class Entry:
    """A paper's row: its name with a link, its page, and its picture, or why there is none."""

    name: str
    page: PaperPage
    picture: str


def overview(entries: Sequence[Entry]) -> str:
    """Return the table in Markdown, with a row for each paper and one for all, and what its columns mean."""
    header = ["paper", *SYMBOLS.values(), "printed numbers within tolerance", "the figure that shows it best"]
    rows = [[entry.name, *_counted([entry.page]), entry.picture] for entry in entries]
    rows.append(["all", *_counted([entry.page for entry in entries]), ""])
    legend = ", ".join(f"{symbol} {word}" for word, symbol in SYMBOLS.items())
    return f"{markdown_table(header, rows)}\n\n{EXPLAINED.format(legend=legend)}"


def _counted(pages: Sequence[PaperPage]) -> list[str]:
    """Count the claims of some papers by where they stand, and their numbers."""
    times = Counter(claim.verdict for page in pages for claim in page.claims)
    measured = [value for page in pages for value in page.measured_numbers]
    within = sum(value.verdict == "matched" for value in measured)
    printed = sum(len(page.own_numbers) for page in pages)
    numbers = f"{within} of {len(measured)} measured" if measured else "none measured"
    return [*(str(times[word]) for word in STANDINGS), f"{numbers}, {printed} printed" if printed else "none printed"]
