"""Compare what the code of two working copies left behind, run by run and bit by bit."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from shared import ROOT
from shared.errors import UserError
from shared.records.fingerprint import evaluation_definitions, fingerprint, training_definitions
from shared.records.records import find_records
from shared.records.results import Results
from shared.records.same_bits import Differences, Left, compare, read_left
from shared.records.shown_equal import Codes, Comparison, Pair, read_shown_equal, write_shown_equal
from shared.runs.catalogue import benchmarks
from shared.runs.config import Run
from shared.runs.experiments import experiments
from shared.runs.registry import EVIDENCE, TRAINED_SCALES, papers
from shared.runs.trial import read_trial

UNKNOWN = "unknown"
"""What a record calls the code of a checkpoint that did not tell it."""


class Compared(NamedTuple):
    """What one training left behind here and there, and what of it differs."""

    here: Left
    there: Left
    differences: Differences


def same_bits(other: Path, scale: str, results: Results, *, write: bool = False) -> bool:
    """Print what differs between the records of this working copy and of `other`, and return whether nothing does.

    With `write`, the code that was shown to leave the same bits is noted in `same-bits.yaml`, and what was noted there
    and is refuted now is taken out. The code of a run that is configured otherwise and trains other weights is not
    compared.

    Raises:
        UserError: there is no such working copy, one of the two has no records, or a record is damaged.

    """
    if not other.is_dir():
        raise UserError(f"{other} is no folder; name the working copy to compare with.")
    ours, theirs = _seeds(results, scale), _seeds(Results(other / "results"), scale)
    compared = {}
    for name in sorted(ours | theirs):
        if name not in ours or name not in theirs:
            print(f"{name}: only {'here' if name in ours else 'there'}")  # noqa: T201
            continue
        here, there = read_left(ours[name]), read_left(theirs[name])
        differences = compare(here, there)
        if differences.trained and here.configuration != there.configuration:
            print(f"{name}: of another configuration")  # noqa: T201
            continue
        compared[name] = Compared(here, there, differences)
        for difference in differences:
            print(f"{name}: {difference}")  # noqa: T201
    differing = sum(any(entry.differences) for entry in compared.values())
    other_way = len(ours | theirs) - len(compared)
    alone = f"{other_way} more on one side only or of other configurations"
    print(f"{len(compared)} runs compared: {differing} differ; {alone}")  # noqa: T201
    if write and compared:
        _write(results.same_bits(), list(compared.values()), scale, other)
    return not differing and not other_way


def _seeds(results: Results, scale: str) -> dict[str, Path]:
    """Return the folders of all seeds of a scale by name."""
    folder = results.root / scale
    seeds = {
        f"{paper.name} {path.parent.relative_to(paper / 'runs').as_posix()}": path.parent
        for paper in sorted(folder.glob("*/"))
        for path in find_records(paper)
    }
    if not seeds:
        raise UserError(f"{folder} has no records to compare; first run snakemake --cores 2 {scale} there.")
    return seeds


def _write(path: Path, compared: Sequence[Compared], scale: str, other: Path) -> None:
    verdicts: defaultdict[Codes, list[bool]] = defaultdict(list)
    for entry in compared:
        for codes, same in set(_verdicts(entry, other)):
            if codes[0] != codes[1] and UNKNOWN not in codes:
                verdicts[codes].append(same)
    here, there = (side.record["provenance"] for side in compared[0][:2])
    comparison = Comparison(
        commits=(there["commit"], here["commit"]),
        scale=scale,
        machine=here["device"],
        packages=here["packages"],
        date=datetime.datetime.now(datetime.UTC).date(),
        pairs=tuple(Pair(codes=codes, runs=len(same)) for codes, same in sorted(verdicts.items()) if all(same)),
    )
    refuted = [codes for codes, same in verdicts.items() if not all(same)]
    write_shown_equal(path, read_shown_equal(path).with_comparison(comparison, refuted))
    print(f"{len(comparison.pairs)} pairs of fingerprints noted in {path}")  # noqa: T201


def _verdicts(entry: Compared, other: Path) -> Iterator[tuple[Codes, bool]]:
    """Yield each pair of fingerprints that the two records carry, theirs first, and whether the two left the same."""
    here, there, differences = entry
    same = {"": not differences.trained}
    if same[""]:  # else the metrics are of other weights, and say nothing of the code that measured them
        same |= {name: not told for name, told in differences.measured.items()}
    paper = papers().get(here.record["paper"])
    runs = [paper.runs(scale).get(here.record["run"]) for scale in TRAINED_SCALES] if paper else []
    compared = next((run for run in runs if run and run.scale == here.record["scale"]), None)
    runs += _tried().get((here.record["paper"], here.record["run"]), ())
    for name, verdict in same.items():
        codes = there.evaluation_code(name), here.evaluation_code(name)
        yield codes, verdict
        for run in runs:
            if run and compared and run is not compared:
                yield from ((carried, verdict) for carried in _carried(run, compared, name, codes, other))


@cache
def _tried() -> Mapping[tuple[str, str], Sequence[Run]]:
    """Return the runs of the suite's own trials at all scales, by the paper and the run in whose place each stands."""
    found: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
    stands = [(one, entry) for entry in papers().values() for scale in EVIDENCE for one in experiments(entry, scale)]
    for trial in map(read_trial, sorted((ROOT / "trials").glob("*.yaml"))):
        for experiment, entry in stands:
            if trial.stands_in(experiment):
                for place, run in zip(experiment.places, trial.runs(experiment, 1), strict=True):
                    found[entry.key, place.name].append(run)
    return found


def _carried(run: Run, compared: Run, benchmark: str, codes: Codes, other: Path) -> Iterator[Codes]:
    """Yield the pair of fingerprints that a run carries at another scale, or with a loss that is tried in its place.

    Only where what changed of its code was all in use where it was compared, so that the comparison tried it.
    """
    if benchmark and benchmark not in benchmarks(run.paper):
        return
    try:
        before, now, tried_before, tried_now = (
            evaluation_definitions(entry, benchmark, root) if benchmark else training_definitions(entry, root)
            for entry in (run, compared)
            for root in (other.resolve(), ROOT)
        )
    except LookupError:
        return
    tried = set(tried_before) ^ set(tried_now)
    if (fingerprint(tried_before), fingerprint(tried_now)) == codes and set(before) ^ set(now) <= tried:
        yield fingerprint(before), fingerprint(now)
