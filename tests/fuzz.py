"""Mutated files: what a disk, an editor, a copy or a stranger makes of a whole one."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.errors import UserError

WORDS = (
    b"\0",
    b"\xff",
    b"\x80",
    b"nan",
    b"-1",
    b"1e999",
    b"9" * 5000,
    b"[" * 500,
    b"{",
    b"}",
    b'"',
    b"\n",
    b",",
    b": ",
)
MOST_MEMORY = 2**30
MOST_SECONDS = 2.0


def mutated(whole: bytes, number: int) -> Iterator[bytes]:
    """Yield that many mutations of a file, the same ones each time."""
    for seed in range(number):
        chance = random.Random(seed)
        content = bytearray(whole)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            _mutate(content, chance)
        yield bytes(content)


def _mutate(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content) + 1)
    end = min(len(content), at + chance.choice((1, 2, 8, 64, len(content))))
    match chance.randrange(7):
        case 0 if at < len(content):
            content[at] ^= 1 << chance.randrange(8)
        case 1:
            del content[at:]
        case 2:
            del content[at:end]
        case 3:
            content[at:at] = content[at:end]
        case 4:
            content[at:end] = bytes(end - at)
        case 5:
            content[at:at] = chance.choice(WORDS)
        case _:
            content[at:end] = chance.choice(WORDS)


def read_all(whole: bytes, path: Path, read: Callable[[], object], number: int) -> None:
    """Read each mutation of a file at its place: there is a result or a UserError, soon and in little memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MOST_MEMORY, before[1]))
    try:
        for seed, content in enumerate(mutated(whole, number)):
            path.write_bytes(content)
            began = time.process_time()
            try:
                read()
            except UserError as error:
                if len(str(error)) > len(str(path)) + 1500:
                    pytest.fail(f"mutation {seed}: a sentence of {len(str(error))} characters")
            except Exception as error:
                pytest.fail(f"mutation {seed}: {type(error).__name__}: {error}")
            assert time.process_time() - began < MOST_SECONDS, f"mutation {seed} took long"
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
