"""The command line: each job of the workflow is one of these commands."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from shared.commands.arguments import parser
from shared.commands.output import lasting_output
from shared.commands.processes import require_whole, work_alone
from shared.commands.scope import Scope, entries
from shared.data.files import data_root
from shared.errors import UserError, out_of_memory, refused, suggestion
from shared.records.results import Results
from shared.runs.catalogue import benchmarks
from shared.runs.registry import paper


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command; exit with 0, with 2 and one sentence for what the user can mend, with 143 when stopped."""
    with lasting_output() as refusal:
        warnings.showwarning = _plain_warning
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            given = parser().parse_args(arguments)
            if given.command != "train":
                work_alone()
            globals()[f"_{given.command.replace('-', '_')}"](given)
        except UserError as error:
            _fail(str(error))
        except KeyboardInterrupt:
            sys.exit(130)
        except OSError as error:
            _fail(str(refused(error)))
        except (MemoryError, RuntimeError) as error:
            if (told := out_of_memory(error)) is None:
                raise
            _fail(str(told))
        except SystemExit as ended:
            if ended.code:
                raise
        if full := refusal():
            _fail(str(refused(full)))
    sys.exit(0)


def _fail(sentence: str) -> NoReturn:
    _say_wrong(sentence)
    sys.exit(2)


def _say_wrong(sentence: str) -> None:
    print(f"error: {sentence}", file=sys.stderr)  # noqa: T201


def _plain_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"warning: {message}", file=sys.stderr)  # noqa: T201


def _scale(given: argparse.Namespace) -> str:
    scale: str = given.scale
    if scale not in given.scales:
        raise UserError(f"there is no scale '{scale}' here; {suggestion(scale, given.scales)}")
    return scale


def _list(given: argparse.Namespace) -> None:
    from shared.commands.listing import as_json, lines  # noqa: PLC0415 - each command imports what it needs

    chosen = entries(given.paper)
    for line in [as_json(chosen)] if given.json else lines(chosen, runs=given.paper is not None):
        print(line)  # noqa: T201


def _status(given: argparse.Namespace) -> None:
    from shared.commands.status import as_json, lines  # noqa: PLC0415
    from shared.rehearsal.costs import gpu  # noqa: PLC0415

    scope, device = _scope(given), gpu(given.peak, given.share)
    for line in [as_json(scope, device)] if given.json else lines(scope, device):
        print(line)  # noqa: T201


def _scope(given: argparse.Namespace) -> Scope:
    if given.target is not None and given.paper is None:
        raise UserError("--target names a target of one paper; say which by --paper.")
    return Scope(_scale(given), Results(given.results), data_root(given.data_root), given.paper, given.target)


def _fetch(given: argparse.Namespace) -> None:
    from shared.commands.fetch import fetch  # noqa: PLC0415

    for line in fetch(entries(given.paper), _scale(given), data_root(given.data_root)):
        print(line, flush=True)  # noqa: T201


def _queue(given: argparse.Namespace) -> None:
    from shared.commands import queue, queued  # noqa: PLC0415

    _require_above_zero(given, "hours", "cores", "gpus")
    scope = _scope(given)
    if given.list:
        left = queued.queue(scope)
        for line in queue.lines(left):
            print(line)  # noqa: T201
        print(f"{queue.summary(left)} left" if left else queue.nothing_left(scope))  # noqa: T201
        return
    gpus = [] if given.gpus is None else ["--resources", f"gpu={given.gpus}"]
    queue.work_off(scope, cores=given.cores or queue.default_cores(), hours=given.hours, options=gpus)


def _require_above_zero(given: argparse.Namespace, *names: str) -> None:
    """Refuse those of some options that are given and no number above zero."""
    for name in names:
        if (number := getattr(given, name)) is not None and not 0 < number < float("inf"):
            raise UserError(f"--{name} {number}: give a number above zero.")


def _seeds(given: argparse.Namespace, count: int) -> Sequence[int]:
    if given.seed is None:
        return range(count)
    for seed in given.seed:
        if not 0 <= seed < 2**64:
            raise UserError(f"--seed {seed}: a seed is a whole number from 0 up, of at most 64 bits.")
    return list(given.seed)


def _train(given: argparse.Namespace) -> None:
    _require_above_zero(given, "share")
    require_whole()
    results = Results(given.results)
    if given.trial:
        from shared.records.trials import Attempt  # noqa: PLC0415

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
    _require_above_zero(given, "hours", "cores")
    from shared.records.trials import Attempt  # noqa: PLC0415

    attempt = Attempt.of(given.file, _scale(given), given.seeds, Results(given.results))
    from shared.commands.trial_workflow import Bounds  # noqa: PLC0415 - imported once the file is good
    from shared.commands.trying import try_out  # noqa: PLC0415

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
    from shared.commands.queue import default_cores  # noqa: PLC0415
    from shared.commands.rehearse import MOST_PROCESSES, gpu_mib, keep, lines, problems, rehearsals  # noqa: PLC0415

    _require_above_zero(given, "processes")
    memory, all_told, wrong = gpu_mib(given.gpu), [], 0
    chosen = entries(given.paper)
    processes = given.processes or min(default_cores(), MOST_PROCESSES)
    for told in rehearsals(_scale(given), chosen, Results(given.results), data_root(given.data_root), processes):
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
    from shared.commands.consistency import lines, unexplained  # noqa: PLC0415

    chosen = entries(given.paper)
    found, is_well = lines(chosen)
    for line in (*unexplained(chosen, Results(given.results)), *found):
        print(line)  # noqa: T201
    sys.exit(0 if is_well else 1)


def _check(given: argparse.Namespace) -> None:
    from shared.commands.check import check  # noqa: PLC0415

    _require_above_zero(given, "processes")
    good = True
    for path in given.paths:
        try:
            good = check(path, given.name, given.processes) and good
        except UserError as error:  # the other paths are looked at all the same
            _say_wrong(str(error))
            good = False
    sys.exit(0 if good else 2)


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
