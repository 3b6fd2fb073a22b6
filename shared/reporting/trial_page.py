"""The page of a loss of one's own: what it shows, as formatted text, and its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from shared.reporting.rows import table_view
from shared.reporting.site import Site, TableView, TargetSection
from shared.reporting.site_folder import replace_report, templates
from shared.reporting.table import Table, measured
from shared.reporting.trial import Part
from shared.reporting.words import WORDS
from shared.verdicts.findings import p_text
from shared.verdicts.health import tally
from shared.verdicts.measurements import Seeds
from shared.verdicts.trials import Measured, Versus
from shared.verdicts.words import Word, in_print

MEANINGS: dict[Word, str] = {
    "better": "Beyond seed noise, to the credit of what was tried (p < 0.05, by Holm over all comparisons with the "
    "papers' methods, and over those with each other trial apart).",
    "worse": "Beyond seed noise, to the other's credit.",
    "inconclusive": WORDS["inconclusive"].meaning,
    "not trained": WORDS["not trained"].meaning,
    "not run": "Nothing to compare yet: a side has no record, or none with this measure, as the reason says.",
    "no evidence": "Made at a scale whose numbers say nothing about any loss.",
}
SIGNED = "+.2f"


class Row(NamedTuple):
    """A comparison as text, with what ails the trainings of either side, by how many seeds."""

    condition: str
    metric: str
    other: str
    mean: str
    other_mean: str
    effect: str
    interval: str
    p: str
    verdict: Word
    reason: str
    own_ills: Mapping[str, int]
    ills: Mapping[str, int]


class View(NamedTuple):
    """A table as a part shows it."""

    title: str
    view: TableView
    notes: Sequence[str]


@dataclass(frozen=True)
class TrialPage:
    """All that the page shows; `files` are written beside it as they are, by name."""

    name: str
    says: str
    parts: Sequence[Part]
    sources: Mapping[str, str]
    commands: Sequence[str]
    files: Mapping[str, str]
    folder: Path = Path()

    @property
    def tally(self) -> dict[str, int]:
        """How often each word was said of a comparison."""
        found = Counter(versus.verdict for part in self.parts for versus in part.versus)
        return {word: found[word] for word in MEANINGS if found[word]}

    @property
    def legend(self) -> dict[str, str]:
        """The words that the page may show, with their meanings."""
        return {word: meaning for word, meaning in MEANINGS.items() if word in self.tally}

    def image(self, name: str) -> Path:
        """Return the picture of a figure."""
        return self.folder / f"{name}.png"

    def views(self, part: Part) -> list[View]:
        """Return the tables of a part as they are shown."""
        return [_view(table) for table in part.tables]

    def provenance(self, part: Part) -> TargetSection:
        """Return how the runs behind a part were made."""
        return TargetSection(part.key, part.title, "done", provenance=part.provenance)

    def rows(self, part: Part) -> list[Row]:
        """Return the comparisons of a part."""
        return [_row(versus) for versus in part.versus]


def write_trial_page(page: TrialPage, site: Site, folder: Path) -> None:
    """Write the page with its figures and files to a folder, in the place of an older one."""

    def write(fresh: Path) -> None:
        for part in page.parts:
            for name, figure in part.figures.items():
                figure.write(fresh / name, no_evidence=site.no_evidence)
        for name, text in page.files.items():
            (fresh / name).write_text(text, encoding="utf-8")
        template = templates(site, fresh).get_template("trial.html.j2")
        text = template.render(trial=replace(page, folder=fresh))
        (fresh / "index.html").write_text(text, encoding="utf-8", newline="\n")

    replace_report(folder, write)


def _view(table: Table) -> View:
    header = [str(column) for column in table.display.columns]
    return View(table.caption, table_view(header, table.display.astype(str).to_numpy().tolist()), table.notes)


def _row(versus: Versus) -> Row:
    found = versus.finding
    own, other = versus.sides
    return Row(
        condition=versus.experiment.name,
        metric=versus.experiment.metric,
        other=versus.other.label,
        mean=_shown(own),
        other_mean=_shown(other),
        effect="–" if found.effect is None else in_print(found.effect, SIGNED),
        interval="" if found.interval is None else " to ".join(in_print(end, SIGNED) for end in found.interval),
        p=p_text(found.p_adjusted),
        verdict=versus.verdict,
        reason=versus.reason,
        own_ills=_ills(versus.own),
        ills=_ills(versus.other),
    )


def _shown(seeds: Seeds) -> str:
    return measured(list(seeds.values())) if seeds else "–"


def _ills(method: Measured) -> dict[str, int]:
    return tally(health.ills for health in method.healths.values())
