"""For each target of a scale: done, ready to run, or what is missing; with the time and room that the rest takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shared.config import DataSet
from shared.records import Record, find_records, read_record
from shared.registry import Paper, Run, papers
from shared.render import record_paths
from shared.results import SUFFIXES, Results

RECORD_MEGABYTES = 0.01
FEATURES_MEGABYTES = 0.3


def lines(scale: str, results: Results, root: Path) -> Iterator[str]:
    """Yield the lines that `status` prints for a scale."""
    for paper in papers().values():
        measured = {record.config_hash: record for record in _published(paper, results)}
        for name in paper.targets:
            yield f"{paper.key}/{name}: {_target(paper, name, scale, results=results, root=root, measured=measured)}"
        if scale != "published":
            yield from _data_sets(paper, scale, root)


def _published(paper: Paper, results: Results) -> list[Record]:
    return [read_record(path) for path in find_records(results.paper("published", paper.key))]


def _target(paper: Paper, name: str, scale: str, *, results: Results, root: Path, measured: dict[str, Record]) -> str:
    suffixes = SUFFIXES[paper.target(name).kind]
    drawn = all(results.target(scale, paper.key, name, suffix).exists() for suffix in suffixes)
    paths = record_paths(paper, name, scale, results)
    missing = [path for path in paths if not path.exists()]
    if scale == "published":
        kept = f"{len(paths)} records kept"
        return "no records kept" if not paths else f"done, {kept}" if drawn else f"ready to draw, {kept}"
    if not missing:
        return "done" if drawn else "trained, ready to draw"
    runs = paper.target_runs(name, scale)
    lacking = sorted({run.config.data.name for run in runs if not _at_hand(run.config.data, root)})
    left = [
        (run, seed)
        for run in runs
        for seed in range(run.seeds)
        if not results.record(scale, paper.key, run.name, seed).exists()
    ]
    cost = _cost(paper, [run for run, _ in left], measured)
    fetching = sorted({run.config.data.name for run in runs if not _there(run.config.data, root)})
    if lacking:
        return f"needs data set {', '.join(lacking)} (below); then {len(left)} trainings, {cost}"
    first = f"fetches or makes data set {', '.join(fetching)} (below), then " if fetching else ""
    return f"ready to run: {first}{len(left)} of {len(paths)} trainings left, {cost}"


def _cost(paper: Paper, left: list[Run], measured: dict[str, Record]) -> str:
    """Return the time of the trainings by published records of the very same runs, else by the stated speed."""
    seconds, unknown = 0.0, 0
    for run in left:
        if run.hash in measured:
            seconds += measured[run.hash].provenance.wall_seconds
        elif run.scale in paper.images_per_second:
            training = run.config.training
            seconds += training.epochs * _training_images(run.config.data) / paper.images_per_second[run.scale]
        else:
            unknown += 1
    megabytes = sum(RECORD_MEGABYTES + FEATURES_MEGABYTES * len(run.config.keep_features) for run in left)
    hours = f"about {seconds / 3600:.1f} device hours" if unknown < len(left) else "device hours not known"
    return f"{hours}, {megabytes:.1f} MB"


def _training_images(data: DataSet) -> float:
    """Return about how many images are trained on: all that there are, of the classes chosen."""
    return data.training_images * data.trained_classes / data.classes


def _at_hand(data: DataSet, root: Path) -> bool:
    return data.fetched or _there(data, root)


def _there(data: DataSet, root: Path) -> bool:
    return any((root / data.folder).glob("*"))


def _data_sets(paper: Paper, scale: str, root: Path) -> Iterator[str]:
    """Say of each data set that a paper's runs need whose it is, and where it is or how to get it."""
    sets = {run.config.data.name: run.config.data for run in paper.runs(scale).values()}
    for name, data in sets.items():
        folder = root / data.folder
        where = f"in {folder}" if folder.is_dir() else f"not in {folder}: {data.card.how_to_get}"
        yield f"data set {name} ({data.card.title}; {data.card.owner}; {data.card.licence}): {where}"
