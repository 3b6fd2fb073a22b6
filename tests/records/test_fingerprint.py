"""Fingerprints of the suite's own code: which runs an edit makes those of older code, and which not."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from shared import ROOT
from shared.data.drawn import draw
from shared.records import fingerprint
from shared.records.definitions import Sources
from shared.records.fingerprint import evaluation_definitions, training_code, training_definitions
from shared.runs.components import Component
from shared.runs.config import Run
from shared.runs.registry import papers
from shared.training.checkpoint import Checkpoints
from shared.training.device import prepare
from shared.training.loop import fit
from shared.training.setup import Setup
from tests.conftest import copy_suite

RUNS = {
    f"{run.scale} {run.paper} {run.name}": run
    for paper in papers().values()
    for scale in ("smoke", "full")
    for run in paper.runs(scale).values()
}


@pytest.fixture(scope="module")
def before() -> dict[str, tuple[str, ...]]:
    return {name: training_definitions(run) for name, run in RUNS.items()}


def changed_by(folder: Path, before: dict[str, tuple[str, ...]], path: str, edit: Callable[[str], str]) -> set[str]:
    """Return the runs that are trained by other code after an edit of a file."""
    folder.mkdir(exist_ok=True)
    suite = copy_suite(folder)
    file = suite / path
    text = file.read_text()
    assert edit(text) != text
    file.write_text(edit(text))
    return {name for name, run in RUNS.items() if training_definitions(run, suite) != before[name]}


def on_import(text: str) -> str:
    """Do something when the module is imported, which counts with each of its definitions."""
    return text + "\nimport os\n\nos.umask(2)\n"


def uses_loss(run: Run, *names: str) -> bool:
    loss = run.config.loss
    return loss.name in names or getattr(getattr(loss, "base", loss), "name", "") in names


@pytest.mark.parametrize(
    ("path", "edit"),
    [
        ("shared/losses/softmax.py", lambda text: '"""Other words."""\n' + text.split("\n", 1)[1]),
        ("shared/training/loop.py", lambda text: text.replace("\n\n\n", "\n\n\n\n# A remark.\n\n\n")),
        ("shared/reporting/figure.py", lambda text: text + "\nMORE = 1\n"),
        ("shared/commands/report.py", lambda text: text + "\nMORE = 1\n"),
        ("papers/feature_transfer/class_figures.py", lambda text: text + "\nMORE = 1\n"),
        ("shared/training/progress.py", lambda text: text + "\nMORE = 1\n"),
        ("shared/training/termination.py", lambda text: text.replace("GRACE_SECONDS = 5.0", "GRACE_SECONDS = 6.0")),
        ("shared/evaluation/cosine.py", on_import),
        ("shared/losses/__init__.py", lambda text: text + "\n\nclass Another(Softmax):\n    more: int = 1\n"),
    ],
)
def test_what_does_not_train_changes_no_run(tmp_path, before, path, edit):
    assert changed_by(tmp_path, before, path, edit) == set()


def test_a_loss_changes_the_runs_that_use_it_also_within_another(tmp_path, before):
    changed = changed_by(tmp_path, before, "shared/losses/arc_face.py", lambda text: text.replace('"linear"', '"none"'))
    assert changed == {name for name, run in RUNS.items() if uses_loss(run, "arcface")}
    assert any(RUNS[name].config.loss.name == "joint" for name in changed)
    assert any(RUNS[name].config.loss.name == "arcface" for name in changed)


@pytest.mark.parametrize(
    "path", ["shared/training/loop.py", "shared/data/sampling.py", "shared/training/setup.py", "shared/runs/fields.py"]
)
def test_what_every_training_uses_changes_every_run(tmp_path, before, path):
    assert changed_by(tmp_path, before, path, on_import) == set(RUNS)


def test_the_drawing_of_stand_ins_changes_rendered_runs_alone(tmp_path, before):
    changed = changed_by(tmp_path, before, "shared/data/rendered/faces.py", on_import)
    rendered = {name for name, run in RUNS.items() if getattr(run.config.data, "source", "") == "rendered"}
    assert changed == {name for name in rendered if RUNS[name].config.data.name != "dermofit"}
    assert changed


def test_an_edited_benchmark_is_other_evaluation_code_and_trains_alike(tmp_path, before):
    changed = changed_by(
        tmp_path, before, "shared/evaluation/classification.py", lambda text: text.replace("100", "101")
    )
    assert changed == set()
    measured = {
        (name, benchmark): evaluation_definitions(run, benchmark) != evaluation_definitions(run, benchmark, tmp_path)
        for name, run in RUNS.items()
        for benchmark in run.config.benchmarks
    }
    assert {benchmark for (_, benchmark), other in measured.items() if other} == {
        "mnist-test", "held-out", "emnist-test", "dermofit-test",
    } & {benchmark for _, benchmark in measured}  # fmt: skip


def test_fingerprints_of_all_runs_take_little_time():
    fingerprint._sources.cache_clear()
    fingerprint._used.cache_clear()
    began = time.process_time()
    for run in RUNS.values():
        training_code(run)
    assert time.process_time() - began < 2  # a tenth of that on a quiet machine


@pytest.mark.parametrize(
    ("paper", "name"),
    [("gaussian_affinity", "figure7/10"), ("discface", "figure6/cosface"), ("adversarial_variance", "figure7/2")],
)
def test_every_function_of_the_suite_that_a_training_calls_is_in_its_fingerprint(tmp_path, digits_root, paper, name):
    run = papers()[paper].run(name, "smoke")
    called: set[tuple[str, int]] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_flags & inspect.CO_OPTIMIZED:
            called.add((code.co_filename, code.co_firstlineno))

    for _, part in run.config:
        for path in part.code if isinstance(part, Component) else ():
            importlib.import_module(path.partition(":")[0])  # what modules do when they are imported is not training
    device, _hold = prepare(run.config.training)
    sys.setprofile(note)
    try:
        setup = Setup(run, 0, draw(run.config.data, 0, digits_root), device)
        fit(setup.scheme, setup.images["train"], run.config.training, 0, Checkpoints(tmp_path, {}, 0))
    finally:
        sys.setprofile(None)
    told = set(training_definitions(run))
    missing = {start for start in called_definitions(called) if Sources(ROOT).used_by(start)[0] not in told}
    aside = {"shared.errors", "shared.training.progress", "shared.training.termination"}
    assert {start.partition(":")[0] for start in missing} <= aside


def called_definitions(called: set[tuple[str, int]]) -> set[str]:
    """Return the definitions of the suite that functions, given by file and first line, stand in."""
    found = set()
    for file, line in called:
        path = Path(file)
        if path.is_relative_to(ROOT / "shared") or path.is_relative_to(ROOT / "papers"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            for statement in ast.parse(path.read_text()).body:
                if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                    first = min([statement.lineno, *(part.lineno for part in statement.decorator_list)])
                    if first <= line <= (statement.end_lineno or first):
                        found.add(f"{module}:{statement.name}")
    assert found
    return found
