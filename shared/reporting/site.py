"""What the report shows, as plain typed data: its pages, their targets, and the rows of their tables.

Nothing here reads records or judges them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from shared.reporting.older_code import OLDER_CODE, OlderCode
from shared.reporting.words import SCORED, WORDS, Shown, State
from shared.runs.components import Card
from shared.verdicts.health import Ill
from shared.verdicts.words import UNSCORED, Word

Mark = Literal["", "measured", "printed", "quoted", "setting"]
NUMBER = re.compile(r"[<>≤≥≈]?\s*[-\N{MINUS SIGN}+±]?\d.*|[-\N{EN DASH}\N{EM DASH}]?")


@dataclass(frozen=True)
class Cell:
    """One cell of a target's table and where its number comes from."""

    text: str
    mark: Mark = ""


@dataclass(frozen=True)
class TableView:
    """A target's table as it is shown; the first column names the row, a plain string is an unmarked cell."""

    header: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]

    def __post_init__(self) -> None:
        """Refuse ragged rows (ValueError)."""
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"a table row has not the {len(self.header)} cells of the header {list(self.header)}")

    @property
    def cells(self) -> list[list[Cell]]:
        """The rows with every cell as a `Cell`."""
        return [[Cell(cell) if isinstance(cell, str) else cell for cell in row] for row in self.rows]

    def column_mark(self, column: int) -> Mark:
        """Return the mark that all marked cells of a column share, else "": shown once, in the header."""
        marks = {row[column].mark for row in self.cells} - {""}
        return marks.pop() if len(marks) == 1 else ""

    def is_numeric(self, column: int) -> bool:
        """Whether a column holds only numbers (dash or blank: a missing one), and so is aligned right."""
        texts = [row[column].text.strip() for row in self.cells]
        return any(texts) and all(NUMBER.fullmatch(text) for text in texts)


@dataclass(frozen=True)
class ValueRow:
    """One printed number beside the measured one, all as formatted text; "" where there is none."""

    row: str
    column: str
    printed: str
    measured: str = ""
    difference: str = ""
    interval: str = ""
    seeds: str = ""
    unit: str = ""
    verdict: Word = "not run"
    reason: str = ""
    where: str = ""
    run: str = ""


@dataclass(frozen=True)
class ClaimRow:
    """A testable statement of the paper; `targets` are the keys of the targets that bear on it.

    `erratum` is the id of the one by which the paper's own numbers do not bear it out, or "".
    """

    id: str
    says: str
    where: str
    verdict: Word
    reason: str = ""
    targets: Sequence[str] = ()
    erratum: str = ""


@dataclass(frozen=True)
class Deviation:
    """Where the suite departs from the paper; no `targets` means that it touches them all."""

    date: str
    what: str
    why: str
    targets: Sequence[str] = ()


@dataclass(frozen=True)
class Erratum:
    """A mistake or contradiction found in the paper, and how the suite reads it."""

    id: str
    where: str
    problem: str
    reading: str


@dataclass(frozen=True)
class ProvenanceRow:
    """How one run behind a target was made, over its seeds, as text; "" is shown as not recorded.

    `ills` are what ails its trainings, each with the number of seeds, and `training` the numbers that show it.
    """

    run: str
    scale: str
    seeds: str
    commit: str
    config_hash: str
    device: str
    precision: str
    threads: str
    wall_time: str
    images_per_second: str
    peak_memory: str
    older_code: OlderCode = ""
    ills: Mapping[str, int] = field(default_factory=dict)
    training: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TargetSection:
    """One table or figure; `image` (PNG) and `downloads` are files that `write_site` copies."""

    key: str
    title: str
    kind: Literal["table", "figure"]
    state: State
    reason: str = ""
    caption: str = ""
    notes: Sequence[str] = ()
    ours: bool = False
    image: Path | None = None
    downloads: Sequence[Path] = ()
    table: TableView | None = None
    values: Sequence[ValueRow] = ()
    provenance: Sequence[ProvenanceRow] = ()
    commands: Sequence[str] = ()

    @property
    def older_code(self) -> OlderCode:
        """The gravest that is to be said of the code behind any of the runs."""
        return max((row.older_code for row in self.provenance), key=OLDER_CODE.index, default="")

    @property
    def unhealthy(self) -> dict[str, int]:
        """How many of the runs have each of what ails trainings, the gravest first."""
        found = Counter(ill for row in self.provenance for ill in row.ills)
        return {ill: found[ill] for ill in get_args(Ill) if found[ill]}


@dataclass(frozen=True)
class PaperPage:
    """All that is shown of one paper."""

    key: str
    title: str
    citation: str
    summary: str
    targets: Sequence[TargetSection]
    claims: Sequence[ClaimRow] = ()
    deviations: Sequence[Deviation] = ()
    errata: Sequence[Erratum] = ()

    def claims_on(self, target: str) -> list[ClaimRow]:
        """Return the claims that a target bears on."""
        return [claim for claim in self.claims if target in claim.targets]

    def deviations_on(self, target: str) -> list[Deviation]:
        """Return the deviations that name a target, without those that touch all targets."""
        return [deviation for deviation in self.deviations if target in deviation.targets]

    def tally(self, target: TargetSection) -> dict[str, int]:
        """How often each verdict was given to a target's values and to the claims it bears on."""
        claims = (claim.verdict for claim in self.claims_on(target.key))
        return count([*(row.verdict for row in target.values), *claims])


@dataclass(frozen=True)
class Site:
    """The whole report at one scale; with `no_evidence` every page says so and no verdict may be a score."""

    scale: str
    no_evidence: bool
    commit: str
    created: str
    papers: Sequence[PaperPage]
    data_sets: Sequence[Card] = ()
    commands: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse names unfit for a file or anchor or used twice, and scores without evidence (ValueError)."""
        _check_names("paper", ["index", *(paper.key for paper in self.papers)])
        for paper in self.papers:
            _check_names(f"target of {paper.key}", [target.key for target in paper.targets])
            _check_names(f"claim of {paper.key}", [claim.id for claim in paper.claims])
        if self.no_evidence and (scored := SCORED & {*self.values, *self.claims}):
            raise ValueError(f"the scale {self.scale!r} is no evidence, yet carries the verdicts {sorted(scored)}")

    @property
    def states(self) -> dict[str, int]:
        """How many targets are in each state."""
        return count(target.state for paper in self.papers for target in paper.targets)

    @property
    def values(self) -> dict[str, int]:
        """How many printed values have each verdict."""
        return count(row.verdict for paper in self.papers for target in paper.targets for row in target.values)

    @property
    def claims(self) -> dict[str, int]:
        """How many claims have each verdict."""
        return count(claim.verdict for paper in self.papers for claim in paper.claims)

    @property
    def legend(self) -> dict[str, Shown]:
        """The words that pages of this report may show."""
        return {word: shown for word, shown in WORDS.items() if not (self.no_evidence and word in SCORED)}


def count(words: Iterable[str]) -> dict[str, int]:
    """Count verdicts or states, in the order of the legend, without the ones that are never scored."""
    found = Counter(words)
    return {word: found[word] for word in WORDS if found[word] and word not in UNSCORED}


def _check_names(what: str, names: Sequence[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1 or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise ValueError(f"{what}: {name!r} is used twice or is no plain name")
