"""A process that has imported and read what jobs need, and forks for each: the start of torch is paid once a workflow.

Each job (`job.py`) hands over its arguments, environment, folder, output and, later, signals; the fork runs it as
`python -m shared` would. Nothing is computed before a fork, so that no job can tell: no thread runs, no random number
is drawn, no device is taken. The server ends with the process that started it, however that ends; jobs that run then
go on.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from shared import ROOT
from shared.commands.cli import main as run_command
from shared.commands.job import SERVER
from shared.commands.workflow import training_jobs
from shared.errors import UserError
from shared.records.fingerprint import evaluation_code, training_code

_kept: list[subprocess.Popen[bytes]] = []


def serve_this_process() -> None:
    """Start a server that the jobs of this process and of its children find by their environment.

    Where the system makes no socket, as in a TMPDIR whose name is too long for one, each job starts for itself.
    """
    try:
        process, path = started(ROOT)
    except OSError:
        return
    _kept.append(process)
    os.environ[SERVER] = str(path)


def started(root: Path, module: str = "shared.commands.job_server") -> tuple[subprocess.Popen[bytes], Path]:
    """Start the server of the suite in a folder; return it and its socket, which takes jobs at once.

    The server ends when its standard input does, to which nothing is ever written. `module` is what is run for it.
    """
    path = Path(tempfile.mkdtemp(prefix="replications-jobs-")) / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        try:
            listening.bind(str(path))
        except OSError:
            path.parent.rmdir()
            raise
        listening.listen(128)
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(listening.fileno()), str(path)],
            cwd=root,
            env={"OMP_NUM_THREADS": "1", **os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
    return process, path


def serve(descriptor: int, path: Path, prepare: Callable[[], None], run: Callable[[list[str]], None]) -> None:
    """Prepare all jobs, then run each job that comes to a socket in a fork, until standard input ends."""
    with socket.socket(fileno=descriptor) as listening:
        prepare()
        connection = _next_job(listening)
    if connection is None:
        shutil.rmtree(path.parent, ignore_errors=True)
    else:
        _run(connection, run)


def prepare_suite() -> None:
    """Import everything and read what every job reads: the runs, and the code that they use.

    What cannot be imported or read is left to the job that needs it, which says so.
    """
    for package in ("shared", "papers"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            with contextlib.suppress(Exception):
                importlib.import_module(module.name)
    with contextlib.suppress(UserError, LookupError):
        for job in training_jobs().values():
            training_code(job.run)
            for benchmark in job.run.config.benchmarks:
                evaluation_code(job.run, benchmark)
    gc.freeze()


def _next_job(listening: socket.socket) -> socket.socket | None:
    """Return, in a fork of this process, the connection of a job; None, in this process, once standard input ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([sys.stdin, listening], [], [])
        if sys.stdin in ready:
            return None
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return connection
        connection.close()


def _run(connection: socket.socket, run: Callable[[list[str]], None]) -> None:
    """Run the job of a connection in a fork, pass signals on to it, and answer with its exit status."""
    received, streams, _, _ = socket.recv_fds(connection, 1 << 16, 3)
    while received and not received.endswith(b"\n"):
        received += connection.recv(1 << 16)
    if not received:
        return
    connection.sendall(b"taken\n")
    process = os.fork()
    if process == 0:
        connection.close()
        for standard, stream in enumerate(streams):
            os.dup2(stream, standard)
            os.close(stream)
        # The server's own knew whether what lay behind them is a terminal, or can be sought in.
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
        job = json.loads(received)
        os.chdir(job["folder"])
        os.environ.clear()
        os.environ.update(job["environment"])
        sys.argv[1:] = job["arguments"]
        run(job["arguments"])
    for stream in streams:
        os.close(stream)
    threading.Thread(target=_pass_on, args=(connection, process), daemon=True).start()
    _, status = os.waitpid(process, 0)
    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _pass_on(connection: socket.socket, process: int) -> None:
    """Send a process the signals whose numbers come over a connection, and SIGTERM when it ends without a word."""
    with contextlib.suppress(OSError):
        while number := connection.recv(1):
            os.kill(process, number[0])
        os.kill(process, signal.SIGTERM)


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), prepare_suite, run_command)
