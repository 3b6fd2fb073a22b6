"""A class of one's own: what belongs to its source, and what it raises, told with its line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shared.errors import UserError
from shared.runs.own_code import OwnLoss, OwnSampler


def own(folder: Path, text: str, **settings: object) -> OwnLoss:
    (folder / "mine.py").write_text(text)
    return OwnLoss(name="mine:Mine", settings=settings).model_copy(update={"folder": folder})


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("imports", "module"),
    [
        ("from pack import FACTOR", "pack/__init__.py"),
        ("import pack.part", "pack/__init__.py"),
        ("import pack.part", "pack/part.py"),
        ("from pack import part", "pack/part.py"),
        ("from pack.part import A, B", "pack/part.py"),
        ("from pack import *", "pack/part.py"),
        ("import pack.inner.deep as deep", "pack/inner/deep.py"),
        ("import pack.inner.deep", "pack/part.py"),  # by `from ..part import A`
        ("import pack.inner.deep", "pack/inner/beside.py"),  # by `from . import beside`
        ("import folder.plain", "folder/plain.py"),
        ("import importlib\nimportlib.import_module('pack.part')", "pack/part.py"),
        ("def late():\n    import helper", "helper.py"),
    ],
)
def test_what_changes_in_any_module_beside_that_it_imports_changes_it(tmp_path, imports, module):
    for name in ("helper.py", "pack/__init__.py", "pack/part.py", "pack/inner/__init__.py", "pack/inner/beside.py"):
        written(tmp_path, name, "A = B = FACTOR = 1\n")
    written(tmp_path, "pack/inner/deep.py", "from ..part import A\nfrom . import beside\n")
    written(tmp_path, "folder/plain.py", "")
    code = own(tmp_path, f"{imports}\nclass Mine: ...\n")
    before = code.fixed()
    with (tmp_path / module).open("a") as file:
        file.write("C = 2\n")
    assert code.fixed() != before


def test_what_it_does_not_import_is_no_part_of_it_nor_where_it_lies(tmp_path):
    written(tmp_path, "one/pack/other.py", "")
    written(tmp_path, "one/pack/__init__.py", "")
    written(tmp_path, "two/pack/__init__.py", "")
    one, two = (own(tmp_path / name, "import torch.nn\nimport pack\nclass Mine: ...\n") for name in ("one", "two"))
    assert one.fixed() == two.fixed()
    assert [path.relative_to(tmp_path).as_posix() for path in one.files()] == ["one/mine.py", "one/pack/__init__.py"]


def test_a_module_beside_is_found_when_it_is_imported_late(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    written(tmp_path, "imported_late.py", "VALUE = 3\n")
    text = "class Mine:\n    def value(self):\n        import imported_late\n        return imported_late.VALUE\n"
    assert own(tmp_path, text).build().value() == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module", "its import raises ModuleNotFoundError: No module named 'no_such_module', at {}:1"),
        ("\nraise SystemExit('bye')", "its import raises SystemExit: bye, at {}:2"),
        ("def Mine(*_):\n    raise ValueError('no\\nmore')", "mine.Mine(2, 10) raises ValueError: no, at {}:2"),
        ("def Mine(*_):\n    exit(3)", "mine.Mine(2, 10) raises SystemExit: 3, at {}:2"),
        ("class Mine: ...", "mine.Mine(2, 10) raises TypeError: Mine() takes no arguments"),
        ("class Mine", "mine.py:1: it is not valid Python (expected ':')"),
    ],
)
def test_what_it_raises_is_told_with_its_line(tmp_path, monkeypatch, text, said):
    monkeypatch.setattr(sys, "path", [*sys.path])
    code = own(tmp_path, text)
    with pytest.raises(UserError) as refused:
        code.build(2, 10)
    assert said.format(tmp_path / "mine.py") in str(refused.value)


def test_an_option_that_it_does_not_take_is_answered_with_the_nearest(tmp_path):
    text = "class Mine:\n    def __init__(self, dimension, classes, *, margin=1.0, scale=1.0): ...\n"
    own(tmp_path, text, margin=2).build(2, 10)
    with pytest.raises(UserError, match="there is no option 'marginn'; did you mean 'margin'"):
        own(tmp_path, text, marginn=2).build(2, 10)
    with pytest.raises(UserError, match="there is no option 'dimension'; valid are: margin, scale"):
        own(tmp_path, text, dimension=2).build(2, 10)
    own(tmp_path, "class Mine:\n    def __init__(self, *sizes, **options): ...\n", marginn=2).build(2, 10)


def test_how_one_would_build_it_oneself(tmp_path):
    assert own(tmp_path, "", margin=0.5, kind="a").called(3, 4) == "mine.Mine(3, 4, margin=0.5, kind='a')"
    assert OwnSampler(name="mine:Mine").called([0] * 99, 4, 8) == "mine.Mine(labels, 4, 8)"


@pytest.mark.parametrize(
    ("imports", "used"),
    [
        ("from shared.losses.softmax import SoftmaxLoss", "shared.losses.softmax:SoftmaxLoss"),
        ("from shared.losses import Softmax", "shared.losses:Softmax"),
        ("from shared.losses.contract import said", "shared.runs.own_calls:said"),
        ("from shared.losses import softmax", "shared.losses.softmax:SoftmaxLoss"),
        ("import shared.losses.softmax as s", "shared.losses.softmax:SoftmaxLoss"),
        ("from shared.losses.softmax import *", "shared.losses.softmax:SoftmaxLoss"),
        ("from shared.losses.directions import NO_LENGTH", "shared.losses.directions:NO_LENGTH"),
    ],
)
def test_what_it_uses_of_the_suite_is_found_however_it_is_imported(tmp_path, imports, used):
    assert used in own(tmp_path, f"{imports}\nclass Mine: ...\n").code


def test_a_module_that_python_cannot_take_in_is_named(tmp_path):
    with pytest.raises(UserError, match=r"mine\.py: its expressions are nested too deep"):
        own(tmp_path, f"x = {'-' * 100_000}1\nclass Mine: ...\n").fixed()
