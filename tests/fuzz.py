"""Mutated files: what a disk, an editor or a stranger makes of a whole one; and the reading of them, within limits."""

from __future__ import annotations

import multiprocessing
import random
import re
import resource
import signal
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shared.errors import UserError

TOKENS = (
    b"\0", b"\xff", b"\x80", b"\n", b"\r", b" ", b",", b": ", b"{", b"}", b'"', b"-1", b"nan", b"1e300", b"1e999",
    b"1_0", b"9" * 25, b"9" * 5000, b"[" * 3000, b"\xef\xbb\xbf", b"../", b"/", b"\xed\xa0\x80", b"\xcc\x81",
    b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"x" * 300,
)  # fmt: skip
ADDRESS = re.compile("0x[0-9a-f]{9}")
"""Where an object lies, which helps nobody and differs each time."""
MEMORY = 1 << 30
"""So many bytes more than before may be taken."""
SECONDS = 10
LONGEST = 1500


@dataclass
class Outcome:
    """How many mutated files were read, how many were refused by one sentence, and what else came of them."""

    read: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    def require_nothing_wrong(self, name: str) -> None:
        """Print the numbers, which -rA shows, and fail the test where anything else came."""
        print(f"{name}: {self.read} read, {self.refused} refused, {len(self.wrong)} wrong")  # noqa: T201
        if self.wrong:
            pytest.fail("\n".join(self.wrong[:5]))


def mutated(content: bytes, stream: random.Random) -> bytes:
    """Change a few bytes, cut, double, blank out or insert something, often near the beginning."""
    changed = bytearray(content)
    for _ in range(stream.choice((1, 1, 1, 2, 4))):
        near = stream.random() < 0.4
        at = stream.randrange(min(len(changed), 200) + 1 if near else len(changed) + 1)
        end = min(len(changed), at + stream.choice((1, 4, 8, 50, 100, len(changed))))
        token = stream.choice(TOKENS)
        match stream.randrange(7):
            case 0 if at < len(changed):
                changed[at] ^= 1 << stream.randrange(8)
            case 1:
                changed[at:at] = token
            case 2:
                changed[at : at + len(token)] = token
            case 3:
                del changed[at:end]
            case 4:
                changed[at:at] = changed[at:end]
            case 5:
                changed[at:end] = bytes(end - at)
            case _:
                del changed[at:]
    return bytes(changed)


def fuzz(read: Callable[[], object], files: Sequence[Path], number: int, name: str) -> Outcome:
    """Read so many mutations of some of the files, each put back afterwards, the same ones for each `name`."""
    stream, outcome = random.Random(name), Outcome()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGPROF, _late)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for count in range(number):
                _one(read, stream.choice(files), stream, outcome, count)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.signal(signal.SIGPROF, handler)
    return outcome


def _one(read: Callable[[], object], path: Path, stream: random.Random, outcome: Outcome, number: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(mutated(whole, stream))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        read()
        outcome.read += 1
    except UserError as error:
        outcome.refused += 1
        if ADDRESS.search(str(error)) or len(str(error)) > len(str(path)) + LONGEST:
            outcome.wrong.append(f"mutation {number} of {path.name}: {error}")
    except BaseException:
        lines = traceback.format_exc().splitlines(keepends=True)
        outcome.wrong.append(f"mutation {number} of {path.name}: {''.join(lines[-8:])}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        path.write_bytes(whole)


def _late(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} seconds of a processor")


def apart(function: Callable[..., Outcome], *arguments: Any) -> Outcome:
    """Call a function in a process of its own, which a decoder may end; its module is imported once for all of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([function.__module__])
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_sent, args=(sender, function, *arguments))
    child.start()
    sender.close()
    try:
        outcome: Outcome = receiver.recv()
    except EOFError:
        child.join()
        pytest.fail(f"the reader ended its process, with status {child.exitcode}")
    finally:
        child.join()
    return outcome


def _sent(sender: Any, function: Callable[..., Outcome], *arguments: Any) -> None:
    sender.send(function(*arguments))
