"""Read YAML so that every later complaint can name the file, the line and the key."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.errors import UserError, suggestion

Key = tuple[str | int | float, ...]
LONGEST = 80
MOST_LEVELS = 50
MOST_ENTRIES = 100_000
_AMBIGUOUS = re.compile(
    r"(?i:yes|no|on|off)|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[-+]?0[0-9_]+|[-+]?0b[01_]+|[-+]?[0-9]+_[0-9_.]*"
    r"|0o[0-7]+"
)
"""YAML 1.1, which PyYAML reads, has yes and on for true, 1:30 for 90, 010 for 8; YAML 1.2 reads words or 10.

It reads a word where YAML 1.2 has 0o10 for 8.
"""
_WITH_EXPONENT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$")
_CHOICE = re.compile(r"int|float|str|bool|\[key\]|(list|dict|tuple)\[.*\]")
_FORGOTTEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
M = TypeVar("M", bound=BaseModel)


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's, which takes 1e-3 for a word, but that it is a number, as in YAML 1.2."""


Loader.add_implicit_resolver("tag:yaml.org,2002:float", _WITH_EXPONENT, [*"-+.0123456789"])


@dataclass(frozen=True)
class Document:
    """A YAML file's plain data, and the line on which each key path stands."""

    path: Path
    data: Any
    lines: dict[Key, int] = field(repr=False)

    def line(self, key: Key) -> int:
        """Return the line (from 1) of `key`, or of the nearest enclosing key that stands in the file."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def error(self, key: Key, problem: str) -> UserError:
        """Return the error that names file, line and key of a problem."""
        return UserError(f"{self.place(key)}: {'.'.join(map(str, key)) or 'the file'}: {problem}")

    def place(self, key: Key) -> str:
        """Return "file:line" of `key`."""
        return f"{self.path}:{self.line(key)}"


def load(path: Path) -> Document:
    """Read one YAML file; one that lies in a package is kept as it was read, as Python keeps compiled modules.

    What is kept holds for the very same bytes of the file and of this module.

    Raises:
        UserError: the file is missing, is no YAML in UTF-8, is empty, gives one key twice, is nested or grows by its
            aliases beyond all measure, or has a value that YAML 1.1 and 1.2 read differently.

    """
    content = _content(path)
    if not path.with_name("__init__.py").exists():
        return _read(path, content)
    key = hashlib.sha256(b"\0".join([yaml.__version__.encode(), Path(__file__).read_bytes(), content])).digest()
    kept = path.parent / "__pycache__" / f"{path.name}.{sys.implementation.cache_tag}.pickle"
    with suppress(Exception):  # whatever a damaged file raises, the one that was kept from is there
        found, data, lines = pickle.loads(kept.read_bytes())  # noqa: S301 - as much ours as a compiled module
        if found == key:
            return Document(path, data, lines)
    document = _read(path, content)
    if not sys.dont_write_bytecode:
        with suppress(OSError):
            kept.parent.mkdir(exist_ok=True)
            partial = kept.with_suffix(f".{os.getpid()}")
            partial.write_bytes(pickle.dumps((key, document.data, document.lines)))
            partial.replace(kept)
    return document


def _read(path: Path, content: bytes) -> Document:
    text = _text(path, content)
    loader = Loader(text)
    try:
        _check(text, path)
        node = loader.get_single_node()
        if node is None:
            raise UserError(f"{path}: the file is empty; fill it in.")
        lines: dict[Key, int] = {}
        for key, line in _walk(loader, node, ()):
            if key in lines:
                raise UserError(f"{path}:{line}: '{key[-1]}' is given twice; keep one of them.")
            lines[key] = line
        data = loader.construct_document(node)
    except _FORGOTTEN:
        raise _no_value(loader, node, path) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path}:{line}: not valid YAML: {error.problem}; correct that line.") from None
    finally:
        loader.dispose()
    return Document(path, data, lines)


def _content(path: Path) -> bytes:
    if path.is_fifo() or path.is_char_device():
        raise UserError(f"{path}: it is a pipe or a device, which could be waited for for ever; give a file.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); create it or correct the path.") from None


def _text(path: Path, content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: the text is not UTF-8; save the file in that encoding.") from None
    if control := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise UserError(f"{path}:{line}: the control character {control[0]!r} stands here; remove it.")
    return text


def _check(text: str, path: Path) -> None:
    """Refuse what could not be composed in bounded time and depth, and words that two versions of YAML read apart."""
    open_nodes: list[tuple[str | None, int]] = []
    sizes: dict[str | None, int] = {}
    size = 0
    for event in yaml.parse(text, Loader=Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, size))
            if len(open_nodes) > MOST_LEVELS:
                raise UserError(f"{_place(path, event)}: nested in more than {MOST_LEVELS} levels; write it flatter.")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes[anchor] = size - before + 1
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor in {anchor for anchor, _ in open_nodes}:
                raise UserError(f"{_place(path, event)}: '*{event.anchor}' stands within what it names; write it out.")
            size += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            sizes[event.anchor] = 1
            if event.implicit[0] and _AMBIGUOUS.fullmatch(event.value):
                problem = f"'{event.value}' is a number or a truth value to some readers of YAML and a word to others"
                remedy = "write the number in decimal, true or false, or the word in quotes"
                raise UserError(f"{_place(path, event)}: {problem}; {remedy}.")
        size += 1
        if size > MOST_ENTRIES:
            problem = f"there are more than {MOST_ENTRIES:,} entries, with its aliases written out"
            raise UserError(f"{_place(path, event)}: {problem}; take aliases out.")


def _place(path: Path, event: yaml.Event) -> str:
    return f"{path}:{event.start_mark.line + 1 if event.start_mark else 1}"


def _no_value(loader: Any, node: Any, path: Path) -> UserError:
    """Return the error that names the value of which PyYAML's constructors make a traceback."""
    for scalar in _scalars(node):
        loader.recursive_objects.clear()
        try:
            loader.construct_object(scalar, deep=True)
        except yaml.YAMLError:  # a merge key, which is no value
            continue
        except _FORGOTTEN:
            shown, kind = scalar.value[:LONGEST], scalar.tag.rpartition(":")[2]
            return UserError(f"{path}:{scalar.start_mark.line + 1}: '{shown}' is no {kind}; correct it.")
    return UserError(f"{path}: not valid YAML; correct it.")


def _scalars(node: Any) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for part in pair:
                yield from _scalars(part)
    else:
        for part in node.value:
            yield from _scalars(part)


def _walk(loader: Any, node: yaml.Node, key: Key) -> Iterator[tuple[Key, int]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.tag == "tag:yaml.org,2002:merge":
                continue
            if not isinstance(name, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key has parts", problem_mark=name.start_mark)
            inner = (*key, loader.construct_object(name, deep=True))
            yield inner, name.start_mark.line + 1
            yield from _walk(loader, value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*key, index), value.start_mark.line + 1
            yield from _walk(loader, value, (*key, index))


def validated(kind: type[M], document: Document) -> M:
    """Return what a file says as a model, or raise the UserError of `explain`."""
    try:
        return kind.model_validate(document.data)
    except ValidationError as error:
        raise explain(error, document) from None


def explain(error: ValidationError, document: Document) -> UserError:
    """Turn the first complaint of a validation into one sentence with file, line, key and the nearest valid name."""
    return document.error(*complaint(error, document.data))


def complaint(error: ValidationError, data: Any = None) -> tuple[Key, str]:
    """Return the key path in the `data`, if given, that a validation complained of first, and what is wrong there."""
    first = error.errors(include_url=False)[0]
    where, context = _without_tags(_said(first["loc"]), data), first.get("ctx", {})
    match first["type"]:
        case "wrong_key":
            return (*where, context["key"]), context["problem"]
        case "union_tag_invalid":
            expected = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
            tag = context["tag"]
            return (*where, context["discriminator"].strip("'")), f"there is no '{tag}'; {suggestion(tag, expected)}"
        case "union_tag_not_found":
            return where, f"does not say its {context['discriminator']}; add it"
        case "literal_error":
            expected = [tag.strip(" '") for tag in context["expected"].replace(" or ", ",").split(",")]
            given = first["input"]
            return where, f"{given!r} is none of the choices; {suggestion(str(given), expected)}"
        case "missing":
            return where, "is missing; add it"
    message = first["msg"].removeprefix("Value error, ")
    return where, f"{message[0].lower()}{message[1:]}{_found(first)}; correct it"


def _said(where: Key) -> Key:
    """Return a key path without pydantic's names for the choices of a union and for a mapping's key, at its end."""
    while where and isinstance(where[-1], str) and _CHOICE.fullmatch(where[-1]):
        where = where[:-1]
    return where


def _without_tags(where: Key, data: Any) -> Key:
    """Return a key path without the names that pydantic puts in, each below its key, for what a mapping is chosen as.

    That is a component by its name, or the test of a claim by its kind.
    """
    kept: list[str | int | float] = []
    node: Any = data
    may_be_tag = False
    for part in where:
        if may_be_tag and isinstance(node, dict) and part in (node.get("name"), node.get("kind")):
            may_be_tag = False
            continue
        kept.append(part)
        node = node[part] if _has(node, part) else None
        may_be_tag = True
    return tuple(kept)


def _has(node: Any, part: str | int | float) -> bool:
    if isinstance(node, list):
        return isinstance(part, int) and part < len(node)
    return isinstance(node, dict) and part in node


def _found(first: ErrorDetails) -> str:
    """Return " (found ...)" for a short plain value, "" for a whole text that is no JSON and for what has parts."""
    given = first["input"]
    if isinstance(given, int) and given.bit_length() > 64:
        return " (found a number of more than 64 bits)"
    if first["type"] == "json_invalid" or not (isinstance(given, str | int | float | bool) or given is None):
        return ""
    shown = repr(given[:200] if isinstance(given, str) else given)
    return f" (found {shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + '...'})"
