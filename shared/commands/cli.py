"""The command line: each job of the workflow is one of these commands."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from shared.data.files import data_root
from shared.errors import UserError, refused, suggestion
from shared.records.results import Results
from shared.records.trials import Attempt
from shared.runs.catalogue import benchmarks
from shared.runs.registry import SCALES, TRAINED_SCALES, Paper, paper, papers


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command; exit with 0, with 2 and one sentence for what the user can mend, with 143 when stopped."""
    given = _parser().parse_args(arguments)
    warnings.showwarning = _plain_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        try:
            given.command(given)
        finally:
            sys.stdout.flush()
    except UserError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        _write_nowhere()
        sys.exit(0)
    except OSError as error:
        _write_nowhere()
        _fail(str(refused(error)))
    sys.exit(0)


def _fail(sentence: str) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)  # noqa: T201
    sys.exit(2)


def _write_nowhere() -> None:
    """Let what is still to be written to standard output go nowhere, where that is gone or full."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"warning: {message}", file=sys.stderr)  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared", description="Replications of five papers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, help_: str, *positional: str, scales: Sequence[str] = ()) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_, description=help_)
        for argument in positional:
            sub.add_argument(argument.lower(), metavar=argument)
        if scales:
            sub.add_argument("--scale", required=True, metavar="SCALE", help=f"one of {', '.join(scales)}")
            sub.set_defaults(scales=scales)
        sub.add_argument("--results", type=Path, default=Path("results"), help="folder of results (results)")
        sub.add_argument("--data-root", type=Path, help="folder of data sets (else $REPLICATION_DATA, else data)")
        sub.set_defaults(command=globals()[f"_{name.replace('-', '_')}"])
        return sub

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
        "--peak", metavar="FP32,BF16", help="a GPU's peak, TFLOP/s, where hours are by operations (an A100's, 19.5,312)"
    )
    status.add_argument("--share", type=float, metavar="SHARE", help="the share of it that trainings reach (0.3)")
    for told in (listing, status):
        told.add_argument("--json", action="store_true", help="for programs")
    training = command("train", "Train a run: one seed, or all of them.", "PAPER", "RUN", scales=TRAINED_SCALES)
    training.add_argument("--seed", type=int, nargs="+", metavar="N", help="these seeds alone")
    training.add_argument("--share", type=_count, default=1, metavar="N", help="have a GPU with N-1 others alike")
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
    trying = command("try", "Try a loss or a sampler of your own in the papers' experiments, and report on it.", "FILE")
    trying.add_argument("--paper", nargs="+", default=(), metavar="PAPER", help="in the experiments of these papers")
    trying.add_argument("--target", nargs="+", default=(), metavar="TARGET", help="in those of these targets")
    trying.add_argument("--scale", default="lite", metavar="SCALE", help=f"one of {', '.join(TRAINED_SCALES)} (lite)")
    trying.add_argument("--seeds", type=int, default=5, metavar="N", help="so many seeds in each experiment (5)")
    trying.add_argument("--hours", type=float, metavar="H", help="stop after so many; the same command goes on")
    trying.add_argument("--cores", type=int, default=2, metavar="N", help="of the workflow (2)")
    trying.add_argument("--train-others", action="store_true", help="train the other losses that have no record too")
    trying.set_defaults(scales=TRAINED_SCALES)
    command("render", "Draw a table or figure from its records.", "PAPER", "TARGET", scales=SCALES)
    reporting = command("report", "Judge the records and write the report.", scales=SCALES)
    reporting.add_argument("--against", metavar="T", help="also what changed from another scale, or folder of results")
    command("standings", "Draw where all losses that were tried stand beside softmax.", scales=TRAINED_SCALES)
    rehearsing = command(
        "rehearse", "Try every run at its real size, without data and without a GPU.", scales=TRAINED_SCALES
    )
    rehearsing.add_argument("--paper", metavar="PAPER", help="this paper alone")
    rehearsing.add_argument("--gpu", default="80 GiB", metavar="SIZE", help="the memory of a GPU (80 GiB)")
    rehearsing.add_argument("--write", action="store_true", help="keep what was found for status and the workflow")
    bits = command("same-bits", "Compare the records of this working copy with another's, bit by bit.", "OTHER")
    bits.add_argument("--scale", default="smoke", metavar="SCALE", help=f"one of {', '.join(TRAINED_SCALES)} (smoke)")
    bits.add_argument("--write", action="store_true", help="note which code was shown equal in same-bits.yaml")
    bits.set_defaults(scales=TRAINED_SCALES)
    consistent = command("consistency", "Put each paper's own numbers to the tests of its claims.")
    consistent.add_argument("--paper", metavar="PAPER", help="this paper alone")
    checking = command("check", "Read data sets as a training would, and tell all that is wrong with them.")
    checking.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a data set's folder or file")
    checking.add_argument("--set", dest="name", metavar="NAME", help="which data set it is, as a run names it")
    checking.add_argument("--processes", type=int, default=1, metavar="N", help="decode in so many processes (1)")
    readme = command("readme", "Write the tables of the READMEs from runs.yaml and the published records.")
    readme.add_argument("--check", action="store_true", help="write nothing; exit with 1 where one differs, naming it")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1 up")
    return int(text)


def _scale(given: argparse.Namespace) -> str:
    scale: str = given.scale
    if scale not in given.scales:
        raise UserError(f"there is no scale '{scale}' here; {suggestion(scale, given.scales)}")
    return scale


def _entries(given: argparse.Namespace) -> list[Paper]:
    return [paper(given.paper)] if given.paper else list(papers().values())


def _list(given: argparse.Namespace) -> None:
    from shared.commands.listing import as_json, lines  # noqa: PLC0415 - each command imports what it needs

    entries = _entries(given)
    for line in [as_json(entries)] if given.json else lines(entries, runs=given.paper is not None):
        print(line)  # noqa: T201


def _status(given: argparse.Namespace) -> None:
    from shared.commands.status import as_json, lines  # noqa: PLC0415
    from shared.rehearsal.costs import gpu  # noqa: PLC0415

    scale, entries, device = _scale(given), _entries(given), gpu(given.peak, given.share)
    if given.target is not None:
        if given.paper is None:
            raise UserError("--target names a target of one paper; say which by --paper.")
        entries[0].target(given.target)
    asked = (scale, entries, Results(given.results), data_root(given.data_root))
    if given.json:
        print(as_json(*asked, target=given.target, gpu=device))  # noqa: T201
        return
    for line in lines(*asked, target=given.target, gpu=device, advise=given.paper is not None):
        print(line)  # noqa: T201


def _fetch(given: argparse.Namespace) -> None:
    from shared.commands.fetch import fetch  # noqa: PLC0415

    wanted = [paper(given.paper)] if given.paper else papers().values()
    for line in fetch(wanted, _scale(given), data_root(given.data_root)):
        print(line, flush=True)  # noqa: T201


def _queue(given: argparse.Namespace) -> None:
    from shared.commands import queue  # noqa: PLC0415

    if given.target and not given.paper:
        raise UserError("--target names a target of a paper; say with --paper of which.")
    for name in ("hours", "cores", "gpus"):
        if (number := getattr(given, name)) is not None and not 0 < number < float("inf"):
            raise UserError(f"--{name} {number}: give a number above zero.")
    scope = queue.Scope(_scale(given), Results(given.results), data_root(given.data_root), given.paper, given.target)
    if given.list:
        left = scope.left()
        for line in queue.lines(left):
            print(line)  # noqa: T201
        print(f"{queue.summary(left)} left" if left else "nothing is left to train")  # noqa: T201
        return
    gpus = [] if given.gpus is None else ["--resources", f"gpu={given.gpus}"]
    queue.work_off(scope, cores=given.cores or queue.default_cores(), hours=given.hours, options=gpus)


def _seeds(given: argparse.Namespace, count: int) -> Sequence[int]:
    if given.seed is None:
        return range(count)
    for seed in given.seed:
        if not 0 <= seed < 2**64:
            raise UserError(f"--seed {seed}: a seed is a whole number from 0 up, of at most 64 bits.")
    return list(given.seed)


def _train(given: argparse.Namespace) -> None:
    results = Results(given.results)
    if given.trial:
        attempt = Attempt.of(given.trial, _scale(given), 1, results)
        run, results = attempt.run(given.paper, given.run), attempt.results
    else:
        run = paper(given.paper).run(given.run, _scale(given))
    seeds = _seeds(given, run.seeds)
    from shared.training.launch import train_together  # noqa: PLC0415 - torch is imported once the arguments are good

    if train_together(run.config.training.gpus):
        return
    from shared.commands.train import train_seeds  # noqa: PLC0415

    train_seeds(run, seeds, results, data_root(given.data_root), shares=given.share, requeue=given.requeue)


def _evaluate(given: argparse.Namespace) -> None:
    run = paper(given.paper).run(given.run, _scale(given))
    known = benchmarks(given.paper)
    if given.benchmark not in known:
        raise UserError(f"there is no benchmark '{given.benchmark}'; {suggestion(given.benchmark, known)}")
    from shared.commands.evaluate import evaluate  # noqa: PLC0415

    for seed in _seeds(given, run.seeds):
        metrics = evaluate(run, seed, given.benchmark, Results(given.results), data_root(given.data_root))
        for name, value in metrics.items():
            print(f"{run.name} seed {seed} {given.benchmark}/{name} {value:.6g}")  # noqa: T201


def _optimum(given: argparse.Namespace) -> None:
    from shared.commands.optimum import RefusedError, lines  # noqa: PLC0415

    try:
        for line in lines(paper(given.paper), given.run, _scale(given)):
            print(line)  # noqa: T201
    except RefusedError as error:
        print(f"refused: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _try(given: argparse.Namespace) -> None:
    attempt = Attempt.of(given.file, _scale(given), given.seeds, Results(given.results))
    from shared.commands.trying import Bounds, try_out  # noqa: PLC0415

    bounds = Bounds(given.cores, given.hours, train_others=given.train_others)
    sys.exit(try_out(attempt.among(given.paper, given.target), bounds, data_root(given.data_root)))


def _render(given: argparse.Namespace) -> None:
    from shared.commands.render import render  # noqa: PLC0415

    for path in render(paper(given.paper), given.target, _scale(given), Results(given.results)):
        print(path)  # noqa: T201


def _standings(given: argparse.Namespace) -> None:
    from shared.commands.standings import write_standings  # noqa: PLC0415

    for path in write_standings(Results(given.results), _scale(given)):
        print(path)  # noqa: T201


def _report(given: argparse.Namespace) -> None:
    from shared.commands.report import write_report  # noqa: PLC0415

    index, against = write_report(_scale(given), Results(given.results), given.against)
    print(index)  # noqa: T201
    for change in against.changes if against else ():
        if change.before_verdict != change.after_verdict:
            said = f"{change.before_verdict} became {change.after_verdict}: {'; '.join(change.why)}"
            print(f"{change.paper}, {change.what}: {said}")  # noqa: T201


def _rehearse(given: argparse.Namespace) -> None:
    from shared.commands.rehearse import gpu_mib, keep, lines, problems, rehearsals  # noqa: PLC0415

    memory, all_told, wrong = gpu_mib(given.gpu), [], 0
    entries = _entries(given)
    for told in rehearsals(_scale(given), entries, Results(given.results), data_root(given.data_root)):
        all_told.append(told)
        wrong += len(problems(told, memory))
        for line in lines(told, memory):
            print(line, flush=True)  # noqa: T201
    runs = sum(len(told.alike.runs) for told in all_told)
    print(f"{runs} runs, {len(all_told)} of them rehearsed for those alike: {wrong} problems")  # noqa: T201
    if given.write:
        print(keep(all_told))  # noqa: T201
    sys.exit(1 if wrong else 0)


def _consistency(given: argparse.Namespace) -> None:
    from shared.commands.consistency import lines  # noqa: PLC0415

    found, is_well = lines(_entries(given))
    for line in found:
        print(line)  # noqa: T201
    sys.exit(0 if is_well else 1)


def _check(given: argparse.Namespace) -> None:
    from shared.commands.check import check  # noqa: PLC0415

    # Every path is looked at, whatever is wrong with those before.
    found = [check(path, given.name, max(1, given.processes)) for path in given.paths]
    sys.exit(0 if all(found) else 2)


def _readme(given: argparse.Namespace) -> None:
    from shared.commands.readme import write_readmes  # noqa: PLC0415

    differing = write_readmes(Results(given.results), check=given.check)
    for part in differing:
        print(f"{part} {'differs' if given.check else 'written'}")  # noqa: T201
    if given.check and differing:
        sys.exit(1)


def _same_bits(given: argparse.Namespace) -> None:
    from shared.commands.same_bits import same_bits  # noqa: PLC0415

    sys.exit(0 if same_bits(Path(given.other), _scale(given), Results(given.results), write=given.write) else 1)
