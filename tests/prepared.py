"""A process that has imported the libraries, and forks for each command of a test: torch is imported once a session.

The fork imports the suite of the folder that the command is run in, as `python -m shared` does there.
"""

from __future__ import annotations

import gc
import importlib
import os
import runpy
import sys
from pathlib import Path

from shared.commands import job_server

LIBRARIES = (
    *("torch", "torch.distributed", "torch.nn.parallel", "numpy", "scipy.stats", "scipy.optimize", "pandas"),
    *("sklearn.svm", "pydantic", "yaml", "filelock", "PIL.Image", "matplotlib.pyplot", "seaborn", "jinja2"),
)
OF_THE_SUITE = {"shared", "papers", "tests"}


def import_libraries() -> None:
    """Import what the suite imports, but nothing of the suite."""
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()


def run_suite(arguments: list[str]) -> None:
    """Run `python -m shared` of the present folder."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OF_THE_SUITE]:
        del sys.modules[name]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as Python does
    sys.argv[1:] = arguments
    runpy.run_module("shared", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    import_libraries()
    job_server.serve(int(sys.argv[1]), Path(sys.argv[2]), lambda _: None, run_suite)
