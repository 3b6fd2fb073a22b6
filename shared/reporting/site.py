"""The report as static pages: what a page shows, as plain typed data, and its rendering to a folder.

Nothing here reads records or judges them. The folder that `write_site` leaves is self-contained: relative
links only, no scripts, its own copies of pictures and data files.
"""

from __future__ import annotations

import re
import shutil
import struct
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined

from shared.errors import UserError
from shared.runs.components import Card

Verdict = Literal[
    "matched", "better", "worse", "contradicted", "inconclusive",
    "not run", "not runnable", "no evidence", "quoted", "setting",
]  # fmt: skip
State = Literal["done", "not run", "not runnable"]
Mark = Literal["", "measured", "printed", "quoted", "setting"]
OlderCode = Literal[
    "",
    "older code, shown to train the same bits",
    "older code, shown to train the same bits at smoke scale",
    "measured with older code",
    "trained with older code",
]
OLDER_CODE: tuple[OlderCode, ...] = get_args(OlderCode)
"""From the best to the gravest."""


class Word(NamedTuple):
    """How a verdict or state is shown: a symbol, a tone of colour, and its meaning for the legend."""

    symbol: str
    tone: str
    meaning: str


WORDS: dict[str, Word] = {
    "done": Word("●", "plain", "Regenerated from records of this scale."),
    "matched": Word("✓", "good", "A value within the tolerance of the printed one; a claim that the records support."),
    "better": Word("▲", "better", "Beyond the tolerance, on the better side of the printed value."),
    "worse": Word("▼", "worse", "Beyond the tolerance, on the worse side of the printed value."),
    "contradicted": Word("✗", "bad", "The records speak against the claim."),
    "inconclusive": Word("?", "open", "Too few seeds, or too much spread between them, to say either."),
    "not run": Word("○", "plain", "Can be run, but has no records at this scale."),
    "not runnable": Word("⊘", "plain", "Needs something that cannot be had; the reason stands beside it."),
    "no evidence": Word("\N{EN DASH}", "plain", "Made at a scale whose numbers say nothing about the paper."),
    "quoted": Word("“", "plain", "Taken over by the authors from another paper; never scored."),
    "setting": Word("=", "plain", "Something the authors chose, such as a size or a count; never scored."),
}
SCORED = frozenset({"matched", "better", "worse", "contradicted", "inconclusive"})
UNSCORED = frozenset({"quoted", "setting"})
NUMBER = re.compile(r"[<>≤≥≈]?\s*[-\N{MINUS SIGN}+±]?\d.*|[-\N{EN DASH}\N{EM DASH}]?")

SCALES = {
    "smoke": "Every target end to end in minutes: few images, few steps. It shows that the machinery works.",
    "lite": "As large as freely obtainable data and one machine allow.",
    "full": "The protocol, data sets and iterations of the papers.",
    "published": "The records of full and lite runs that are kept in the repository.",
}


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
    verdict: Verdict = "not run"
    reason: str = ""
    where: str = ""
    run: str = ""


@dataclass(frozen=True)
class ClaimRow:
    """A testable statement of the paper; `targets` are the keys of the targets that bear on it."""

    id: str
    says: str
    where: str
    verdict: Verdict
    reason: str = ""
    targets: Sequence[str] = ()


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

    where: str
    problem: str
    reading: str


@dataclass(frozen=True)
class ProvenanceRow:
    """How one run behind a target was made, over its seeds, as text; "" is shown as not recorded."""

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
    def legend(self) -> dict[str, Word]:
        """The words that pages of this report may show."""
        return {word: shown for word, shown in WORDS.items() if not (self.no_evidence and word in SCORED)}


def count(words: Iterable[str]) -> dict[str, int]:
    """Count verdicts or states, in the order of the legend, without the ones that are never scored."""
    found = Counter(words)
    return {word: found[word] for word in WORDS if found[word] and word not in UNSCORED}


def write_site(site: Site, folder: Path) -> None:
    """Write the pages with copies of their pictures and downloads to `folder`, replacing an older report.

    The new report is built beside `folder` and put in its place whole. A `folder` that holds anything but a
    report is left alone (UserError).
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "report.css").is_file():
        raise UserError(f"{folder} is not empty and holds no report; name another folder or empty it first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".report-") as scratch:
        fresh = Path(scratch) / "new"
        fresh.mkdir()
        _write_pages(site, fresh)
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        fresh.rename(folder)


def _write_pages(site: Site, folder: Path) -> None:
    loader = PackageLoader("shared.reporting")
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pages.globals.update(site=site, words=WORDS, scales=SCALES)
    pages.filters.update(file_size=file_size, megabytes=megabytes, image_size=image_size)
    style, _, _ = loader.get_source(pages, "report.css")
    (folder / "report.css").write_text(style, encoding="utf-8")
    _write(folder / "index.html", pages.get_template("index.html.j2").render())
    for paper in site.papers:
        copies = _copy_files(paper, folder / paper.key)
        page = pages.get_template("paper.html.j2").render(paper=paper, address=copies.__getitem__)
        _write(folder / f"{paper.key}.html", page)


def _copy_files(paper: PaperPage, folder: Path) -> dict[Path, str]:
    """Copy a paper's pictures and downloads; return each source's address relative to the pages."""
    copies: dict[Path, str] = {}
    for target in paper.targets:
        named = [] if target.image is None else [(target.image, target.key + target.image.suffix)]
        for source, name in [*named, *((download, download.name) for download in target.downloads)]:
            copy = folder / name
            if source not in copies:
                if copy.exists():
                    raise ValueError(f"two files of {paper.key} would both be kept as {name}")
                folder.mkdir(exist_ok=True)
                shutil.copyfile(source, copy)
            copies.setdefault(source, f"{folder.name}/{name}")
    return copies


def _write(path: Path, page: str) -> None:
    path.write_text(page, encoding="utf-8", newline="\n")


def _check_names(what: str, names: Sequence[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1 or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise ValueError(f"{what}: {name!r} is used twice or is no plain name")


def image_size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG in pixels, from its header (ValueError if it is no PNG)."""
    with path.open("rb") as file:
        header = file.read(24)
    if header[:8] != b"\x89PNG\r\n\x1a\n" or header[12:16] != b"IHDR":
        raise ValueError(f"{path} is no PNG picture")
    width, height = struct.unpack(">II", header[16:24])
    return width, height


def file_size(path: Path) -> str:
    """Say how large a file is: "3 kB"."""
    size = path.stat().st_size
    return f"{size} bytes" if size < 1000 else megabytes(size / 1e6)


def megabytes(size: float) -> str:
    """Say how large so many megabytes are, in a unit that fits: "3 kB", "11.6 MB", "250 GB"."""
    value, unit = (size * 1e3, "kB") if size < 1 else (size, "MB") if size < 1e3 else (size / 1e3, "GB")
    return f"{value:.3g} {unit}"
