"""Bring the data of a scale under the data root beforehand, where there is a network: all that can be had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from shared.errors import UserError
from shared.runs.catalogue import data_sets
from shared.runs.registry import Paper


def fetch(papers: Iterable[Paper], scale: str, root: Path) -> Iterator[str]:
    """Fetch or make, and read, what the runs of a scale need and what can be had; yield a line for each data set.

    A set that must be brought by hand is told with how; so is one that could not be fetched, and the others are brought
    all the same.

    Raises:
        UserError: at the end, where a set could not be fetched.

    """
    wanted = {name: data for paper in papers for name, data in data_sets(paper.runs(scale).values()).items()}
    failed = []
    for name, data in wanted.items():
        place = root / data.place
        there = data.is_there(root)
        if not data.obtainable:
            yield f"{name}: in {place}" if there else f"{name}: to be brought by hand: {data.whose.how_to_get}"
            continue
        try:
            data.of_seed(0).load(root)
        except UserError as error:
            failed.append(name)
            yield f"{name}: {error}"
        else:
            yield f"{name}: {'in' if there else 'brought into'} {place}"
    if failed:
        raise UserError(f"could not be fetched: {', '.join(failed)}; mend what is said above, then fetch again.")
