"""Seeds of runs whose training got nowhere, or not to its end: what was measured of them is set aside and named.

So are those of which something else is to be said, which are judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.verdicts.health import FELL
from shared.verdicts.measurements import Measurements
from shared.verdicts.words import named_seeds, runs_and_seeds

Untrained = Mapping[tuple[str, int], str]
"""Why nothing can be read from a run and a seed."""
Warned = Mapping[tuple[str, int], str]
"""What is to be said of a run and a seed that can be read."""


def set_aside(measurements: Measurements, untrained: Untrained) -> Measurements:
    """Return what was measured of the other seeds; a run of which none is left keeps its place, empty."""
    return {
        (run, metric): {seed: value for seed, value in seeds.items() if (run, seed) not in untrained}
        for (run, metric), seeds in measurements.items()
    }


def never_trained(runs: Iterable[str], measurements: Measurements, untrained: Untrained) -> str:
    """Name the runs of which no seed is left, each with what ails its first seed; "" where there is none."""
    lost = _lost(measurements, untrained)
    return "; ".join(f"{run} is not trained: {lost[run][0]}" for run in runs if run in lost)


def failed(measurements: Measurements, untrained: Untrained) -> list[str]:
    """Return the runs that could not be trained, of no seed; none of which a seed was only cut while it learned."""
    lost = _lost(measurements, untrained)
    return [run for run, reasons in lost.items() if not any(why.startswith(FELL) for why in reasons)]


def mostly_lost(runs: Iterable[str], measurements: Measurements, untrained: Untrained) -> list[str]:
    """Return those of some runs of which half of the seeds or more were set aside: who is left tells who survives."""
    seen = _ailing(measurements, untrained)
    return [
        run for run in runs if run in seen and len(seen[run]) <= 2 * sum((run, seed) in untrained for seed in seen[run])
    ]


def _lost(measurements: Measurements, untrained: Untrained) -> dict[str, list[str]]:
    """Return the runs of which no seed is left, each with what ails its seeds, in their order."""
    return {
        run: [untrained[run, seed] for seed in sorted(seeds)]
        for run, seeds in _ailing(measurements, untrained).items()
        if all((run, seed) in untrained for seed in seeds)
    }


def _ailing(measurements: Measurements, untrained: Untrained) -> dict[str, set[int]]:
    """Return the measured seeds of each run of which some are not trained."""
    runs = {run for run, _ in untrained}
    seen: dict[str, set[int]] = {}
    for (run, _), seeds in measurements.items():
        if run in runs and seeds:
            seen.setdefault(run, set()).update(seeds)
    return seen


def seeds_lost(runs: Iterable[str], untrained: Untrained) -> str:
    """Name the seeds of runs that were set aside, "" where there is none."""
    by_run = {name: sorted(seed for run, seed in untrained if run == name) for name in runs}
    return ", ".join(f"{named_seeds(seeds)} of {run}" for run, seeds in by_run.items() if seeds)


def warning(runs: Iterable[str], warned: Warned) -> str:
    """Say what is to be said of runs, each time with their seeds, "" where there is nothing."""
    of_runs, said = set(runs), dict[str, list[tuple[str, int]]]()
    for (run, seed), ills in sorted(warned.items()):
        if run in of_runs:
            said.setdefault(ills, []).append((run, seed))
    return "; ".join(f"{ills}: {runs_and_seeds(places)}" for ills, places in said.items())
