"""What the report shows, as plain typed data: its pages, their targets, and the rows of their tables.

Nothing here reads records or judges them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from shared.reporting.older_code import OLDER_CODE, OlderCode
from shared.reporting.units import OF_SEEDS
from shared.reporting.words import SCORED, WORDS, Shown, State
from shared.runs.components import Card
from shared.verdicts.health import tally
from shared.verdicts.words import OFF, UNSCORED, Word, counted, in_a_row, told_apart

Curve = Mapping[str, Sequence[tuple[float, float]]]
"""Pairs of an epoch and a value, by what is measured."""
Mark = Literal["", "measured", "printed", "quoted"]
LINE = 46
"""In characters, what stands in one line of the chart of a claim."""
SILENT = ("", "\N{EN DASH}", "not run")
DIGIT = re.compile(r"\d")
COMPARED = ("matched", *OFF, "inconclusive")
NUMBER = re.compile(r"[<>≤≥≈]?\s*[-\N{MINUS SIGN}+±]?\d.*|[-\N{EN DASH}\N{EM DASH}]?")


@dataclass(frozen=True)
class Cell:
    """One cell of a target's table and where its number comes from; `beside` a measured one what the paper prints."""

    text: str
    mark: Mark = ""
    beside: str = ""


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

    @property
    def told(self) -> list[bool]:
        """Whether each row tells something measured; where no column is of measured numbers, every row does."""
        marked = [[cell for cell in row if cell.mark == "measured"] for row in self.cells]
        return [not cells or any(DIGIT.search(cell.text) for cell in cells) for cells in marked]

    @property
    def brief(self) -> TableView:
        """The rows that tell something measured, without columns that are printed alone or tell nothing in them."""
        rows = [row for row, told in zip(self.cells, self.told, strict=True) if told]
        dropped = {"printed"} if any(cell.mark == "measured" for row in rows for cell in row) else set()

        def tells(cell: Cell) -> bool:
            return bool(cell.text not in SILENT or cell.beside) and cell.mark not in dropped

        kept = [place for place in range(len(self.header)) if any(tells(row[place]) for row in rows)]
        return TableView([self.header[place] for place in kept], [[row[place] for place in kept] for row in rows])

    def is_numeric(self, column: int) -> bool:
        """Whether a column holds only numbers (dash or blank: a missing one), and so is aligned right."""
        texts = [row[column].text.strip() for row in self.cells]
        return any(texts) and all(NUMBER.fullmatch(text) for text in texts)


@dataclass(frozen=True)
class ValueRow:
    """One printed number beside the measured one, all as formatted text; "" where there is none.

    `off` is the difference in units of the tolerance. Where the spread over seeds is unknown (`certain` is false), the
    tolerance is what it would be without any. A difference of `detectable` would be found in 80 % of repetitions. Of a
    number that what is measured lies off, `tried` tells what was tried to explain it.
    """

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
    id: str = ""
    off: float | None = None
    certain: bool = True
    detectable: str = ""
    tried: str = ""

    @property
    def is_off(self) -> bool:
        """Whether what is measured lies beyond the tolerance, on either side."""
        return self.verdict in OFF

    @property
    def explanation(self) -> str:
        """What was tried to explain a number that is off, or that nothing was; "" of one that is not."""
        if not self.is_off:
            return ""
        return f"Tried: {self.tried}" if self.tried else "Nothing was tried yet to explain it."

    @property
    def name(self) -> str:
        """The row and the column of the number, as far as it has them."""
        return " · ".join(filter(None, (self.row, self.column)))


@dataclass(frozen=True)
class Effect:
    """One comparison that a claim rests on, in the unit of its metric; positive is in the sense of the claim.

    `seeds` are the effects of the single seeds, `printed` that of the paper's own numbers, `detectable` the least that
    the seeds would show in 80 % of repetitions, and `tolerance` that of a test of equality, where there is one: two
    quantities that are equal have this effect. `means` are those of the two sides, where there are two.
    """

    what: str
    mean: float | None = None
    interval: tuple[float, float] | None = None
    seeds: Sequence[float] = ()
    printed: float | None = None
    detectable: float | None = None
    tolerance: float | None = None
    means: tuple[float, float] | None = None


@dataclass(frozen=True)
class Ground:
    """A scale and the data set that runs were trained on; `own` if that is the paper's, and does not stand for it."""

    scale: str
    data: str
    own: bool


def on_titles(titles: Sequence[str]) -> str:
    """Return some data sets in a row: "on MNIST and EMNIST (a selection)", "" of none.

    What a title has after a comma stands in brackets.
    """
    named = in_a_row(re.sub(r"^([^(,]+), (.+)$", r"\1 (\2)", title) for title in titles)
    return f"on {named}" if named else ""


@dataclass(frozen=True)
class ClaimRow:
    """A testable statement of the paper; `targets` are the keys of the targets that bear on it.

    `erratum` is the id of the one by which the paper's own numbers do not bear it out, or "". `test` says in words how
    it is judged, `effects` are the comparisons behind the verdict, in `unit`, `runs` what they take, and `commands`
    make it again. `detectable` and `seeds_needed` are those of its power, `grounds` what its runs were trained on.
    """

    id: str
    says: str
    where: str
    verdict: Word
    reason: str = ""
    targets: Sequence[str] = ()
    erratum: str = ""
    test: str = ""
    note: str = ""
    power: str = ""
    detectable: float | None = None
    seeds_needed: int | None = None
    effects: Sequence[Effect] = ()
    unit: str = ""
    runs: Sequence[str] = ()
    commands: Sequence[str] = ()
    grounds: Sequence[Ground] = ()

    @property
    def stands_on(self) -> str:
        """On which data in place of the paper's it was measured: "on Characters", "" where on none."""
        others = {ground.data for ground in self.grounds if not ground.own}
        return on_titles(sorted(others)) if self.measured else ""

    @property
    def measured(self) -> list[Effect]:
        """The comparisons that have records."""
        return [effect for effect in self.effects if effect.mean is not None]

    @property
    def held(self) -> str:
        """In how many seeds it is as claimed, where a seed bears it out or does not; "" of other claims."""
        if self.unit != OF_SEEDS or not self.measured:
            return ""
        seeds = self.measured[0].seeds
        return f"as claimed in {sum(seed > 0 for seed in seeds)} of {counted(len(seeds), 'seed')}"

    @property
    def labelled(self) -> list[tuple[str, Effect]]:
        """These with a label each: what tells it from the others, where the whole takes more than a line."""
        return list(zip(told_apart([effect.what for effect in self.measured], LINE), self.measured, strict=True))

    @property
    def shortened(self) -> bool:
        """Whether these labels are less than the comparisons, for which one has to look at the test."""
        return any(label != effect.what for label, effect in self.labelled)


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

    `ills` are what ails its trainings, each with the number of seeds, and `training` the numbers that show it. `curves`
    are the learning curves, by seed: the loss and the held-out error of each epoch that has them.
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
    curves: Mapping[int, Curve] = field(default_factory=dict)

    @property
    def has_held_out(self) -> bool:
        """Whether some seed's curve has the error on held-out images."""
        return any("held_out_error" in curve for curve in self.curves.values())


@dataclass(frozen=True)
class TargetSection:
    """One table or figure; `image` (PNG) and `downloads` are files that `write_site` copies.

    `takes` says what one that is not done would take.
    """

    key: str
    title: str
    state: State
    reason: str = ""
    takes: str = ""
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
    def name(self) -> str:
        """What it is called in a word or two: the part of its title before a colon."""
        return self.title.partition(":")[0]

    @property
    def measured(self) -> list[ValueRow]:
        """The printed numbers that something is measured of."""
        return [row for row in self.values if row.measured]

    @property
    def older_code(self) -> OlderCode:
        """The gravest that is to be said of the code behind any of the runs."""
        return max((row.older_code for row in self.provenance), key=OLDER_CODE.index, default="")

    @property
    def unhealthy(self) -> dict[str, int]:
        """How many of the runs have each of what ails trainings, the gravest first."""
        return tally(row.ills for row in self.provenance)


@dataclass(frozen=True)
class PaperPage:
    """All that is shown of one paper: `grounds` are what its runs were trained on, `outlook` tells what is left."""

    key: str
    title: str
    citation: str
    summary: str
    targets: Sequence[TargetSection]
    claims: Sequence[ClaimRow] = ()
    deviations: Sequence[Deviation] = ()
    errata: Sequence[Erratum] = ()
    grounds: Sequence[Ground] = ()
    outlook: str = ""

    @property
    def short(self) -> str:
        """The name of the paper in a word or two: what its title has before a colon, else its key."""
        name, colon, _ = self.title.partition(":")
        return name if colon else self.key.replace("_", " ").capitalize()

    @property
    def own_numbers(self) -> list[ValueRow]:
        """The numbers that its tables and figures print as the authors' own results; a dash is none."""
        own = (value for target in self.targets for value in target.values if value.verdict not in UNSCORED)
        return [value for value in own if re.search(r"\d", value.printed)]

    @property
    def measured_numbers(self) -> list[ValueRow]:
        """Those of them beside which something is measured that can be compared."""
        return [value for value in self.own_numbers if value.measured and value.verdict in COMPARED]

    @property
    def done(self) -> list[TargetSection]:
        """The targets that are drawn."""
        return [target for target in self.targets if target.state == "done"]

    @property
    def waiting(self) -> list[TargetSection]:
        """The targets that are not."""
        return [target for target in self.targets if target.state != "done"]

    def home(self, claim: ClaimRow) -> str:
        """Return the key of the target at which a claim is told in full: the first that is drawn, if any is; or ""."""
        touched = [target for target in (*self.done, *self.waiting) if target.key in claim.targets]
        return touched[0].key if touched else ""

    def provenance_of(self, run: str, claim: ClaimRow) -> str:
        """Return where on the page it is told how a run of a claim was made, "" where that is not told."""
        of = [target for target in self.done if any(row.run == run for row in target.provenance)]
        near = sorted(of, key=lambda target: target.key not in claim.targets)
        return f"{near[0].key}--{run}" if near else ""

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
class DataSetRow:
    """A data set's card; it is `free` if it is fetched or made where it is missing, as data of testable claims are."""

    card: Card
    free: bool

    @property
    def had(self) -> str:
        """How it can be had."""
        if self.free:
            return "free, fetched or made by itself"
        return "by hand, on its owner's terms" if self.card.available else "withdrawn"


@dataclass(frozen=True)
class Change:
    """A printed number or a claim of which two sets of records say different things: both, and why."""

    paper: str
    address: str
    what: str
    before: str
    after: str
    before_verdict: Word
    after_verdict: Word
    why: Sequence[str]


@dataclass(frozen=True)
class Against:
    """What changed from another set of records, called `other`; `same` counts what did not."""

    other: str
    changes: Sequence[Change]
    same: int = 0


@dataclass(frozen=True)
class Site:
    """The whole report at one scale; with `no_evidence` every page says so and no verdict may be a score.

    `tried` is where losses that were tried in the papers' experiments stand, None where none was.
    """

    scale: str
    no_evidence: bool
    commit: str
    created: str
    papers: Sequence[PaperPage]
    tried: TargetSection | None = None
    data_sets: Sequence[DataSetRow] = ()
    commands: Sequence[str] = ()
    against: Against | None = None

    def __post_init__(self) -> None:
        """Refuse names unfit for a file or anchor or used twice, and scores without evidence (ValueError)."""
        _check_names("paper", ["index", "against", "tried", *(paper.key for paper in self.papers)])
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
        """How many of the authors' own printed numbers have each verdict."""
        return count(row.verdict for paper in self.papers for row in paper.own_numbers)

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
