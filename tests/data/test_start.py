"""What every start of the command line imports of the data sets, and which way imports go among them."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import ROOT

DATA = ROOT / "shared" / "data"
WINGS = ("", "formats", "rendered", "sets", "stand_ins")
MODULES = sorted(path.relative_to(DATA).with_suffix("").parts for path in DATA.rglob("*.py"))


def test_all_runs_are_known_without_what_reads_images():
    code = (
        "import sys; from shared.runs.registry import papers; [paper.runs('full') for paper in papers().values()]; "
        "print({'numpy', 'PIL', 'simplejpeg', 'scipy', 'matplotlib', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def wing(parts: tuple[str, ...]) -> str:
    return parts[0] if parts and parts[0] in WINGS else ""


def imported(parts: tuple[str, ...]) -> set[tuple[str, ...]]:
    """The modules of shared/data that a module imports anywhere in it, also for types alone."""
    found = set()
    for node in ast.walk(ast.parse(DATA.joinpath(*parts).with_suffix(".py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("shared.data"):
            package = tuple(node.module.split(".")[2:])
            names = [(*package, alias.name) for alias in node.names]
            found |= {name if name in MODULES else package for name in names}
    return found


@pytest.mark.parametrize("module", MODULES, ids="/".join)
def test_imports_go_one_way(module):
    for other in imported(module):
        assert WINGS.index(wing(other)) <= WINGS.index(wing(module)), f"{module} imports {other}"
        assert wing(module) != "sets" or wing(other) != "sets", f"{module} imports the set {other}"
