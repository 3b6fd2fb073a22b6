"""YAML that is no text, no YAML, too much of it, or read differently by others, is refused with file and line."""

from __future__ import annotations

import os
import time

import pytest

from shared.errors import UserError
from shared.runs.yaml_files import load

LAUGHS = "\n".join(
    ["a0: &a0 [lol]", *(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 12))]
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("# first\na: é\n".encode("latin-1"), ":2: the text is not UTF-8"),
        ("a: 1\n".encode("utf-16"), ":1: the text is not UTF-8"),
        (b"a: 1\nb: \x00\n", ":2: the control character '\\x00' stands here"),
        (b"a: 1 # \x07\n", ":1: the control character '\\x07' stands here"),
        (b"a: 1\nb: 2020-99-99\n", ":2: '2020-99-99' is no timestamp"),
        (b"a: 1\nb: !!int 0x\n", ":2: '0x' is no int"),
        (b"a: &a {b: 1}\nb: {<<: *a, c: 2020-99-99}\n", ":2: '2020-99-99' is no timestamp"),
        (b"a: 1\n2020-99-99: b\n", ":2: '2020-99-99' is no timestamp"),
        (b"a: 1\nb: !!timestamp soon\n", ":2: 'soon' is no timestamp"),
        (b"a: 1\nb: !!bool maybe\n", ":2: 'maybe' is no bool"),
        (b"a: 1\nb: " + b"9" * 5000 + b"\n", ":2: '99999"),
        (b"a: 1\n? [1, 2]\n: 3\n", ":2: not valid YAML: a key has parts"),
        (b"a: 1\n--- b\n", ":2: not valid YAML"),
        (b"a: !!python/object/apply:os.system [true]\n", ":1: not valid YAML: could not determine a constructor"),
        (b"a: " + b"[" * 100_000 + b"]" * 100_000, ":1: nested in more than 50 levels"),
        (b"a: 1\nb: &b {c: *b}\n", ":2: '*b' stands within what it names"),
        (LAUGHS.encode(), ":6: there are more than 100,000 entries"),
        (b"a: yes\n", ":1: 'yes' is a number or a truth value to some readers of YAML and a word to others"),
        (b"on: 1\n", ":1: 'on' is"),
        (b"a: [0.1, 1:30]\n", ":1: '1:30' is"),
        (b"a: 010\n", ":1: '010' is"),
        (b"a: 0o10\n", ":1: '0o10' is"),
        (b"", ": the file is empty"),
    ],
)
def test_it_is_one_sentence_with_file_and_line_at_once(tmp_path, content, says):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    began = time.process_time()
    with pytest.raises(UserError) as error:
        load(path)
    assert time.process_time() - began < 2
    assert str(error.value).startswith(f"{path}{says}")
    assert len(str(error.value)) < len(str(path)) + 250


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.yaml")
    with pytest.raises(UserError, match=r"x\.yaml: it is a pipe or a device"):
        load(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e3", 1e3), ("-2E-4", -2e-4), ("1.5e3", 1.5e3), ("1.e+2", 1e2), (".5e-1", 0.05), ("1.0e-3", 1e-3)],
)
def test_a_number_with_an_exponent_is_a_number(tmp_path, text, number):
    path = tmp_path / "x.yaml"
    path.write_text(f"a: {text}\nb: tar@{text}\nc: {text}d54\n")
    assert load(path).data == {"a": number, "b": f"tar@{text}", "c": f"{text}d54"}


def test_quoted_words_decimal_numbers_and_aliases_are_read(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(
        "\ufeffa: &a {b: 'yes', c: true, d: 1e-3, e: 0, f: -0.5, h: '1e-3'}\r\ng: {<<: *a, b: [*a, no-one]}\r\n",
        "utf-8",
    )
    document = load(path)
    a = {"b": "yes", "c": True, "d": 1e-3, "e": 0, "f": -0.5, "h": "1e-3"}
    assert document.data == {"a": a, "g": a | {"b": [a, "no-one"]}}
    assert document.line(("g", "b", 1)) == 2


def test_a_file_of_a_package_is_kept_as_it_was_read_until_it_changes(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    path = tmp_path / "runs.yaml"
    path.write_text("a: {b: 1}\nc: 2020-02-29\n")
    alone = load(path)
    assert not (tmp_path / "__pycache__").exists()
    (tmp_path / "__init__.py").touch()
    assert load(path) == alone
    (kept,) = (tmp_path / "__pycache__").iterdir()
    monkeypatch.setattr("shared.runs.yaml_files._read", None)
    assert load(path) == alone
    assert load(path).lines == alone.lines
    monkeypatch.undo()
    path.write_text("a: {b: 2}\n")
    assert load(path).data == {"a": {"b": 2}}
    kept.write_bytes(b"torn")
    assert load(path).data == {"a": {"b": 2}}
    path.write_text("a: yes\n")
    with pytest.raises(UserError, match="'yes' is a number or a truth value"):
        load(path)
