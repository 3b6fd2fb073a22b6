"""How the runs behind a target were made, a row a run, over its seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from shared.evaluation.spread import mean
from shared.records.records import Record
from shared.records.shown_equal import ShownEqual
from shared.reporting.older_code import OLDER_CODE, HasRuns, older_code
from shared.reporting.site import Curve, ProvenanceRow
from shared.verdicts.health import Health, tally

MOST_COUNTS = 50


def provenance(
    records: Iterable[Record],
    paper: HasRuns,
    shown: ShownEqual,
    healths: Mapping[tuple[str, int], Health],
    curves: Mapping[tuple[str, int], Curve],
) -> list[ProvenanceRow]:
    """Return a row for every run; `shown` says which older code was shown to leave the same bits as today's.

    `healths` tells, by run and seed, what ails their trainings, and `curves` has their learning curves.
    """
    by_run: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_run[record.run].append(record)
    return [_row(seeds, paper, shown, healths, curves) for seeds in by_run.values()]


def _row(
    seeds: list[Record],
    paper: HasRuns,
    shown: ShownEqual,
    healths: Mapping[tuple[str, int], Health],
    curves: Mapping[tuple[str, int], Curve],
) -> ProvenanceRow:
    made = [record.provenance for record in seeds]
    first = seeds[0]
    found = {record.seed: healths[place] for record in seeds if (place := (record.run, record.seed)) in healths}
    counts = {
        f"{part} images per class" if isinstance(count, list) else part: _shown(count)
        for part, count in first.data.counts.items()
    }
    sums = {f"md5 {name}": checksum for name, checksum in first.data.checksums.items()}
    return ProvenanceRow(
        run=first.run,
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
        older_code=max((older_code(record, paper, shown) for record in seeds), key=OLDER_CODE.index),
        ills=tally(health.ills for health in found.values()),
        training=dict(_told(found)),
        command=first.provenance.command,
        data={"data set": first.data.name, **counts, **sums, **_skipped(seeds)},
        packages=first.provenance.packages,
        curves={record.seed: curves[place] for record in seeds if (place := (record.run, record.seed)) in curves},
    )


def _told(found: Mapping[int, Health]) -> Iterator[tuple[str, str]]:
    """Yield what ails each seed and why, and the numbers that its training is judged by."""
    for seed, health in found.items():
        yield from ((f"seed {seed}, {ill}", why) for ill, why in health.ills.items())
        yield from ((f"seed {seed}, {name}", number) for name, number in health.told.items())


def _skipped(seeds: Iterable[Record]) -> dict[str, str]:
    """Return the benchmarks that were not measured, each with the reason."""
    return {f"not measured: {name}": reason for record in seeds for name, reason in record.skipped.items()}


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(sorted(set(texts)))


def _shown(count: object) -> str:
    """Return counts as the provenance shows them: all where there are few, else how many and from where to where."""
    if not isinstance(count, list):
        return str(count)
    if len(count) <= MOST_COUNTS:
        return ", ".join(map(str, count))
    return f"{sum(count):,} in {len(count):,} classes, {min(count):,} to {max(count):,} each"
