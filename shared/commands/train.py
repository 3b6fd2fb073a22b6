"""Train seeds of a run into their records."""

from __future__ import annotations

import datetime
import re
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from torch import nn

from shared.data.drawn import draw
from shared.data.files import remove_unfinished
from shared.errors import UserError
from shared.evaluation.trained import Trained
from shared.records.checkpoint_folders import checkpoints_of
from shared.records.provenance import device_name
from shared.records.recording import write_not_finite, write_record
from shared.records.results import Results
from shared.runs.catalogue import evaluations
from shared.runs.config import Run
from shared.training import device as devices
from shared.training import parallel
from shared.training.checkpoint import Checkpoints
from shared.training.loop import EVALUATION_BATCH
from shared.training.requeue import give_back
from shared.training.setup import Setup
from shared.training.termination import Stopped

MEASURED = "not finite numbers"
NOT_FINITE = re.compile(f"the [^:;]* (no longer finite|{MEASURED})[^:;]*")
"""What the errors of a training, and of what measures it, say of one that is not finite; records name that code."""


def train_seeds(
    run: Run, seeds: Sequence[int], results: Results, root: Path, *, shares: int = 1, requeue: bool = False
) -> None:
    """Train seeds one after the other, each as `train` does; stopped by SIGTERM, end the process with status 143."""
    for seed in seeds:
        try:
            train(run, seed, results, root, shares=shares, requeue=requeue)
        except Stopped:
            print(f"{run.name} seed {seed}: stopped; the same command goes on from here", file=sys.stderr)  # noqa: T201
            sys.exit(143)
    parallel.apart()


def train(run: Run, seed: int, results: Results, root: Path, *, shares: int = 1, requeue: bool = False) -> None:
    """Train one seed of a run, or take it up where it stopped, and write its record, its curve and what it keeps.

    Started by `torchrun`, the processes train together, and the first of them writes. With `shares` of two or more it
    takes one of so many shares of a GPU. That a training did not stay finite is a result: the record says so.

    Raises:
        UserError: the data set cannot be had, the checkpoint is another run's, or another of the processes died.

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
        folder = results.seed(run.scale, run.paper, run.name, seed)
        try:
            position = setup.fit(checkpoints, measure=trained.row if along else None)
            _require_finite(setup)
            if parallel.rank() == 0:
                seconds = time.monotonic() - began
                anew = _saved(checkpoints) != saved
                if not anew:
                    print(f"{run.name} seed {seed}: was trained already; its record is in {folder}", file=sys.stderr)  # noqa: T201
                write_record(trained, position, checkpoints, results, started=started, seconds=seconds, anew=anew)
        except UserError as error:
            said = NOT_FINITE.search(str(error))
            # What the first process alone measures the others know nothing of, and wait for it.
            if said is None or (parallel.count() > 1 and said[1] == MEASURED):
                raise
            if parallel.rank() == 0:
                sentence = str(error).rstrip(".")
                print(f"{sentence}. The record of {run.name} seed {seed}, in {folder}, says so.", file=sys.stderr)  # noqa: T201
                seconds = time.monotonic() - began
                write_not_finite(setup, said[0], checkpoints, results, started=started, seconds=seconds)
        parallel.meet()


def _require_finite(setup: Setup) -> None:
    """See that the last step left numbers: along the way the loss of the step after would have told.

    Raises:
        UserError: some weight is not finite, or what it makes of the first images trained on.

    """
    scheme, images = setup.scheme, setup.images["train"].in_order(EVALUATION_BATCH)
    modules = {name: module for name, module in vars(scheme).items() if isinstance(module, nn.Module)}
    finite = {
        f"weights of its {name}": all(weight.isfinite().all() for weight in module.parameters())
        for name, module in modules.items()
    }
    finite["embeddings"] = bool(scheme.embed(batch for batch, _ in islice(images, 1)).isfinite().all())
    for what, is_finite in finite.items():
        if not is_finite:
            raise UserError(
                f"{setup.run.paper} {setup.run.name} seed {setup.seed}: the {what} are no longer finite (after the "
                "last step); lower the learning rate."
            )


def _saved(checkpoints: Checkpoints) -> int | None:
    """Return when the newest checkpoint was written, None where there is none."""
    return checkpoints.newest.stat().st_mtime_ns if checkpoints.newest.exists() else None
