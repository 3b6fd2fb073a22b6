"""What the Snakefile asks the registry: which files there are to make, and what each is made from."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import shlex
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

from shared.commands import needs
from shared.data.files import data_root
from shared.errors import UserError, suggestion
from shared.records.records import BENCHMARKS, RECORD
from shared.records.results import SUFFIXES, Results
from shared.records.target_records import record_paths
from shared.records.trials import Attempt, Library
from shared.runs.catalogue import at_hand, benchmarks
from shared.runs.config import Run
from shared.runs.registry import SCALES, TRAINED_SCALES, paper, papers

RESULTS = Results()
LONGEST_MINUTES = 1440
"""What a job asks for whose time is not known: one that takes longer is stopped, saves, and goes on when retried."""


SETTINGS = ("image", "longest", "runs_per_gpu", "trial", "without")
"""What `--config` may set. `trial` is for `try`, which says by it which runs of a loss of one's own there are."""


_said: set[str] = set()
"""The data sets of which it was said that they are not there."""


class Asked:
    """What is defined here, as the Snakefile asks for it: a UserError ends Snakemake with one sentence, and status 2.

    Snakemake itself shows the stack of any exception that comes by a Snakefile.
    """

    def __getattr__(self, name: str) -> Any:
        value = globals()[name]
        return _ending(value) if callable(value) and not inspect.isclass(value) else value


def _ending(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def called(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)  # noqa: T201
            sys.exit(2)

    return called


@dataclass(frozen=True)
class Job:
    """A job that trains a run: all its seeds, as each start of torch takes seconds, or one `alone`.

    That is one that takes long, or one of a trial, which may fail where other seeds do not.
    """

    run: Run
    seeds: tuple[int, ...]
    alone: bool = False

    @property
    def records(self) -> tuple[str, ...]:
        """What it makes, below its folder."""
        return ("record.json",) if self.alone else tuple(f"seed{seed}/record.json" for seed in self.seeds)

    @property
    def arguments(self) -> str:
        """The command line arguments that name it, with its seeds where `runs.yaml` does not say that it is these."""
        run = self.run
        seeds = f" --seed {' '.join(map(str, self.seeds))}" if self.alone or run.only or run.trial else ""
        trial = f" --trial {shlex.quote(run.trial)}" if run.trial else ""
        return f"{run.paper} {run.name} --scale {run.scale}{seeds}{trial}"

    @property
    def shares_a_gpu(self) -> bool:
        """Whether it is small enough to train beside others on one GPU."""
        return self.run.config.training.gpus == 1 and needs.in_memory(self.run)

    def gpu(self, shares: int) -> int:
        """Return how many shares it takes, of which a GPU has `shares`: one where it is small, else all."""
        return self.run.config.training.gpus * (1 if self.shares_a_gpu else shares)

    def minutes(self, longest: int) -> int:
        """Return how long it may take, at most `longest`."""
        each = needs.minutes(self.run)
        return longest if each is None else min(longest, needs.START_MINUTES + round(each * len(self.seeds)))


def training_jobs(trial: Mapping[str, Any] | None = None) -> dict[str, Job]:
    """Return every job that trains, at every scale, by its folder below `results`, which is that of its log too.

    With what the command `try` says of a trial, those of the trial too.
    """
    runs = {
        f"{scale}/{entry.key}/runs/{run.name}": run
        for entry in papers().values()
        for scale in TRAINED_SCALES
        for run in entry.runs(scale).values()
    }
    if trial:
        _require_whole(trial)
        found = Attempt.of(trial["file"], trial["scale"], int(trial["seeds"]), RESULTS)
        library = Library(RESULTS, found.scale)
        for experiment in found.experiments if str(trial["others"]).lower() == "true" else ():
            missing = library.missing(experiment, found.seeds)
            runs |= {f"{run.scale}/{run.paper}/runs/{run.name}": run for run in missing}
        runs |= {f"{run.scale}/trials/{found.trial.name}/{run.paper}/runs/{run.name}": run for run in found.runs()}
    return {place: job for folder, run in runs.items() for place, job in _jobs(folder, run).items()}


def _require_whole(trial: Any) -> None:
    """Raise UserError for a setting that the command `try` has not made."""
    whole = isinstance(trial, Mapping) and trial.keys() == {"file", "scale", "seeds", "others"}
    if not whole or trial["scale"] not in TRAINED_SCALES or not str(trial["seeds"]).isdecimal():
        raise UserError("--config trial: leave it out, and give the file of your loss to python -m shared try.")


def _jobs(folder: str, run: Run) -> dict[str, Job]:
    seeds = run.asked_seeds
    if run.trial or (len(seeds) > 1 and needs.takes_long(run)):
        return {f"{folder}/seed{seed}": Job(run, (seed,), alone=True) for seed in seeds}
    return {folder: Job(run, seeds)}


def shared_trainings(jobs: Mapping[str, Job]) -> dict[str, frozenset[str]]:
    """Return by name the trainings that several jobs share, as runs configured alike do, with the folders of these."""
    folders: dict[str, set[str]] = {}
    for folder, job in jobs.items():
        for seed in job.seeds:
            folders.setdefault(f"{job.run.scale}_{job.run.paper}_{job.run.hash}_{seed}", set()).add(folder)
    return {training: frozenset(found) for training, found in folders.items() if len(found) > 1}


def kinds_of_jobs(jobs: Mapping[str, Job]) -> dict[str, dict[str, Job]]:
    """Return the names of the rules that train, with the jobs of each by their folders: all make the same records.

    What shares a training has rules of its own, so that of all others nothing is asked about it.
    """
    shared = frozenset().union(*shared_trainings(jobs).values())
    kinds: dict[str, dict[str, Job]] = {}
    for folder, job in sorted(jobs.items(), key=lambda one: one[1].records):
        kinds.setdefault(_rule(job) + "_alike" * (folder in shared), {})[folder] = job
    return kinds


def _rule(job: Job) -> str:
    if job.alone:
        return "train_one_seed"
    every = job.seeds == tuple(range(len(job.seeds)))
    return f"train_{len(job.seeds)}_seeds" if every else f"train_seeds_{'_'.join(map(str, job.seeds))}"


def run(wildcards: Any) -> Run:
    """Return the run that Snakemake's wildcards scale, paper and run name."""
    return paper(wildcards.paper).run(wildcards.run, wildcards.scale)


def configuration(run: Run) -> str:
    """Return the resolved configuration of a run as text, so that its change, and no other, makes it run again."""
    return json.dumps(run.config.plain(), sort_keys=True)


def require_settings(config: Mapping[str, Any]) -> None:
    """Raise UserError for the first name of `--config` that sets nothing."""
    for name in config:
        if name not in SETTINGS:
            raise UserError(f"--config {name}: there is no such setting; {suggestion(name, SETTINGS)}")


def in_image(config: Mapping[str, Any], deployed_by: Collection[str]) -> bool:
    """Return whether jobs run in an image that `--config` names, given by which means Snakemake has been told to.

    Raises:
        UserError: it names none, or Snakemake would leave it out without a word.

    """
    if "image" not in config:
        return False
    if not config["image"]:
        raise UserError("--config image: name an image, or leave it out.")
    if "apptainer" not in deployed_by:
        raise UserError("--config image: jobs run in an image with --sdm apptainer alone; add it, or leave image out.")
    return True


def count(config: Mapping[str, Any], name: str, default: int) -> int:
    """Return the whole number above zero that a setting of `--config` gives; raises UserError where it gives none."""
    given = config.get(name, default)
    if not re.fullmatch("0*[1-9][0-9]*", str(given)):
        raise UserError(f"--config {name}={'' if given is None else given}: give a whole number above zero.")
    return int(given)


def data_sets_named(config: Mapping[str, Any], name: str) -> frozenset[str]:
    """Return the data sets that a setting of `--config` lists, between commas or in brackets; none where it is not set.

    Raises:
        UserError: it names none, or one that is trained on by no run.

    """
    given = config.get(name, [])
    names = given.split(",") if isinstance(given, str) else given
    named = frozenset(filter(None, map(str, names if isinstance(names, list) else [])))
    if name in config and not named:
        raise UserError(f"--config {name}: name a data set, several with commas between, or leave it out.")
    runs = [run for entry in papers().values() for scale in TRAINED_SCALES for run in entry.runs(scale).values()]
    known = {run.config.data.name for run in runs}
    for unknown in sorted(named - known):
        raise UserError(f"no run is trained on a data set '{unknown}'; {suggestion(unknown, known)}")
    return named


def target_records(scale: str, key: str, target: str, without: Collection[str] = ()) -> list[Path]:
    """Return the records that a target waits for, with what benchmarks evaluated apart add to them.

    Runs that train on one of the data sets `without` are not waited for; the target is drawn from the others.
    """
    entry = paper(key)
    if scale == "published":
        return record_paths(entry, target, scale, RESULTS)
    runs = [run for run in entry.target_runs(target, scale) if run.config.data.name not in without]
    records = [RESULTS.record(scale, key, run.name, seed) for run in runs for seed in range(run.seeds)]
    apart = [
        RESULTS.benchmark(scale, key, run.name, seed, name)
        for run in runs
        for seed in range(run.seeds)
        for name in run.config.benchmarks
        if benchmarks(key)[name].alone
    ]
    return [*records, *apart]


def waited_for(scale: str, key: str, target: str, without: Collection[str] = ()) -> list[Path]:
    """Return `target_records`, and say which data sets they are trained on that must be brought by hand first."""
    records = target_records(scale, key, target, without)
    _say_lacking(scale, [(key, target)], without)
    return records


def _say_lacking(scale: str, targets: Sequence[tuple[str, str]], without: Collection[str]) -> None:
    """Say in a line which data sets some targets wait for that are not there and cannot be fetched, each set once."""
    lacking: dict[str, None] = {}
    waiting = []
    for key, target in targets if scale in TRAINED_SCALES else ():
        names = {
            run.config.data.name
            for run in paper(key).target_runs(target, scale)
            if run.config.data.name not in without
            and not all(RESULTS.record(scale, key, run.name, seed).exists() for seed in range(run.seeds))
            and not at_hand(run.config.data, data_root())
        }
        lacking |= dict.fromkeys(sorted(names - _said))
        waiting += [f"{key}/{target}"] if names else []
    if not lacking:
        return
    _said.update(lacking)
    which = f"{waiting[0]} needs" if len(targets) == 1 else f"{len(waiting)} of {len(targets)} targets need"
    line = (
        f"{which} data that are not there and cannot be fetched: {', '.join(lacking)}. How to get them is said by "
        f"python -m shared status --scale {scale} --paper P; what is trained on them is left out with "
        f"--config without={','.join(sorted(_said | set(without)))}"
    )
    print(line, file=sys.stderr)  # noqa: T201


def target_files(scale: str, key: str, without: Collection[str] = ()) -> list[Path]:
    """Return the files of those of a paper's targets at a scale that have records to be drawn from."""
    return [
        RESULTS.target(scale, key, name, suffix)
        for name, target in paper(key).targets.items()
        if target_records(scale, key, name, without)
        for suffix in SUFFIXES[target.kind]
    ]


def report_files(scale: str, without: Collection[str] = ()) -> list[Path]:
    """Return everything that the report of a scale shows, and say which data must be brought by hand first."""
    _say_lacking(scale, [(key, target) for key, entry in papers().items() for target in entry.targets], without)
    targets = [path for key in papers() for path in target_files(scale, key, without)]
    records = {
        path
        for key, entry in papers().items()
        for name in entry.targets
        for path in target_records(scale, key, name, without)
    }
    return [*targets, *sorted(records)]


def unknown(name: str) -> list[Path]:
    """Raise UserError for a name that is that of no scale, and of no paper at one."""
    names = [*SCALES, *(f"{scale}_{key}" for scale in SCALES for key in papers())]
    raise UserError(f"nothing is named '{name}'; {suggestion(name, names)}")


def tried(scale: str) -> str:
    """Return what is another text once a trial has left another record that the report of a scale shows.

    No rule of the papers makes these: they are not waited for.
    """
    folders = [RESULTS.root / name / "trials" for name in dict.fromkeys((scale, "published"))]
    return _as_they_are(path for folder in folders for path in folder.rglob(RECORD))


def measured_apart(waited_for: Collection[Path]) -> str:
    """Return what is another text once the command `evaluate` has measured another time what a target is drawn from.

    Who gives the command by hand makes files that no rule does: only those that one does are waited for.
    """
    records = (path for path in waited_for if path.name == RECORD)
    measured = {path for record in records for path in (record.parent / BENCHMARKS).glob("[!.]*.json")}
    return _as_they_are(measured - set(waited_for))


def _as_they_are(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()
