"""A process that has imported the libraries and the suite, and forks for each command of a test: once a session.

In another folder than the suite's own the fork imports the suite that is there, as `python -m shared` does.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from pathlib import Path

from shared import ROOT
from shared.commands import job_server

LIBRARIES = (
    *("torch", "torch.distributed", "torch.nn.parallel", "numpy", "scipy.stats", "scipy.optimize", "pandas"),
    *("sklearn.svm", "pydantic", "yaml", "filelock", "PIL.Image", "matplotlib.pyplot", "seaborn", "jinja2"),
)
OF_THE_SUITE = {"shared", "papers", "tests"}


def import_all() -> None:
    """Import what the suite imports, and the suite."""
    for name in LIBRARIES:
        importlib.import_module(name)
    job_server.prepare(["train"])


def run_suite(arguments: list[str]) -> None:
    """Run `python -m shared` of the present folder."""
    own = {"shared.__main__"} if Path.cwd() == ROOT else OF_THE_SUITE
    for name in [name for name in sys.modules if own & {name, name.partition(".")[0]}]:
        del sys.modules[name]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as Python does
    sys.argv[1:] = arguments
    runpy.run_module("shared", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    import_all()
    job_server.serve(int(sys.argv[1]), Path(sys.argv[2]), lambda _: None, run_suite)
