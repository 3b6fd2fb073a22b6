"""A job of the workflow: a command of the suite, run by the workflow's server (`job_server.py`) where it answers.

Run as a file, with nothing but the standard library, so that it starts at once. Without a server (on another machine,
or after the workflow's end) it becomes `python -m shared` with the same arguments. Either way a job has the arguments,
environment, folder, output and exit status of this process, and gets the signals that this one gets.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

SERVER = "REPLICATIONS_JOB_SERVER"
"""The environment variable that says at which socket the server of the workflow answers."""

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def main(arguments: list[str]) -> None:
    """Run `python -m shared` with these arguments and exit as it does; with 128 + n where signal n ended it."""
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths}
    status = _served(arguments, environment)
    if status is None:
        os.execve(sys.executable, [sys.executable, "-m", "shared", *arguments], environment)  # noqa: S606
    sys.exit(status if status >= 0 else 128 - status)


def _served(arguments: list[str], environment: dict[str, str]) -> int | None:
    """Return the exit status of the job, run by the server; None where no server took it."""
    job = {"arguments": arguments, "folder": str(Path.cwd()), "environment": environment}
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(os.environ[SERVER])
            socket.send_fds(server, [json.dumps(job).encode() + b"\n"], [0, 1, 2])
            answer = server.makefile()
            taken = answer.readline()
        except (KeyError, OSError):
            return None
        if not taken:
            return None
        for number in SIGNALS:
            signal.signal(number, lambda received, _frame: server.sendall(bytes([received])))
        status = answer.readline()
    if not status:
        sys.stderr.write("error: the server of the workflow's jobs was killed; give the same command again.\n")
        return 1
    return int(status)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
