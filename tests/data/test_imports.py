"""Which way imports go among what reads data sets."""

import ast

import pytest

from tests.conftest import ROOT

DATA = ROOT / "shared" / "data"
WINGS = ("", "formats", "rendered", "sets", "stand_ins")
MODULES = sorted(path.relative_to(DATA).with_suffix("").parts for path in DATA.rglob("*.py"))


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
