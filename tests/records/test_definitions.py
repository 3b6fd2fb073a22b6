"""What code uses, found without running it: which edits of small modules change the digests, and which do not."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from shared.errors import UserError
from shared.records.definitions import Sources

MODULES = {
    "shared/net.py": '''
        """Networks."""
        from __future__ import annotations
        from typing import TYPE_CHECKING
        import torch
        from shared.parts import layer
        from shared.tools import tool
        if TYPE_CHECKING:
            from shared.typed import Typed
        WIDTH = 4
        DEPTH: int = 2
        OTHER = 3


        class Net:
            """A network."""

            card = "who made it"

            def build(self, typed: Typed) -> object:
                """Build it."""
                from shared.late import late
                return layer(WIDTH, tool.use()), late, self.DEPTH


        def unused():
            return OTHER
    ''',
    "shared/parts/__init__.py": '''
        """Options of all parts."""
        from shared.parts.linear import linear as layer
        LIST = ["of", "others"]
    ''',
    "shared/parts/linear.py": "def linear(width, tool):\n    return width\n",
    "shared/tools/__init__.py": "",
    "shared/tools/tool.py": "def use():\n    return 1\n\n\ndef never():\n    return 2\n",
    "shared/late.py": "import os\n\nlate = 1\nos.umask(2)\n",
    "shared/typed.py": "class Typed:\n    pass\n",
}


@pytest.fixture
def digests(tmp_path):
    """Return the digests of `shared.net:Net`, each time in a copy of the modules with some text replaced."""
    copies = iter(range(100))

    def of(name: str = "", old: str = "", new: str = "", aside: tuple[str, ...] = ()) -> tuple[str, ...]:
        root = tmp_path / str(next(copies))
        for path, text in MODULES.items():
            plain = textwrap.dedent(text).lstrip("\n")
            assert old in plain or path != name
            write(root / path, plain.replace(old, new) if path == name else plain)
        return Sources(root, aside).used_by("shared.net:Net")

    return of


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("shared/net.py", '"""Networks."""', '"""Nets."""'),
        ("shared/net.py", '"""A network."""', ""),
        ("shared/net.py", '"""Build it."""', '"""Build."""  # now'),
        ("shared/net.py", "WIDTH = 4", "# of the layer\nWIDTH = (\n    4\n)"),
        ("shared/net.py", "OTHER = 3", "OTHER = 4"),
        ("shared/net.py", "who made it", "someone"),
        ("shared/net.py", "DEPTH: int = 2", "DEPTH: int = 2\njudged_by: str = 'loss'"),
        ("shared/net.py", "DEPTH: int = 2", "DEPTH: int = 2\nexempt = {'order': 'at random'}"),
        ("shared/net.py", "def unused", "def knowing_nothing(shares):\n    return shares\n\n\ndef unused"),
        ("shared/parts/__init__.py", '"others"', '"others", "more"'),
        ("shared/tools/tool.py", "return 2", "return 3"),
        ("shared/typed.py", "pass", "size = 1"),
    ],
)
def test_what_says_or_does_nothing_here_leaves_the_digests(digests, name, old, new):
    assert digests(name, old, new) == digests()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("shared/net.py", "WIDTH = 4", "WIDTH = 5"),
        ("shared/net.py", "layer(WIDTH, tool.use())", "layer(tool.use(), WIDTH)"),
        ("shared/parts/linear.py", "return width", "return tool"),
        ("shared/tools/tool.py", "return 1", "return 3"),
        ("shared/late.py", "late = 1", "late = 2"),
        ("shared/late.py", "os.umask(2)", "os.umask(3)"),
    ],
)
def test_what_is_used_changes_them(digests, name, old, new):
    assert digests(name, old, new) != digests()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x[:n]", "x[n:]"),
        ("x[::n]", "x[:n]"),
        ("{**x, 'k': n}", "{'k': x, **n}"),
        ("lambda *, a, b=1: a", "lambda *, a=1, b: a"),
        ("lambda a, /: a", "lambda *a: a"),
        ("[n for n in x if n]", "[n for n in x for n in n]"),
        ("lower(n)", "upper(n)"),
        ("m.sin(n)", "c.sin(n)"),
        ("chosen()", "chosen(1)"),
    ],
)
def test_what_is_told_by_its_place_alone_changes_them(tmp_path, one, other):
    head = "import math as m\nimport cmath as c\nfrom math import floor as lower, ceil as upper\n"
    head += "from shared.other import chosen\n"
    found = []
    for root, text in ((tmp_path / "a", one), (tmp_path / "b", other)):
        write(root / "shared/other.py", "def chosen():\n    pass\n")
        write(root / "shared/one.py", f"{head}\n\ndef f(x, n):\n    image_shape = 1\n    return {text}\n")
        found.append(Sources(root).used_by("shared.one:f"))
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("else:\n        return a(1)", "finally:\n        return a(1)"),
        ("import floor as a", "import ceil as a"),
        ("from math import trunc as b", "from math import ceil as b"),
        ("image_shape = 1", "image_shape = 2"),
        ("return 2", "return 3"),
    ],
)
def test_what_stands_under_a_condition_or_in_a_function_changes_them(tmp_path, old, new):
    one = """\
        from math import floor as a
        from shared.other import conditional


        def f(x):
            from math import trunc as b
            image_shape = 1
            try:
                x = b(conditional(image_shape))
            except ValueError:
                return x
            else:
                return a(1)
    """
    other = "import sys\n\nif sys:\n    def conditional(x):\n        return 2\n"
    found = []
    for root, before, after in ((tmp_path / "a", "", ""), (tmp_path / "b", old, new)):
        texts = {"shared/one.py": textwrap.dedent(one), "shared/other.py": other}
        assert any(before in text for text in texts.values())
        for path, text in texts.items():
            write(root / path, text.replace(before, after) if before else text)
        found.append(Sources(root).used_by("shared.one:f"))
    assert found[0] != found[1]


def test_a_module_set_aside_takes_no_part(digests):
    aside = ("shared.parts.linear",)
    assert digests("shared/parts/linear.py", "return width", "return tool", aside) == digests(aside=aside)
    assert digests(aside=aside) != digests()


def test_a_definition_may_move_to_another_module(tmp_path):
    write(tmp_path / "a/shared/one.py", "from shared.two import f\n\n\ndef g():\n    return f()\n")
    write(tmp_path / "a/shared/two.py", "def f():\n    return 1\n")
    write(tmp_path / "b/shared/one.py", "def f():\n    return 1\n\n\ndef g():\n    return f()\n")
    assert Sources(tmp_path / "a").used_by("shared.one:g") == Sources(tmp_path / "b").used_by("shared.one:g")


def test_a_start_that_is_not_there_is_said(tmp_path):
    write(tmp_path / "shared/one.py", "x = 1\n")
    with pytest.raises(LookupError, match=r"has no shared\.one:y"):
        Sources(tmp_path).used_by("shared.one:y")
    with pytest.raises(LookupError, match=r"has no shared\.two:y"):
        Sources(tmp_path).used_by("shared.two:y")


def test_a_module_that_is_no_python_is_named_with_its_line(tmp_path):
    module = tmp_path / "shared/net.py"
    module.parent.mkdir()
    module.write_text("class Net:\n    def\n")
    with pytest.raises(UserError, match=f"{module}:2: it is not valid Python"):
        Sources(tmp_path).used_by("shared.net:Net")
