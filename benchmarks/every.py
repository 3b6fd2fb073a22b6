"""Run the benchmarks that need no GPU, keep what they measure, and write the table of README.md.

    benchmarks/run                          everything (some ten minutes on two cores)
    benchmarks/run --only margin_head       one of them; the rows of the others stay
    benchmarks/run --quick                  a try at tiny sizes, which writes nothing unless told where: --into FOLDER

Run it with nothing else running. What fell by more than a tenth against the last measurement on a like machine is
marked with ▼ in the table, and said.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from benchmarks.kept import Kept, Measured, all_kept, compared, write_readme
from benchmarks.measuring import THREADS
from shared import ROOT
from shared.errors import UserError
from shared.records.commit import commit
from shared.records.provenance import device_name

PACKAGES = ("torch", "numpy", "scikit-learn")


class Options(NamedTuple):
    """The options of a script for a measurement, and for a try at tiny sizes."""

    whole: str
    quick: str


SCRIPTS = {
    "mnist_training": Options(
        "--threads 1 --steps 10 --repetitions 3", "--scale smoke --threads 1 --steps 2 --repetitions 1"
    ),
    "lenet_training": Options("--batch 256 --steps 2", "--batch 2 --steps 1 --repetitions 1 --gemm 64"),
    "affinity_cost": Options("--threads 2 --steps 3 --repetitions 2", "--scale smoke --steps 1 --repetitions 1"),
    "face_reading": Options(
        "--faces 4096 --workers 0 2 --repetitions 3", "--faces 32 --batch 8 --workers 0 --repetitions 1"
    ),
    "margin_head": Options("--repetitions 3", "--batch 8 --classes 50 --dimension 4 --repetitions 1 --threads 1"),
    "face_training": Options(
        "--device cpu --batch 8 --steps 1",
        "--device cpu --side 16 --filters 2 --classes 7 --batch 2 --gemm 32 --steps 1 --repetitions 1 --threads 1",
    ),
    "face_protocols": Options(
        "--distractors 250000 --part 20 --repetitions 2", "--scale smoke --repetitions 1 --threads 1"
    ),
    "feature_statistics": Options("--images 100000", "--images 3000 --dimensions 150 --repetitions 1 --threads 1"),
    "metric_l2_reductions": Options("", "--classes 3"),
    "growth": Options("", "--scale 0.0001"),
}


def run(name: str, options: Sequence[str]) -> Measured | None:
    """Run a script, which says itself what goes wrong; return what it measured, or None where it failed."""
    environment = {name: value for name, value in os.environ.items() if name not in THREADS}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *options, "--json", str(file)]
        print(f"\n{name} {' '.join(options)}", flush=True)
        if subprocess.run(command, check=False, env=environment).returncode:
            return None
        result = json.loads(file.read_text(encoding="utf-8"))
    versions = {package: version(package) for package in PACKAGES}
    code = commit()
    short = code[:8] + "+" * code.endswith("+")
    return Measured(commit=short, versions=versions, options=result["options"], rows=result["rows"])


def machine() -> str:
    """Return what kind of machine this is."""
    return f"{device_name(torch.device('cpu'))}, {os.cpu_count()} cores"


def keep(kept: Kept, folder: Path) -> None:
    """Write the rows and the README of a folder, and say what fell."""
    kept.write(folder)
    write_readme(folder)
    print(f"kept in {kept.path(folder)}, shown in {folder / 'README.md'}")
    for name in kept.benchmarks:
        for row, words, fell in compared(kept, name, all_kept(folder)):
            if fell:
                print(f"{name}, {row.part}: {words}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, write it, and return 1 where a script failed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--only", nargs="+", choices=SCRIPTS, default=list(SCRIPTS), metavar="NAME", help="these (all)"
    )
    options.add_argument("--quick", action="store_true", help="try it at tiny sizes, which measures nothing")
    options.add_argument("--into", type=Path, metavar="FOLDER", help="of README.md and of what is kept (benchmarks)")
    given = options.parse_args(arguments)
    folder = given.into or (None if given.quick else ROOT / "benchmarks")
    today, failed = f"{date.today():%Y-%m-%d}", []
    for name in given.only:
        measured = run(name, (SCRIPTS[name].quick if given.quick else SCRIPTS[name].whole).split())
        if measured is None:
            failed.append(name)
        elif folder:
            try:
                keep(Kept(machine=machine(), date=today, benchmarks={name: measured}), folder)
            except UserError as error:
                print(f"error: {error}", file=sys.stderr)
                return 2
    if failed:
        print(f"error: {', '.join(failed)}: not measured; see above", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
