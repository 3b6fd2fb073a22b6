"""Two sets of records side by side: of which numbers and claims they say different things, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import UserError
from shared.records.records import Record, Records, flat, has_records, read_record
from shared.records.results import Results
from shared.records.target_records import record_paths
from shared.reporting.health_marks import Healths
from shared.reporting.judged import judged
from shared.reporting.outlook import as_can_be_run
from shared.reporting.rows import value_row
from shared.reporting.site import Change
from shared.runs.claims import listed
from shared.runs.registry import SCALES, Paper
from shared.verdicts.claims import ClaimVerdict
from shared.verdicts.values import ValueVerdict
from shared.verdicts.verdicts import Verdicts
from shared.verdicts.words import named_seeds

Place = tuple[str, int]
MOST_SETTINGS = 3
_SAME = "--against {}: these are the same records; name another scale or folder of results."


@dataclass(frozen=True)
class Side:
    """A set of records of one paper by run and seed, with what they say."""

    records: Mapping[Place, Record]
    healths: Healths
    verdicts: Verdicts

    @classmethod
    def read(cls, paper: Paper, scale: str, results: Results) -> Side:
        """Read what is there, of whichever configuration; raises UserError of a damaged record."""
        paths = sorted({path for name in paper.targets for path in record_paths(paper, name, scale, results)})
        read = [(read_record(path), path.parent) for path in paths if path.exists()]
        records = Records(read, paper.reference)
        verdicts, healths = judged(paper, scale, records)
        verdicts = as_can_be_run(verdicts, paper, [record for record, _ in read])
        return cls({(record.run, record.seed): record for record, _ in read}, healths, verdicts)

    def seeds(self, run: str) -> list[int]:
        """Return the seeds of a run."""
        return sorted(seed for name, seed in self.records if name == run)


def other_records(named: str, scale: str, results: Results) -> tuple[str, Results]:
    """Return the scale and the results that `named` stands for: a scale of these results, or a folder of others.

    Raises:
        UserError: it is neither, or the very records that are to be compared with it.

    """
    if named in SCALES:
        if named == scale:
            raise UserError(_SAME.format(named))
        if not has_records(results.root / named):
            raise UserError(f"--against {named}: {results.root / named} has no records; name what has some.")
        return named, results
    folder = Results(Path(named))
    if folder.root.resolve() == results.root.resolve():
        raise UserError(_SAME.format(named))
    if not has_records(folder.root / scale):
        raise UserError(
            f"--against {named}: neither a scale ({', '.join(SCALES)}) nor a folder with records in {scale}/."
        )
    return scale, folder


def changes(paper: Paper, before: Side, after: Side) -> Iterator[Change]:
    """Yield the numbers and claims of which the two sides say different things, or the same by other numbers."""
    for one, two in zip(before.verdicts.values, after.verdicts.values, strict=True):
        if (one.verdict, one.mean) != (two.verdict, two.mean):
            target = two.target if two.target in paper.targets else "claims"
            yield Change(
                paper=paper.key,
                address=f"{paper.key}.html#{target}",
                what=" · ".join(filter(None, (two.target, two.row, two.column))),
                before=_number(one),
                after=_number(two),
                before_verdict=one.verdict,
                after_verdict=two.verdict,
                why=list(reasons(listed(two.run or ""), before, after)),
            )
    for first, second in zip(before.verdicts.claims, after.verdicts.claims, strict=True):
        if (first.verdict, _effects(first)) != (second.verdict, _effects(second)):
            yield Change(
                paper=paper.key,
                address=f"{paper.key}.html#claim-{second.id}",
                what=f"{second.id}: {second.says}",
                before=first.reason,
                after=second.reason,
                before_verdict=first.verdict,
                after_verdict=second.verdict,
                why=list(reasons(second.runs, before, after)),
            )


def reasons(runs: Iterable[str], before: Side, after: Side) -> Iterator[str]:
    """Yield in what the records of some runs differ, each time with the runs of which that is so."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for reason in _of_run(run, before, after):
            found.setdefault(reason, []).append(run)
    for reason, names in found.items():
        yield f"{reason} ({', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''})"
    if not found:
        yield "other numbers from the same configurations, seeds and weights, so by other code or images that measure"


def _of_run(run: str, before: Side, after: Side) -> Iterator[str]:
    one, two = before.seeds(run), after.seeds(run)
    if one != two:
        yield f"{_listed(one)} became {_listed(two)}"
    common = [(run, seed) for seed in one if seed in two]
    if not common:
        return
    first, second = before.records[common[0]], after.records[common[0]]
    if first.scale != second.scale:
        yield f"scale {first.scale} became {second.scale}"
    if first.provenance.code != second.provenance.code:
        yield "trained by other code"
    if first.config_hash != second.config_hash:
        yield f"another configuration: {_settings(first.config, second.config)}"
    elif first.provenance.code == second.provenance.code and _weights(before, common) != _weights(after, common):
        yield f"other weights by the same code, on {first.provenance.device} and {second.provenance.device}"
    trained, are = _trained(before, common), _trained(after, common)
    if trained != are:
        yield f"{len(trained)} of these seeds had trained, {len(are)} have"


def _weights(side: Side, places: Iterable[Place]) -> list[str]:
    return [side.records[place].provenance.weights_sha256 for place in places]


def _trained(side: Side, places: Iterable[Place]) -> list[Place]:
    return [place for place in places if place in side.healths and side.healths[place].trained]


def _settings(one: Mapping[str, Any], two: Mapping[str, Any]) -> str:
    before, after = dict(flat(one)), dict(flat(two))
    differing = [name for name in before | after if before.get(name) != after.get(name)]
    said = [f"{name} {before.get(name, 'not there')} became {after.get(name, 'none')}" for name in differing]
    more = len(said) - MOST_SETTINGS
    return ", ".join(said[:MOST_SETTINGS]) + (f" and {more} more" if more > 0 else "")


def _listed(seeds: list[int]) -> str:
    return named_seeds(seeds) if seeds else "no seed"


def _number(value: ValueVerdict) -> str:
    row = value_row(value)
    return f"{row.measured} ({row.seeds})" if row.measured else ""


def _effects(claim: ClaimVerdict) -> list[float | None]:
    return [found.effect for found in claim.findings]
