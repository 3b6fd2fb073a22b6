"""Judge the records of a scale and write its report: from the registry and the records to the pages' plain data."""

from __future__ import annotations

import datetime
import importlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from shared.commands.older_code import older_code
from shared.commands.render import record_paths
from shared.commands.status import data_sets
from shared.evaluation.spread import mean
from shared.records.records import Record, Records, read_record, write_json
from shared.records.results import SUFFIXES, Results
from shared.records.shown_equal import read_shown_equal
from shared.reporting import site
from shared.reporting.table import read_display
from shared.runs import registry
from shared.runs.components import Card
from shared.runs.registry import Paper, Target
from shared.verdicts.verdicts import ClaimVerdict, ValueVerdict, judge_claims, judge_values, verdicts

MINUS = "\N{MINUS SIGN}"
MOST_COUNTS = 50


def write_report(scale: str, results: Results) -> Path:
    """Write `verdicts.json` and the report of a scale from the records and targets that are there; return its page."""
    pages, judged, commits = [], {}, []
    for paper in registry.papers().values():
        page = _Page(paper, scale, results)
        judged[paper.key] = verdicts(paper.reference, page.records.table, scale, page.elsewhere)
        pages.append(page.view())
        commits += [record.provenance.commit for record, _ in page.records.records]
    write_json(results.verdicts(scale), judged)
    index = results.report(scale)
    site.write_site(
        site.Site(
            scale=scale,
            no_evidence=scale == "smoke",
            commit=", ".join(sorted({commit[:10] for commit in commits})) or "none",
            created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            papers=pages,
            data_sets=_cards(pages, scale),
            commands=[f"snakemake --cores 2 {index.as_posix()}", f"python -m shared report --scale {scale}"],
        ),
        index.parent,
    )
    return index


def _cards(pages: Sequence[site.PaperPage], scale: str) -> list[Card]:
    """Return the cards of the data sets that the papers train and test on at a scale, at `published` at full scale."""
    trained = "full" if scale == "published" else scale
    cards: dict[str, Card] = {}
    for page in pages:
        for name, data in data_sets(registry.paper(page.key).runs(trained).values()).items():
            cards.setdefault(name, data.whose)
    return list(cards.values())


def _trained_elsewhere(paper: Paper, records: Iterable[Record]) -> dict[str, str]:
    """Return the runs that were trained on another data set than at full scale, and which that is."""
    full = paper.runs("full")
    return {
        record.run: record.data.name
        for record in records
        if record.run in full and record.data.name != full[record.run].config.data.name
    }


class _Page:
    """What one paper's page shows at one scale."""

    def __init__(self, paper: Paper, scale: str, results: Results) -> None:
        self.paper, self.scale, self.results = paper, scale, results
        self.paths = {name: record_paths(paper, name, scale, results) for name in paper.targets}
        present = sorted({path for paths in self.paths.values() for path in paths if path.exists()})
        self.records = Records(((read_record(path), path.parent) for path in present), paper.reference)
        self.by_path = dict(zip(present, (record for record, _ in self.records.records), strict=True))
        table = self.records.table
        self.elsewhere = {} if scale == "smoke" else _trained_elsewhere(paper, self.by_path.values())
        self.values = judge_values(paper.reference, table, scale, self.elsewhere)
        self.claims = judge_claims(paper.reference, table, scale)
        self.shown_equal = read_shown_equal(results.same_bits())

    def view(self) -> site.PaperPage:
        """Return the page as plain data."""
        citation = self.paper.reference.citation
        module = importlib.import_module(f"papers.{self.paper.key}")
        return site.PaperPage(
            key=self.paper.key,
            title=citation.title,
            citation=f"{', '.join(citation.authors)}. {citation.venue}, {citation.year or 'undated'}.",
            summary=(module.__doc__ or "").split("\n\n", 1)[-1].replace("\n", " "),
            targets=[self._target(name, target) for name, target in self.paper.targets.items()],
            claims=[_claim(claim, self.paper.targets) for claim in self.claims],
            deviations=[
                site.Deviation(
                    date=deviation.date.isoformat(),
                    what=f"The paper: {deviation.paper} Here: {deviation.here}",
                    why=deviation.why,
                    targets=deviation.targets,
                )
                for deviation in self.paper.deviations
            ],
            errata=[
                site.Erratum(where=erratum.where, problem=erratum.problem, reading=erratum.reading)
                for erratum in self.paper.reference.errata
            ],
        )

    def _target(self, name: str, target: Target) -> site.TargetSection:
        suffixes = SUFFIXES[target.kind]
        files = [self.results.target(self.scale, self.paper.key, name, suffix) for suffix in suffixes]
        done = all(path.exists() for path in files)
        view: dict[str, Any] = {}
        if done and target.kind == "table":
            caption, header, rows, notes = read_display(files[1])
            view = {"table": _table(header, rows), "caption": caption, "notes": notes, "downloads": files}
        elif done:
            with Image.open(files[0]) as picture:
                caption, *notes = str(picture.info.get("Description", target.title)).splitlines()
            view = {"image": files[0], "caption": caption, "notes": notes, "downloads": files[1:]}
        view["notes"] = [*view.get("notes", []), *self._data_notes(name)]
        records = [self.by_path[path] for path in self.paths[name] if path in self.by_path]
        return site.TargetSection(
            key=name,
            title=_numbered(name, target.title),
            kind=target.kind,
            state="done" if done else "not run",
            reason="" if done else "not drawn at this scale yet",
            ours=target.ours,
            values=[
                _value(value)
                for value in sorted(self.values, key=lambda value: value.source != "own")
                if value.target == name
            ],
            provenance=self._provenance(records),
            commands=self._commands(name, suffixes[0] if target.kind == "figure" else "md", records),
            **view,
        )

    def _data_notes(self, name: str) -> list[str]:
        """Say which of the paper's data sets that a target needs are no longer offered, and which still are."""
        cards = [data.whose for data in data_sets(self.paper.target_runs(name, "full")).values()]
        gone = ", ".join(card.title for card in cards if not card.available)
        left = ", ".join(card.title for card in cards if card.available)
        still = f" Still to be had: {left}." if left else ""
        return (
            [f"No longer offered by their owners, though the paper's protocol needs them: {gone}.{still}"]
            if gone
            else []
        )

    def _commands(self, name: str, suffix: str, records: Sequence[Record]) -> list[str]:
        path = self.results.target(self.scale, self.paper.key, name, suffix).as_posix()
        train = {f"python -m shared train {record.paper} {record.run} --scale {record.scale}" for record in records[:1]}
        return [
            f"snakemake --cores 2 {path}",
            *sorted(train),
            f"python -m shared render {self.paper.key} {name} --scale {self.scale}",
        ]

    def _provenance(self, records: Iterable[Record]) -> list[site.ProvenanceRow]:
        by_run: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            by_run[record.run].append(record)
        return [self._provenance_row(run, seeds) for run, seeds in by_run.items()]

    def _provenance_row(self, run: str, seeds: list[Record]) -> site.ProvenanceRow:
        made = [record.provenance for record in seeds]
        first = seeds[0]
        counts = {
            f"{part} images per class" if isinstance(count, list) else part: _shown(count)
            for part, count in first.data.counts.items()
        }
        sums = {f"md5 {name}": checksum for name, checksum in first.data.checksums.items()}
        return site.ProvenanceRow(
            run=run,
            scale=_joined(record.scale for record in seeds),
            seeds=", ".join(str(record.seed) for record in seeds),
            commit=_joined(provenance.commit[:10] + provenance.commit[40:] for provenance in made),
            config_hash=_joined(record.config_hash for record in seeds),
            device=_joined(provenance.device for provenance in made),
            precision=_joined(provenance.precision for provenance in made),
            threads=_joined(str(provenance.threads) for provenance in made),
            wall_time=f"{sum(provenance.wall_seconds for provenance in made):.0f} s",
            images_per_second=f"{mean([provenance.images_per_second for provenance in made]):,.0f}",
            peak_memory=f"{max(provenance.peak_memory_mib for provenance in made):.0f} MiB",
            older_code=max(
                (older_code(record, self.paper, self.shown_equal) for record in seeds), key=site.OLDER_CODE.index
            ),
            command=first.provenance.command,
            data={"data set": first.data.name, **counts, **sums, **_skipped(seeds)},
            packages=first.provenance.packages,
        )


def _skipped(seeds: Iterable[Record]) -> dict[str, str]:
    """Return the benchmarks that were not measured, each with the reason."""
    return {f"not measured: {name}": reason for record in seeds for name, reason in record.skipped.items()}


def _numbered(name: str, title: str) -> str:
    """Return "Table 1: title" for a target that is named as the paper numbers it, else the title."""
    numbered = re.fullmatch(r"(table|figure)(\d+)", name)
    return title if numbered is None else f"{numbered[1].capitalize()} {numbered[2]}: {title}"


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(sorted(set(texts)))


def _shown(count: object) -> str:
    """Return counts as the provenance shows them: all where there are few, else how many and from where to where."""
    if not isinstance(count, list):
        return str(count)
    if len(count) <= MOST_COUNTS:
        return ", ".join(map(str, count))
    return f"{sum(count):,} in {len(count):,} classes, {min(count):,} to {max(count):,} each"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> site.TableView:
    """Mark the columns that their header says are quoted, printed or measured."""
    marks: list[site.Mark] = [_mark(column) for column in header]
    cells = [[site.Cell(text, mark) for text, mark in zip(row, marks, strict=True)] for row in rows]
    return site.TableView(header, cells)


def _mark(column: str) -> site.Mark:
    lowered = column.lower()
    words: tuple[site.Mark, ...] = ("quoted", "printed", "measured")
    return next((word for word in words if word in lowered), "")


def _value(value: ValueVerdict) -> site.ValueRow:
    number = _number(value.decimals)
    finer = _number(value.decimals + 1)
    spread = "" if value.spread is None else f" ± {number(value.spread)}"
    printed = f"{number(value.printed)}{spread}" if value.printed is not None else (value.text or "–")
    return site.ValueRow(
        row=value.row,
        column=value.column,
        printed=printed,
        measured="" if value.mean is None else finer(value.mean),
        difference=""
        if value.difference is None
        else f"{value.difference:+.{value.decimals + 1}f}".replace("-", MINUS),
        interval="" if value.interval is None else f"{finer(value.interval[0])} to {finer(value.interval[1])}",
        seeds=str(value.n) if value.n else "",
        unit=value.unit,
        verdict=value.verdict,
        reason=value.reason,
        where=value.where,
        run=value.run or "",
    )


def _number(decimals: int) -> Any:
    return lambda value: f"{value:.{decimals}f}".replace("-", MINUS)


def _claim(claim: ClaimVerdict, targets: Mapping[str, Target]) -> site.ClaimRow:
    return site.ClaimRow(
        id=claim.id,
        says=claim.says,
        where=claim.where,
        verdict=claim.verdict,
        reason=claim.reason,
        targets=[target for target in claim.targets if target in targets],
    )
