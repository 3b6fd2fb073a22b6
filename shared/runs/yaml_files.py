"""Read YAML so that every later complaint can name the file, the line and the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.errors import UserError, suggestion

Key = tuple[str | int, ...]
LONGEST = 80
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    """Read one YAML file.

    Raises:
        UserError: the file is missing, is not YAML, is empty, or gives one key twice.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); create it or correct the path.") from None
    loader = LOADER(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise UserError(f"{path}: the file is empty; fill it in.")
        lines: dict[Key, int] = {}
        for key, line in _walk(loader, node, ()):
            if key in lines:
                raise UserError(f"{path}:{line}: '{key[-1]}' is given twice; keep one of them.")
            lines[key] = line
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path}:{line}: not valid YAML: {error.problem}; correct that line.") from None
    finally:
        loader.dispose()
    return Document(path, data, lines)


def _walk(loader: Any, node: yaml.Node, key: Key) -> Iterator[tuple[Key, int]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.tag == "tag:yaml.org,2002:merge":
                continue
            inner = (*key, loader.construct_object(name, deep=True))
            yield inner, name.start_mark.line + 1
            yield from _walk(loader, value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*key, index), value.start_mark.line + 1
            yield from _walk(loader, value, (*key, index))


def explain(error: ValidationError, document: Document) -> UserError:
    """Turn the first complaint of a validation into one sentence with file, line, key and the nearest valid name."""
    return document.error(*complaint(error))


def complaint(error: ValidationError) -> tuple[Key, str]:
    """Return the key path that a validation complained of first, and what is wrong with it."""
    first = error.errors(include_url=False)[0]
    where, context = first["loc"], first.get("ctx", {})
    match first["type"]:
        case "unknown_key":
            return (*where, context["key"]), f"unknown key; {context['hint']}"
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


def _found(first: ErrorDetails) -> str:
    """Return " (found ...)" for a short plain value, "" for a whole text that is no JSON and for what has parts."""
    given = first["input"]
    if isinstance(given, int) and given.bit_length() > 64:
        return " (found a number of more than 64 bits)"
    if first["type"] == "json_invalid" or not (isinstance(given, str | int | float | bool) or given is None):
        return ""
    shown = repr(given[:200] if isinstance(given, str) else given)
    return f" (found {shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + '...'})"
