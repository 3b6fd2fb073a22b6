"""The page of one paper, from what it declares and the records and targets that are there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from shared.errors import UserError
from shared.records.kept import CURVE, read_curve
from shared.records.records import Record
from shared.records.results import SUFFIXES, Results
from shared.records.shown_equal import read_shown_equal
from shared.records.target_records import found, record_paths
from shared.reporting.judged import judged
from shared.reporting.left_out import left_out
from shared.reporting.outlook import Measured, as_can_be_run, left_at, measured, measures, outlook
from shared.reporting.provenance import provenance
from shared.reporting.rows import claim_row, table_view, value_row
from shared.reporting.site import ClaimRow, Curve, DataSetRow, Deviation, Erratum, Ground, PaperPage, TargetSection
from shared.reporting.table import read_display
from shared.reporting.takes import takes
from shared.runs.catalogue import data_sets
from shared.runs.claims import asked
from shared.runs.registry import Paper
from shared.runs.runs_file import Target
from shared.verdicts.claims import ClaimVerdict
from shared.verdicts.values import ValueVerdict


class Page:
    """What one paper's page shows at one scale: `records` that are there, and what they say of numbers and claims."""

    def __init__(self, paper: Paper, scale: str, results: Results) -> None:
        self.paper, self.scale, self.results = paper, scale, results
        self.paths = {name: record_paths(paper, name, scale, results) for name in paper.targets}
        self.there = found(paper, scale, sorted({path for paths in self.paths.values() for path in paths}), results)
        self.there.require_whole()
        self.records = self.there.records(paper)
        verdicts, self.healths = judged(paper, scale, self.records)
        self.verdicts = as_can_be_run(verdicts, paper, self.there.current.values())
        self.shown_equal = read_shown_equal(results.same_bits())
        folders = ((record, folder / CURVE) for record, folder in self.records.finite)
        self.curves = {(record.run, record.seed): _curve(path) for record, path in folders if path.exists()}
        self.scales = {record.run: record.scale for record in self.there.current.values()}

    def view(self) -> PaperPage:
        """Return the page as plain data."""
        citation = self.paper.reference.citation
        module = importlib.import_module(f"papers.{self.paper.key}")
        return PaperPage(
            key=self.paper.key,
            title=citation.title,
            citation=f"{', '.join(citation.authors)}. {citation.venue}, {citation.year or 'undated'}.",
            summary=(module.__doc__ or "").split("\n\n", 1)[-1].replace("\n", " "),
            targets=[self._target(name, target) for name, target in self.paper.targets.items()],
            claims=[self._claim(claim) for claim in self.verdicts.claims],
            deviations=[
                Deviation(
                    date=deviation.date.isoformat(),
                    what=f"The paper: {deviation.paper} Here: {deviation.here}",
                    why=deviation.why,
                    targets=deviation.targets,
                )
                for deviation in self.paper.deviations
            ],
            errata=[
                Erratum(id=erratum.id, where=erratum.where, problem=erratum.problem, reading=erratum.reading)
                for erratum in self.paper.reference.errata
            ],
            grounds=self._grounds(self.there.current.values()),
            outlook=outlook(self.paper, left_at(self.scale), self.there.current.values()),
        )

    def _claim(self, claim: ClaimVerdict) -> ClaimRow:
        grounds = self._grounds([record for record in self.there.current.values() if record.run in claim.runs])
        return claim_row(claim, self.paper.targets, self._trainings(claim), grounds=grounds)

    @cached_property
    def _measured(self) -> Measured:
        """What there are records of."""
        return measured(self.there.current.values())

    @cached_property
    def _own_titles(self) -> dict[str, set[str]]:
        """The title of the data set that the paper has each run of full scale trained on."""
        return {run: {spec.config.data.whose.title} for run, spec in self.paper.runs("full").items()}

    def _grounds(self, records: Iterable[Record]) -> list[Ground]:
        """Return what records were trained on, full scale first; one of no full scale, on any of the paper's data."""
        own = self._own_titles
        grounds = set()
        for record in records:
            title = self.paper.run(record.run, record.scale).config.data.whose.title
            is_own = title in own.get(record.run, set().union(*own.values()))
            grounds.add(Ground(record.scale, title, is_own))
        return sorted(grounds, key=lambda ground: (ground.scale != "full", ground.scale, not ground.own, ground.data))

    def _target(self, name: str, target: Target) -> TargetSection:
        suffixes = SUFFIXES[target.kind]
        files = [self.results.target(self.scale, self.paper.key, name, suffix) for suffix in suffixes]
        drawn = self._drawn(name, target, files)
        reason = self._not_done(name, drawn)
        drawn = {"notes": []} if drawn is None or reason else drawn
        records = [self.there.current[path] for path in self.paths[name] if path in self.there.current]
        return TargetSection(
            key=name,
            title=_numbered(name, target.title),
            state="not run" if reason else "done",
            reason=reason,
            takes=takes(self.paper.target_runs(name, self.trained)) if reason else "",
            ours=target.ours,
            values=[value_row(value, f"{name}--{place}") for place, value in enumerate(self._values(name))],
            provenance=provenance(records, self.paper, self.shown_equal, self.healths, self.curves),
            commands=self._commands(name, suffixes[0] if target.kind == "figure" else "md", records),
            **{**drawn, "notes": [*drawn["notes"], *self._data_notes(name)]},
        )

    @property
    def trained(self) -> str:
        """The scale at which what is not there would be trained."""
        return "full" if self.scale == "published" else self.scale

    def _values(self, name: str) -> list[ValueVerdict]:
        """Return the printed numbers of a target, the paper's own first."""
        of_target = [value for value in self.verdicts.values if value.target == name]
        return sorted(of_target, key=lambda value: value.source != "own")

    def _trainings(self, claim: ClaimVerdict) -> list[str]:
        """Return the commands that train the runs of a claim, each at a scale at which it measures what is asked."""
        metrics: dict[str, set[str]] = {run: set() for run in claim.runs}
        for run, metric in () if claim.test is None else asked(claim.test):
            metrics[run].add(metric)
        commands = []
        for run, needed in metrics.items():
            for scale in dict.fromkeys([self.scales.get(run, self.trained), self.trained, *left_at(self.scale)]):
                if all(
                    measures(self.paper, scale, run, one, self._measured, on_its_data=claim.on_its_data)
                    for one in needed
                ):
                    commands.append(f"python -m shared train {self.paper.key} {run} --scale {scale}")
                    break
        return commands

    def _drawn(self, name: str, target: Target, files: Sequence[Path]) -> dict[str, Any] | None:
        """Return what the files of a target show, None where they are not all there; UserError of a damaged one."""
        if not all(path.exists() for path in files):
            return None
        try:
            return _shown(target, files)
        except (OSError, ValueError, SyntaxError):  # what Pillow says of a damaged picture
            again = f"python -m shared render {self.paper.key} {name} --scale {self.scale}"
            raise UserError(f"{files[0].with_suffix('')}.*: a file is damaged; draw it again with: {again}") from None

    def _not_done(self, name: str, drawn: dict[str, Any] | None) -> str:
        """Return why a target is not done: it is not drawn, or drawn with records that are not of today's runs."""
        other = [path for path in self.paths[name] if path in self.there.other]
        lacking = left_out(other, self.there, self.results)
        if drawn is None:
            return " ".join(["not drawn at this scale yet.", *lacking]) if lacking else "not drawn at this scale yet"
        return " ".join(note for note in lacking if note not in drawn["notes"])

    def _data_notes(self, name: str) -> list[str]:
        """Say which of the paper's data sets that a target needs are no longer offered, and which still are."""
        cards = [data.whose for data in data_sets(self.paper.target_runs(name, "full")).values()]
        gone = ", ".join(card.title for card in cards if not card.available)
        left = ", ".join(card.title for card in cards if card.available)
        still = f" Still to be had: {left}." if left else ""
        note = f"No longer offered by their owners, though the paper's protocol needs them: {gone}.{still}"
        return [note] if gone else []

    def _commands(self, name: str, suffix: str, records: Sequence[Record]) -> list[str]:
        """Return the commands that draw a target anew, at `published` from the records that are kept or by training."""
        trained = sorted({record.scale for record in records}) or [self.trained]
        scales = dict.fromkeys(trained, "trains what it needs, and draws it")
        if self.scale == "published" and records:
            scales = {self.scale: "draws it from the records kept here", **scales}
        paths = {scale: self.results.target(scale, self.paper.key, name, suffix).as_posix() for scale in scales}
        return [f"snakemake --cores 2 {paths[scale]}  # {what}" for scale, what in scales.items()]


def data_sets_of(scale: str, pages: Iterable[Page]) -> list[DataSetRow]:
    """Return the data sets that there are records of, and those that the papers take at a scale, each title once.

    At `published` that is full scale.
    """
    taken = "full" if scale == "published" else scale
    rows: dict[str, DataSetRow] = {}
    for page in pages:
        recorded = [page.paper.run(record.run, record.scale) for record in page.there.current.values()]
        for data in data_sets([*recorded, *page.paper.runs(taken).values()]).values():
            rows.setdefault(data.whose.title, DataSetRow(data.whose, data.obtainable))
    return list(rows.values())


def _shown(target: Target, files: Sequence[Path]) -> dict[str, Any]:
    """Return what the files of a target, in the order of their suffixes, show: itself, its caption and its notes."""
    if target.kind == "table":
        caption, header, rows, notes = read_display(files[1])
        return {"table": table_view(header, rows), "caption": caption, "notes": notes, "downloads": files}
    with Image.open(files[0], formats=["PNG"]) as picture:
        picture.verify()
        caption, *notes = str(picture.info.get("Description", target.title)).splitlines()
    return {"image": files[0], "caption": caption, "notes": notes, "downloads": files[1:]}


def _curve(path: Path) -> Curve:
    """Return a learning curve, of what is drawn of it; raises UserError of a damaged one."""
    rows = read_curve(path)
    curve = {name: [(row["epoch"], row[name]) for row in rows if name in row] for name in ("loss", "held_out_error")}
    return {name: pairs for name, pairs in curve.items() if pairs}


def _numbered(name: str, title: str) -> str:
    """Return "Table 1: title" for a target that is named as the paper numbers it, else the title."""
    numbered = re.fullmatch(r"(table|figure)(\d+)", name)
    return title if numbered is None else f"{numbered[1].capitalize()} {numbered[2]}: {title}"
