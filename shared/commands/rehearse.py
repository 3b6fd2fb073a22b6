"""Rehearse runs at their real size, those that differ in nothing that matters to it once."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

from shared import ROOT
from shared.commands.side_by_side import each
from shared.data.reading.regular import contents
from shared.data.reading.texts import from_json
from shared.errors import UserError
from shared.records.fingerprint import evaluation_code, training_code
from shared.records.records import write_json
from shared.records.results import Results
from shared.rehearsal import rehearsed
from shared.rehearsal.rehearsed import Rehearsed, burden, likeness
from shared.runs.catalogue import Evaluation, evaluations
from shared.runs.config import Run
from shared.runs.fields import Strict
from shared.runs.registry import TRAINED_SCALES, Paper, paper, papers

MOST_GPUS = 16
MOST_PROCESSES = 8
"""Each holds up to some two gigabytes."""
LIBRARIES_MIB = 1024
"""What torch's libraries hold of a GPU for themselves, about."""
Names = tuple[tuple[str, str], list[tuple[str, str, str]]]
"""Of a run its paper and name, and of each benchmark paper, run and name."""
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([GM])i?B?\s*", re.IGNORECASE)


@dataclass
class Alike:
    """Runs that one rehearsal stands for, and the benchmarks that it measures by, each with the run that names it."""

    runs: list[Run] = field(default_factory=list)
    benchmarks: list[tuple[Run, str, Evaluation]] = field(default_factory=list)

    @property
    def names(self) -> Names:
        """The names by which another process finds the run that is rehearsed, and the benchmarks."""
        first = self.runs[0]
        return (first.paper, first.name), [(run.paper, run.name, name) for run, name, _ in self.benchmarks]

    @property
    def key(self) -> str:
        """A name for the settings and for all code that has a part in the rehearsal, torch's too."""
        own = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "shared" / "rehearsal").glob("*.py"))]
        measured = [evaluation_code(run, name) for run, name, _ in self.benchmarks]
        made_of = json.dumps([version("torch"), likeness(self.runs[0]), training_code(self.runs[0]), *measured, *own])
        return hashlib.sha256(made_of.encode()).hexdigest()[:16]


@dataclass
class Told:
    """What a rehearsal of some runs told: numbers, where training came to its end, and what is wrong."""

    alike: Alike
    found: Rehearsed | None
    problems: list[str]


class _Kept(Strict):
    """What the file of a rehearsal tells."""

    found: Rehearsed | None
    problems: list[str]


def gpu_mib(text: str) -> float:
    """Return the MiB that "80 GiB" says; raises UserError where it says no size."""
    said = _SIZE.fullmatch(text)
    if not said:
        raise UserError(f"--gpu '{text}': give the memory of a GPU, such as '80 GiB'.")
    return float(said[1]) * (1024 if said[2].upper() == "G" else 1)


def alike(runs: Iterable[Run]) -> list[Alike]:
    """Return runs by their likeness, in their order; a benchmark is measured once for each network and scheme."""
    found: dict[str, Alike] = {}
    seen: set[str] = set()
    for run in runs:
        group = found.setdefault(likeness(run), Alike())
        group.runs.append(run)
        config = run.config
        for name, entry in evaluations(run, (*config.benchmarks, *config.along_training)).items():
            options = entry.benchmark.model_dump(mode="json")
            embeds = [part.model_dump(mode="json") for part in (config.backbone, config.scheme.rehearsed()[0])]
            kind = json.dumps([run.paper, embeds, config.data.image_shape, options], sort_keys=True)
            if kind not in seen:
                seen.add(kind)
                group.benchmarks.append((run, name, entry))
    return list(found.values())


def rehearsals(
    scale: str, entries: Sequence[Paper], results: Results, root: Path, processes: int = 1
) -> Iterator[Told]:
    """Rehearse all runs of some papers at a scale; what was told of the same code is read from `results`/rehearsals."""
    groups = alike(run for entry in entries for run in entry.runs(scale).values())
    paths = [results.root / "rehearsals" / f"{group.key}.json" for group in groups]
    known = [path.exists() for path in paths]
    left = [(group.names, path) for group, path, told in zip(groups, paths, known, strict=True) if not told]
    done = each(partial(_rehearse, scale, root), left, processes)
    for group, path, told in zip(groups, paths, known, strict=True):
        if not told:
            next(done)
        try:
            read = _Kept.model_validate(from_json(contents(path)))
        except (OSError, ValueError):
            raise UserError(f"{path}: it is damaged; remove it to have these runs rehearsed again.") from None
        yield Told(group, read.found, read.problems)


def _rehearse(scale: str, root: Path, left: tuple[Names, Path]) -> None:
    """Rehearse a run with benchmarks, and write what that told."""
    from shared.rehearsal.rehearsal import rehearse  # noqa: PLC0415 - imports torch
    from shared.training.termination import Stopped  # noqa: PLC0415

    ((key, name), measured), path = left
    benchmarks = [evaluations(paper(of).run(run, scale), (what,)) for of, run, what in measured]
    try:
        watched = rehearse(paper(key).run(name, scale), benchmarks, root)
    except Stopped:
        sys.exit(143)
    write_json(path, _Kept(found=watched.found, problems=watched.problems).model_dump(mode="json"))


def lines(told: Told, memory: float) -> Iterator[str]:
    """Yield what `rehearse` prints of runs alike, on GPUs of so many MiB; what is wrong stands behind a "!"."""
    runs, found = told.alike.runs, told.found
    others = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
    yield f"{runs[0].paper} {runs[0].name}{others}"
    if found:
        held = found.memory
        yield f"  {found.of}"
        yield (
            f"  {found.parameters:,} parameters; an image takes {_flops(found.training_flops)} to train on, "
            f"{_flops(found.embedding_flops)} to embed"
        )
        yield (
            f"  memory: {_size(held.weights)} weights, {_size(held.gradients)} gradients, {_size(held.optimizer)} "
            f"optimizer, {_size(held.activations)} activations; {_size(held.peak)} at most{_fits(told, memory)}"
        )
    yield from (f"  ! {problem}" for problem in problems(told, memory))


def problems(told: Told, memory: float) -> list[str]:
    """Return what is wrong with runs alike, also that they do not fit on the GPUs of so many MiB that they ask for."""
    asked, needed = told.alike.runs[0].config.training.gpus, _needed(told, memory)
    if told.found is None or not asked or (needed is not None and needed <= asked):
        return told.problems
    enough = "no number of them is enough" if needed is None else f"it would on {needed}"
    return [*told.problems, f"does not fit on {asked} GPU{'s'[: asked > 1]} of {_size(memory)}: {enough}"]


def _needed(told: Told, memory: float) -> int | None:
    """Return on how many GPUs of so many MiB a run fits; None where on no number of them."""
    counts = [2**power for power in range(MOST_GPUS.bit_length())]
    held = told.found.memory.on if told.found else None
    return next((count for count in counts if held and held(count) + LIBRARIES_MIB <= memory), None)


def _fits(told: Told, memory: float) -> str:
    if not told.alike.runs[0].config.training.gpus:
        return ", on a processor"
    needed = _needed(told, memory)
    return "" if needed is None else f"; fits on {needed} GPU{'s'[: needed > 1]} of {_size(memory)}"


def _size(mib: float) -> str:
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.1f} MiB"


def _flops(count: float) -> str:
    return f"{count / 1e9:.2f} GFLOP" if count >= 1e9 else f"{count / 1e6:.2f} MFLOP"


def keep(found: Iterable[Told]) -> Path:
    """Write what was found beside what is known of other runs, without what is of no run; return the file.

    Of several that take about the same, the one with the greatest memory is kept.
    """
    runs = [run for entry in papers().values() for scale in TRAINED_SCALES for run in entry.runs(scale).values()]
    fresh: dict[str, Rehearsed] = {}
    for told in found:
        key = burden(told.alike.runs[0])
        if told.found and (key not in fresh or fresh[key].memory.peak < told.found.memory.peak):
            fresh[key] = told.found
    known = rehearsed.known() | fresh
    rehearsed.write({key: known[key] for key in dict.fromkeys(map(burden, runs)) if key in known})
    return rehearsed.FILE
