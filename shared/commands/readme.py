"""Write the parts of the READMEs that come from the published records and from `runs.yaml`, and their pictures.

The kinds of parts (`shared/reporting/readme.py` has their markers):

    deviations      the deviations of `runs.yaml`
    table TARGET    a table as it is drawn from the published records, or that there are none
    measured [N]    a table that is written by hand but for its last column. The others are some words, a run and
                    benchmark/metric; the last is what the published records have of them, with N decimals (2). Several
                    runs in braces are averaged seed by seed
    claims DATA...  the verdicts on the claims that rest on published records of runs on these data sets
    found           what the published records say of the paper, in sentences and one table
    findings        in the README of the suite, how many claims and numbers of each paper stand where, with a picture of
                    the figure that `shows` names in its `runs.yaml`
    standings       in the same, where the losses that were tried stand beside softmax, over all experiments, with a
                    picture

The pictures lie in `.github/pictures`, each named as its paper.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from shared import ROOT
from shared.commands.render import draw
from shared.commands.standings import standings_of
from shared.data.files import write_atomically
from shared.errors import UserError, suggestion
from shared.evaluation.spread import mean
from shared.records.records import Records, find_records, has_records
from shared.records.results import Results
from shared.records.target_records import found, record_paths
from shared.reporting.comparison import by_seed
from shared.reporting.figure import Figure
from shared.reporting.findings import findings
from shared.reporting.found_table import claims_table, found_table
from shared.reporting.judged import judged
from shared.reporting.overview import Entry, overview
from shared.reporting.pages import Page
from shared.reporting.pictures import mark, marked, picture
from shared.reporting.readme import Part, deviations_text, filled, rewrite, target_text
from shared.reporting.rows import claim_row
from shared.reporting.site import PaperPage
from shared.reporting.table import Table, measured
from shared.reporting.words import SCORED
from shared.runs import registry
from shared.runs.catalogue import components
from shared.runs.claims import listed
from shared.runs.components import DataSet
from shared.runs.registry import Paper

README = ROOT / "README.md"
KINDS = ("deviations", "table", "measured", "claims", "found")
PICTURES = ".github/pictures"
SHOWN = 300
"""How wide a picture is shown, in pixels."""


def write_readmes(results: Results, *, check: bool = False) -> list[str]:
    """Write the parts of all READMEs and their pictures, none with `check`; return which differed, the parts by line.

    Nothing is written before all is known, so that an error leaves all as it was.

    Raises:
        UserError: nothing is published there, or a README cannot be read, or asks for what there is not.

    """
    published = results.root / "published"
    if not has_records(published):
        raise UserError(f"{published} has no records; name the folder of results that has by --results.")
    papers = [_Parts(paper, results) for paper in registry.papers().values()]
    contents: dict[Path, Callable[[Part], str]] = {parts.paper.folder / "README.md": parts.content for parts in papers}
    standings = _Standings(results)
    contents[README] = partial(_own, papers=papers, standings=standings)
    rewritten = {path: rewrite(_text(path), str(path), content) for path, content in contents.items()}
    pictures = [shown for shown in (*(parts.picture for parts in papers), standings.picture) if shown.differs]
    if not check:
        drawn = [(shown.path, shown.drawn()) for shown in pictures]
        for path, content in drawn:
            _write_picture(path, content)
        for path, (text, changed) in rewritten.items():
            if changed:
                write_atomically(path, text.encode())
    named = [f"{shown.path}: {shown.what}" for shown in pictures]
    return named + [line for _, changed in rewritten.values() for line in changed]


def _text(path: Path) -> str:
    """Return the text of a README; raises UserError where it cannot be read, or has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); create it.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8; save the file in UTF-8.") from None
    if not text.strip():
        raise UserError(f"{path}: it is empty; write it, or bring it back by git checkout.")
    return text


def _write_picture(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


def _own(part: Part, papers: Sequence[_Parts], standings: _Standings) -> str:
    """Return what a part of the README of the suite itself shows; UserError where it asks for what there is not."""
    match part.kind, part.words:
        case "findings", ():
            return overview([parts.entry() for parts in papers])
        case "standings", ():
            return standings.content()
    asked = " ".join([part.kind, *part.words])
    raise UserError(f"nothing is known of '{asked}' here; {suggestion(asked, ('findings', 'standings'))}")


@dataclass(frozen=True)
class _Picture:
    """A picture of the README of the suite: its name, what it shows, and the figure, None where there is none."""

    name: str
    what: str
    figure: Figure | None

    @property
    def address(self) -> str:
        """Where it lies, below the folder of the README."""
        return f"{PICTURES}/{self.name}.png"

    @property
    def path(self) -> Path:
        """Where it lies."""
        return README.parent / self.address

    @property
    def differs(self) -> bool:
        """Whether it is not what the records draw, or is there where they draw none."""
        wanted = mark(self.what, self.figure) if self.figure else None
        return marked(self.path) != wanted or self.path.exists() != bool(self.figure)

    def drawn(self) -> bytes | None:
        """Return it as a file, None where there is to be none."""
        return picture(self.what, self.figure) if self.figure else None


class _Standings:
    """Where the trials with published records stand."""

    def __init__(self, results: Results) -> None:
        self.results = results

    @cached_property
    def shown(self) -> tuple[Table, Figure] | None:
        """The table and the figure, None where no trial has a published record."""
        return standings_of(self.results, "published")

    @cached_property
    def picture(self) -> _Picture:
        """The figure as a picture."""
        return _Picture("standings", "standings", self.shown[1] if self.shown else None)

    def content(self) -> str:
        """Return the part of the README."""
        if self.shown is None:
            return "No record of a loss that was tried is published."
        table, figure = self.shown
        return f"{table.markdown().rstrip()}\n\n![Losses beside softmax]({self.picture.address})\n\n{figure.caption}"


class _Parts:
    """What the parts of one paper's README show."""

    def __init__(self, paper: Paper, results: Results) -> None:
        self.paper, self.results = paper, results

    @cached_property
    def records(self) -> Records:
        """All published records of the paper's runs."""
        paths = find_records(self.results.paper("published", self.paper.key))
        there = found(self.paper, "published", paths, self.results)
        there.require_whole()
        return there.records(self.paper)

    @cached_property
    def page(self) -> PaperPage:
        """What the report of the published records shows of the paper."""
        return Page(self.paper, "published", self.results).view()

    @cached_property
    def shown(self) -> Figure | None:
        """The figure that shows the paper best, None where none is named, or nothing in it has a published record."""
        name = self.paper.shows
        paths = record_paths(self.paper, name, "published", self.results) if name else []
        if name is None or not found(self.paper, "published", paths, self.results).current:
            return None
        drawn = draw(self.paper, name, "published", self.results)
        return drawn if isinstance(drawn, Figure) and not drawn.data.empty else None

    @cached_property
    def picture(self) -> _Picture:
        """That figure as a picture."""
        return _Picture(self.paper.key, self.paper.shows or "no figure", self.shown)

    def entry(self) -> Entry:
        """Return the paper's row in the README of the suite."""
        year = self.paper.reference.citation.year or "undated"
        title = "".join(target.title for target in self.page.targets if target.key == self.paper.shows)
        cell = f'<img src="{self.picture.address}" width="{SHOWN}" alt="{html.escape(title)}">'
        if self.shown is None:
            cell = f"{title}: nothing of it is published" if title else "none is named"
        return Entry(f"[{self.page.short}](papers/{self.paper.key}/README.md), {year}", self.page, cell)

    def content(self, part: Part) -> str:
        match part:
            case Part("deviations", ()):
                return deviations_text(self.paper.deviations)
            case Part("table", (target,)):
                return self._table(target)
            case Part("measured", ()):
                return filled(part.body, partial(self._measured, decimals=2))
            case Part("measured", (decimals,)) if decimals.isdigit():
                return filled(part.body, partial(self._measured, decimals=int(decimals)))
            case Part("claims", (_, *_)):
                return self._claims(part.words)
            case Part("found", ()):
                return "\n\n".join(filter(None, [" ".join(findings(self.page)), found_table(self.page)]))
        if part.kind in KINDS:
            raise UserError(f"'{part.kind}' has not what it needs; shared/commands/readme.py says what that is.")
        raise UserError(f"nothing is known of the kind '{part.kind}'; {suggestion(part.kind, KINDS)}")

    def _table(self, target: str) -> str:
        is_table = self.paper.target(target).kind == "table"
        if is_table and not record_paths(self.paper, target, "published", self.results):
            return f"No record of `{target}` is published."
        drawn = draw(self.paper, target, "published", self.results)
        if not isinstance(drawn, Table):
            raise UserError(f"{target} is a figure; name a table.")
        return target_text(drawn, ours=self.paper.target(target).ours)

    def _claims(self, data: Sequence[str]) -> str:
        known = components(self.paper.key, DataSet)
        for name in data:
            if name not in known:
                raise UserError(f"there is no data set '{name}'; {suggestion(name, known)}")
        runs = {record.run for record, _ in self.records.records if record.data.name in data}
        verdicts, _ = judged(self.paper, "published", self.records)
        told = [claim for claim in verdicts.claims if claim.verdict in SCORED and runs.intersection(claim.runs)]
        if not told:
            return f"No claim has records on {' or '.join(data)} that are published."
        return claims_table([claim_row(claim, ()) for claim in told])

    def _measured(self, cells: Sequence[str], decimals: int) -> str:
        *_, run, place = (cell.strip("`") for cell in ("", *cells))
        benchmark, _, metric = place.partition("/")
        names = [self.paper.run(name, "full").name for name in listed(run)]
        by_run = [by_seed(self.records, name, benchmark, metric) for name in names]
        seeds = sorted(set.intersection(*(set(values) for values in by_run)))
        if not seeds:
            raise UserError(f"no published record of {run} has {place}; correct the row or remove it.")
        return measured([mean([values[seed] for values in by_run]) for seed in seeds], decimals)
