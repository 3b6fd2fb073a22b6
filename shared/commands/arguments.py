"""What the command line understands: the commands, by what they are for, and the arguments of each."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from shared.data.files import at_home
from shared.runs.registry import SCALES, TRAINED_SCALES

Command = Callable[..., argparse.ArgumentParser]
"""Adds a command: `command(name, help, *positional, scales)`."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; what it parses has the command's name in `command`."""
    whole = argparse.ArgumentParser(prog="python -m shared", description="Replications of five papers.")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, help_: str, *positional: str, scales: Sequence[str] = ()) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_, description=help_)
        for argument in positional:
            sub.add_argument(argument.lower(), metavar=argument)
        if scales:
            sub.add_argument("--scale", required=True, metavar="SCALE", help=f"one of {', '.join(scales)}")
            sub.set_defaults(scales=scales)
        sub.add_argument("--results", type=at_home, default=Path("results"), help="folder of results (results)")
        sub.add_argument("--data-root", type=at_home, help="folder of data sets (else $REPLICATION_DATA, else data)")
        sub.set_defaults(command=name)
        return sub

    for add in (_looking, _training, _trying, _drawing, _checking):
        add(command)
    return whole


def _looking(command: Command) -> None:
    """Add the commands that tell or bring what is there."""
    listing = command("list", "Print papers and targets; with --paper its runs too.")
    listing.add_argument("--paper", metavar="PAPER", help="this paper alone")
    fetching = command("fetch", "Bring all data of a scale that can be had.", scales=TRAINED_SCALES)
    fetching.add_argument("--paper", metavar="PAPER", help="this paper alone")
    status = command(
        "status", "Print for each target what is done, what can be run and what is missing.", scales=SCALES
    )
    status.add_argument("--paper", metavar="PAPER", help="this paper alone, with its data sets")
    status.add_argument("--target", metavar="TARGET", help="this target of the paper alone")
    status.add_argument(
        "--peak",
        metavar="FP32,TF32,BF16",
        help="a GPU's peak, TFLOP/s, where hours are by operations (an A100's, 19.5,156,312)",
    )
    status.add_argument("--share", type=float, metavar="SHARE", help="the share of it that trainings reach (0.3)")
    for told in (listing, status):
        told.add_argument("--json", action="store_true", help="for programs")


def _training(command: Command) -> None:
    """Add the commands that train, and that measure what was trained."""
    training = command("train", "Train a run: one seed, or all of them.", "PAPER", "RUN", scales=TRAINED_SCALES)
    training.add_argument("--seed", type=int, nargs="+", metavar="N", help="these seeds alone")
    training.add_argument("--share", type=int, default=1, metavar="N", help="have a GPU with N-1 others alike")
    training.add_argument(
        "--requeue", action="store_true", help="in a job of Slurm, wait for another's same training in the queue"
    )
    training.add_argument("--trial", type=Path, metavar="FILE", help="the run is that of a loss of your own, see try")
    waiting = command("queue", "Train what is left, what decides most for its hours first.", scales=TRAINED_SCALES)
    waiting.add_argument("--paper", metavar="PAPER", help="of this paper alone")
    waiting.add_argument("--target", metavar="TARGET", help="of this target alone; with --paper")
    waiting.add_argument("--hours", type=float, metavar="H", help="stop after so many hours, to go on another time")
    waiting.add_argument("--cores", type=int, metavar="N", help="so many processors (all of them)")
    waiting.add_argument("--gpus", type=int, metavar="N", help="so many GPUs (as many as runs ask for)")
    waiting.add_argument("--list", action="store_true", help="train nothing; print what is left, in order")
    evaluation = command(
        "evaluate", "Evaluate a trained run again.", "PAPER", "RUN", "BENCHMARK", scales=TRAINED_SCALES
    )
    evaluation.add_argument("--seed", type=int, nargs="+", metavar="N", help="these seeds alone")
    command("optimum", "Find what a run's loss asks for, without a network.", "PAPER", "RUN", scales=TRAINED_SCALES)


def _trying(command: Command) -> None:
    """Add the commands for a loss of one's own."""
    trying = command("try", "Try a loss or a sampler of your own in the papers' experiments, and report on it.", "FILE")
    trying.add_argument("--paper", nargs="+", default=(), metavar="PAPER", help="in the experiments of these papers")
    trying.add_argument("--target", nargs="+", default=(), metavar="TARGET", help="in those of these targets")
    trying.add_argument("--scale", default="lite", metavar="SCALE", help=f"one of {', '.join(TRAINED_SCALES)} (lite)")
    trying.add_argument("--seeds", type=int, default=5, metavar="N", help="so many seeds in each experiment (5)")
    trying.add_argument("--hours", type=float, metavar="H", help="stop after so many; the same command goes on")
    trying.add_argument("--cores", type=int, default=2, metavar="N", help="of the workflow (2)")
    trying.add_argument("--train-others", action="store_true", help="train the other losses that have no record too")
    trying.set_defaults(scales=TRAINED_SCALES)
    command("standings", "Draw where all losses that were tried stand beside softmax.", scales=SCALES)


def _drawing(command: Command) -> None:
    """Add the commands that draw and write from records."""
    command("render", "Draw a table or figure from its records.", "PAPER", "TARGET", scales=SCALES)
    reporting = command("report", "Judge the records and write the report.", scales=SCALES)
    reporting.add_argument("--against", metavar="T", help="also what changed from another scale, or folder of results")
    readme = command("readme", "Write the tables of the READMEs from runs.yaml and the published records.")
    readme.add_argument("--check", action="store_true", help="write nothing; exit with 1 where one differs, naming it")


def _checking(command: Command) -> None:
    """Add the commands that check."""
    rehearsing = command(
        "rehearse", "Try every run at its real size, without data and without a GPU.", scales=TRAINED_SCALES
    )
    rehearsing.add_argument("--paper", metavar="PAPER", help="this paper alone")
    rehearsing.add_argument("--gpu", default="80 GiB", metavar="SIZE", help="the memory of a GPU (80 GiB)")
    rehearsing.add_argument(
        "--processes", type=int, metavar="N", help="in so many processes (as many as processors, at most eight)"
    )
    rehearsing.add_argument("--write", action="store_true", help="keep what was found for status and the workflow")
    bits = command("same-bits", "Compare the records of this working copy with another's, bit by bit.", "OTHER")
    bits.add_argument("--scale", default="smoke", metavar="SCALE", help=f"one of {', '.join(TRAINED_SCALES)} (smoke)")
    bits.add_argument("--write", action="store_true", help="note which code was shown equal in same-bits.yaml")
    bits.set_defaults(scales=TRAINED_SCALES)
    consistent = command(
        "consistency",
        "Put each paper's own numbers to the tests of its claims, and tell where ours lie off unexplained.",
    )
    consistent.add_argument("--paper", metavar="PAPER", help="this paper alone")
    checking = command("check", "Read data sets as a training would, and tell all that is wrong with them.")
    checking.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a data set's folder or file")
    checking.add_argument("--set", dest="name", metavar="NAME", help="which data set it is, as a run names it")
    checking.add_argument("--processes", type=int, default=1, metavar="N", help="decode in so many processes (1)")
