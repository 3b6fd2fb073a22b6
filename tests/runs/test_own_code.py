"""A class of one's own: what belongs to its source, whatever of it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.runs.own_code import OwnLoss


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
