"""Judge the records of a scale and write its report."""

from __future__ import annotations

import datetime
from pathlib import Path

from shared.commands.standings import standings_section
from shared.data.files import remove_unfinished
from shared.records.records import write_json
from shared.records.results import Results
from shared.reporting.against import Side, changes, other_records
from shared.reporting.pages import Page, data_sets_of
from shared.reporting.site import Against, Change, Site
from shared.reporting.site_folder import write_site
from shared.runs.registry import SMOKE, papers


def write_report(scale: str, results: Results, against: str | None = None) -> tuple[Path, Against | None]:
    """Write `verdicts.json` and the report of a scale from the records and targets that are there; return its page.

    With `against`, a scale or another folder of results, the report has a page of what changed from those records,
    which is returned too.

    Raises:
        UserError: a record is damaged, or there are no records of what `against` names.

    """
    other = None if against is None else other_records(against, scale, results)
    remove_unfinished(results.root / scale)
    pages = [Page(paper, scale, results) for paper in papers().values()]
    write_json(results.verdicts(scale), {page.paper.key: page.verdicts.as_dict() for page in pages})
    commits = {record.provenance.commit[:10] for page in pages for record, _ in page.records.records}
    index = results.report(scale)
    site = Site(
        scale=scale,
        no_evidence=scale == SMOKE,
        commit=", ".join(sorted(commits)) or "none",
        created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        papers=[page.view() for page in pages],
        tried=standings_section(results, scale),
        data_sets=data_sets_of(scale, pages),
        against=None if other is None else _against(against or "", scale, results, other),
        commands=[f"snakemake --cores 2 {index.as_posix()}", f"python -m shared report --scale {scale}"],
    )
    write_site(site, index.parent)
    return index, site.against


def _against(name: str, scale: str, results: Results, other: tuple[str, Results]) -> Against:
    """Return what the records of a scale say otherwise than other ones, of every paper."""
    found: list[Change] = []
    count = 0
    for paper in papers().values():
        found += changes(paper, Side.read(paper, *other), Side.read(paper, scale, results))
        count += len(paper.reference.values) + len(paper.reference.claims)
    return Against(name, found, count - len(found))
