"""Train seeds of a run into their records."""

from __future__ import annotations

import contextlib
import datetime
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.data.drawn import draw
from shared.data.files import remove_unfinished
from shared.errors import UserError
from shared.evaluation.trained import Trained
from shared.records.checkpoint_folders import checkpoints_of
from shared.records.one_seed import OneSeed
from shared.records.provenance import device_name
from shared.records.recording import write_record
from shared.records.results import Results
from shared.runs.catalogue import evaluations
from shared.runs.config import Run
from shared.training import device as devices
from shared.training import parallel
from shared.training.checkpoint import Checkpoints
from shared.training.requeue import give_back
from shared.training.setup import Setup
from shared.training.termination import Stopped
from shared.verdicts.words import in_a_row

NOT_FINITE = ("no longer finite", "not finite numbers")
"""Words of the errors of a training, and of what measures it, that is not finite; records name that code as it is."""


def train_seeds(
    run: Run, seeds: Sequence[int], results: Results, root: Path, *, shares: int = 1, requeue: bool = False
) -> None:
    """Train seeds one after the other, each as `train` does; stopped by SIGTERM, end the process with status 143.

    A seed that does not stay finite keeps none of the others from being trained, unless several processes train it.

    Raises:
        UserError: a seed cannot be trained; where that is since it did not stay finite, after all others were.

    """
    lost: dict[int, UserError] = {}
    for seed in seeds:
        try:
            train(run, seed, results, root, shares=shares, requeue=requeue)
        except Stopped:
            print(f"{run.name} seed {seed}: stopped; the same command goes on from here", file=sys.stderr)  # noqa: T201
            sys.exit(143)
        except UserError as error:
            if parallel.count() > 1 or not _is_not_finite(error):
                raise
            lost[seed] = error
    parallel.apart()
    if lost:
        first, *others = lost
        likewise = f" Likewise {in_a_row(f'seed {seed}' for seed in others)}." if others else ""
        raise UserError(f"{lost[first]}{likewise}")


def train(run: Run, seed: int, results: Results, root: Path, *, shares: int = 1, requeue: bool = False) -> None:
    """Train one seed of a run, or take it up where it stopped, and write its record, its curve and what it keeps.

    Started by `torchrun`, the processes train together, and the first of them writes. With `shares` of two or more it
    takes one of so many shares of a GPU.

    Raises:
        UserError: the data set cannot be had, the loss is no longer finite, the checkpoint is another run's, or
            another of the processes died.

    Where another process trains the same weights (a run of another name configured alike, or one left over from a
    killed workflow), this one waits, without a device, and takes up what it left. A job of Slurm, whose devices nobody
    else can use while it waits, goes back to the queue with `requeue`.

    """
    began = time.monotonic()
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    along = run.config.along_training
    asked = evaluations(run, (*run.config.benchmarks, *along))
    drawn = draw(run.config.data, seed, root)
    checkpoints = checkpoints_of(run, seed, results)
    training = run.config.training
    with (
        _noted_where_not_finite(OneSeed(run, seed, results)),
        parallel.together(on_gpus=devices.there(training.gpus) > 0),
        checkpoints.only_writer(f"{run.name} (seed {seed})", meanwhile=give_back if requeue else None),
    ):
        if parallel.rank() == 0:
            for folder in (checkpoints.folder, results.seed(run.scale, run.paper, run.name, seed)):
                remove_unfinished(folder)
        device, _hold = devices.prepare(training, name=run.name, shares=shares)
        checkpoints.device = device_name(device)
        setup = Setup(run, seed, drawn, device)
        trained = Trained(setup, root, asked)
        saved = _saved(checkpoints)
        position = setup.fit(checkpoints, measure=trained.row if along else None)
        if parallel.rank() == 0:
            seconds = time.monotonic() - began
            anew = _saved(checkpoints) != saved
            if not anew:
                folder = results.seed(run.scale, run.paper, run.name, seed)
                print(f"{run.name} seed {seed}: was trained already; its record is in {folder}", file=sys.stderr)  # noqa: T201
            write_record(trained, position, checkpoints, results, started=started, seconds=seconds, anew=anew)
        parallel.meet()


@contextlib.contextmanager
def _noted_where_not_finite(one: OneSeed) -> Iterator[None]:
    """Let a trial that does not stay finite leave a note: that is a result of the method, which its report counts."""
    began = time.monotonic()
    try:
        yield
    except UserError as error:
        if one.run.trial and parallel.rank() == 0 and _is_not_finite(error):
            one.note_not_finite(str(error), time.monotonic() - began)
        raise


def _is_not_finite(error: UserError) -> bool:
    return any(words in str(error) for words in NOT_FINITE)


def _saved(checkpoints: Checkpoints) -> int | None:
    """Return when the newest checkpoint was written, None where there is none."""
    return checkpoints.newest.stat().st_mtime_ns if checkpoints.newest.exists() else None
