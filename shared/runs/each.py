"""Entries of a list that differ in a few words, written as one.

    - each:
        - {letter: a, place: on LFW, printed: 0.43}
        - {letter: b, place: on IJB-A at rank 1, printed: 2.14}
      id: FT-C2{letter}
      says: m-L2 improves softmax {place}.
      note: The printed gain is {printed} points.

stands for two entries, one for each of the mappings below `each`, in their order. `{name}` in any text of the entry
stands for what the mapping gives that name; a text that is nothing else becomes what is given, be it a number, a list
or null. What is no name in braces, such as `table2/{0,1,2}`, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import suggestion
from shared.runs.yaml_files import Document, Key

PLACEHOLDER = re.compile(r"{([a-z_]+)}")


@dataclass(frozen=True)
class Entry:
    """One entry that is meant: its plain data, where it is written, and the line of its mapping, if it has one."""

    data: Any
    key: Key
    line: int | None = None


def expand(document: Document, key: Key, entries: Sequence[Any]) -> list[Entry]:
    """Return the entries that the list `entries`, which stands at `key` of a document, is short for.

    Raises:
        UserError: a placeholder and the mappings below `each` do not fit; names file, line and key.

    """
    expanded: list[Entry] = []
    for index, entry in enumerate(entries):
        place = (*key, index)
        if isinstance(entry, dict) and "each" in entry:
            expanded += _expanded(document, place, entry)
        else:
            expanded.append(Entry(entry, place))
    return expanded


def _expanded(document: Document, key: Key, entry: dict[str, Any]) -> Iterator[Entry]:
    template = {name: part for name, part in entry.items() if name != "each"}
    mappings = entry["each"]
    if not isinstance(mappings, list) or not mappings or not all(isinstance(given, dict) for given in mappings):
        raise document.error((*key, "each"), "is no list of mappings; give one for each entry that is meant")
    named = dict(_placeholders(template, key))
    known = {name for given in mappings for name in given}
    for name, place in named.items():
        if name not in known:
            raise document.error(place, f"nothing below 'each' gives '{name}'; {suggestion(name, known)}")
    for number, given in enumerate(mappings):
        place = (*key, "each", number)
        for name in given:
            if name not in named:
                raise document.error((*place, name), f"no text of the entry has '{{{name}}}'; use it or remove it")
        for name in named:
            if name not in given:
                raise document.error(place, f"does not give '{name}'; add it")
        yield Entry(_filled(template, given), key, document.line(place))


def _placeholders(part: Any, key: Key) -> Iterator[tuple[str, Key]]:
    """Yield the name of each placeholder and where it stands."""
    if isinstance(part, str):
        yield from ((name, key) for name in PLACEHOLDER.findall(part))
    elif isinstance(part, dict | list):
        for name, inner in part.items() if isinstance(part, dict) else enumerate(part):
            yield from _placeholders(inner, (*key, name))


def _filled(part: Any, given: dict[str, Any]) -> Any:
    if isinstance(part, dict):
        return {name: _filled(inner, given) for name, inner in part.items()}
    if isinstance(part, list):
        return [_filled(inner, given) for inner in part]
    if not isinstance(part, str):
        return part
    alone = PLACEHOLDER.fullmatch(part)
    return given[alone[1]] if alone else PLACEHOLDER.sub(lambda found: str(given[found[1]]), part)
