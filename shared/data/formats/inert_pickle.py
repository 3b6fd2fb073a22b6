"""Pickles of plain values, read without running them.

A pickle is a program that may import and call anything. `pickletools` tells its instructions apart, which runs none of
them; here they are followed by a table that knows lists, tuples, numbers, text and bytes, and the few names below, each
of which stands for a function of this module. Any other instruction or name is refused. Read are

- what Python 2 writes (protocols 1 and 2), where bytes are a `str`;
- what Python 3 writes (protocols 0 to 5), where they are `bytes`, up to protocol 2 by way of `_codecs.encode`;
- either with NumPy's arrays of bytes, booleans or whole numbers, and its single booleans and whole numbers.

Python 2's protocol 0 escapes bytes into text; a `str` there may be ASCII only.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass
class ByteArray:
    """A NumPy array: the code of its numbers' type, such as "u1" or "i8", their bytes, and ">" if reversed."""

    kind: str = ""
    content: bytes = b""
    order: str = "<"

    def bytes_of(self, kind: str) -> bytes:
        """Return the bytes, or raise TypeError where they are not numbers of the type `kind`."""
        if self.kind != kind:
            raise TypeError(f"an array is of type {self.kind or 'unknown'}, not {kind}")
        return self.content

    def whole_numbers(self) -> list[int]:
        """Return the numbers, booleans as 0 and 1, or raise TypeError where they are no whole ones."""
        if self.kind[:1] not in {"b", "i", "u"} or self.kind[1:] not in {"1", "2", "4", "8"}:
            raise TypeError(f"an array is of type {self.kind or 'unknown'}, not of whole numbers")
        size = int(self.kind[1:])
        order: Literal["big", "little"] = "big" if self.order == ">" else "little"
        parts = (self.content[start : start + size] for start in range(0, len(self.content), size))
        return [int.from_bytes(part, order, signed=self.kind[0] == "i") for part in parts]


def unpickled(content: bytes) -> Any:
    """Return what a pickle holds: lists, tuples, numbers, text, bytes and arrays of bytes.

    Raises ValueError or TypeError where it is truncated, or asks for anything else.
    """
    machine = _Machine()
    try:
        for opcode, argument, position in pickletools.genops(content):
            if opcode.name not in _INSTRUCTIONS:
                raise ValueError(
                    f"the instruction {opcode.name} at byte {position} has no place there; nothing was run"
                )
            _INSTRUCTIONS[opcode.name](machine, argument)
        (result,) = machine.stack
    except UnicodeDecodeError:
        raise ValueError(
            "Python 2 pickled it by protocol 0, which escapes bytes; pickle it again by protocol 2"
        ) from None
    except (LookupError, AttributeError, OverflowError) as error:
        raise ValueError(f"its instructions do not fit together ({error!r})") from None
    return result


@dataclass(frozen=True)
class _Name:
    """A name that the pickle asks for, not looked up anywhere."""

    name: str


@dataclass
class _Kind:
    """A type of numbers, by NumPy's code for it, and the order of their bytes."""

    code: str
    order: str = "<"


class _Mark:
    """Where the items of a list or tuple begin."""


class _Machine:
    """The stack and the memo of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def remember(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.stack[-1]

    def recall(self, place: int) -> None:
        self.push(self.memo[place])

    def items(self) -> list[Any]:
        """Take what lies above the last mark, and the mark."""
        taken = []
        while not isinstance(item := self.stack.pop(), _Mark):
            taken.append(item)
        return taken[::-1]

    def last(self, count: int) -> tuple[Any, ...]:
        """Take the last few values."""
        return tuple(self.stack.pop() for _ in range(count))[::-1]

    def append(self, items: list[Any]) -> None:
        """Append to the list that is then on top."""
        if not isinstance(self.stack[-1], list):
            raise TypeError("it appends to what is no list")
        self.stack[-1].extend(items)

    def name(self, module: str, attribute: str) -> None:
        # NumPy 2 moved its inner modules.
        name = f"{module} {attribute}".replace("numpy._core.", "numpy.core.")
        if name not in _FUNCTIONS:
            raise ValueError(f"it asks for {module}.{attribute}, which has no place there; nothing was run")
        self.push(_Name(name))

    def reduce(self) -> None:
        """Call not what was named but what stands for it here."""
        name, arguments = self.last(2)
        self.push(_FUNCTIONS[name.name](*arguments))

    def build(self) -> None:
        """Give an array its content, or a type of numbers the order of their bytes."""
        (state,) = self.last(1)
        filled = self.stack[-1]
        if isinstance(filled, ByteArray):
            _, _, kind, _, content = state
            filled.kind, filled.content, filled.order = kind.code, _only_bytes(content), kind.order
        elif isinstance(filled, _Kind):
            filled.order = state[1] if isinstance(state[1], str) else state[1].decode("ascii")
        else:
            raise TypeError("it fills what is no array")


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in {"latin1", "latin-1"}:
        raise ValueError(f"it holds bytes as text in {encoding}")
    return text.encode("latin-1")


def _kind(code: str | bytes, *_: object) -> _Kind:
    return _Kind(code if isinstance(code, str) else code.decode("ascii"))


def _empty(*_: object) -> ByteArray:
    return ByteArray()


def _filled(content: bytes, kind: _Kind, *_: object) -> ByteArray:
    return ByteArray(kind.code, _only_bytes(content), kind.order)


def _scalar(kind: _Kind, content: bytes) -> int:
    (number,) = ByteArray(kind.code, _only_bytes(content), kind.order).whole_numbers()
    return number


def _only_bytes(content: object) -> bytes:
    """Return bytes; TypeError for all else, a number above all, of which `bytes` would make as many zeros."""
    if not isinstance(content, (bytes, bytearray)):
        raise TypeError(f"an array has {type(content).__name__} for its content")
    return bytes(content)


def _uncalled(*_: object) -> None:
    raise TypeError("it calls the class of arrays")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "_codecs encode": _encode,
    "numpy dtype": _kind,
    "numpy ndarray": _uncalled,
    "numpy.core.multiarray _reconstruct": _empty,
    "numpy.core.multiarray scalar": _scalar,
    "numpy.core.numeric _frombuffer": _filled,
}
"""What a pickle may name, and what is called in its stead."""

_Instruction = Callable[[_Machine, Any], None]


def _always(value: Callable[[], Any]) -> _Instruction:
    return lambda machine, _: machine.push(value())


def _tuple_of(count: int) -> _Instruction:
    return lambda machine, _: machine.push(machine.last(count))


def _nothing(_machine: _Machine, _argument: object) -> None:
    """Take note of what needs nothing done: the protocol's number, the length of a frame, the end."""


def _bytes(machine: _Machine, argument: str) -> None:
    """Push a `str` of Python 2, whose bytes `pickletools` gives as the text of their numbers."""
    machine.push(argument.encode("latin-1"))


_INSTRUCTIONS: dict[str, _Instruction] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), _nothing),
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"), _Machine.push),
    **dict.fromkeys(("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"), _Machine.push),
    **dict.fromkeys(("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"), _Machine.push),
    **dict.fromkeys(("STRING", "SHORT_BINSTRING", "BINSTRING"), _bytes),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.recall),
    "NONE": _always(lambda: None),
    "NEWTRUE": _always(lambda: True),
    "NEWFALSE": _always(lambda: False),
    "MARK": _always(_Mark),
    "EMPTY_LIST": _always(list),
    "EMPTY_TUPLE": _always(tuple),
    **{f"TUPLE{count}": _tuple_of(count) for count in (1, 2, 3)},
    "TUPLE": lambda machine, _: machine.push(tuple(machine.items())),
    "LIST": lambda machine, _: machine.push(machine.items()),
    "APPEND": lambda machine, _: machine.append(list(machine.last(1))),
    "APPENDS": lambda machine, _: machine.append(machine.items()),
    "GLOBAL": lambda machine, argument: machine.name(*argument.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.name(*machine.last(2)),
    "REDUCE": lambda machine, _: machine.reduce(),
    "BUILD": lambda machine, _: machine.build(),
}
"""What each instruction does, by its name in `pickletools`."""
