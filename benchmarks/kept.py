"""What was measured before: rows in a file a kind of machine and date, the table made of them, and what fell since.

Files are `measured/<machine>-<date>.json`. A machine is of the kind of another if processor, instructions and number of
cores are the same. A measurement is compared with the last one before its date, on the same kind of machine and with
the same options: the ratio to the plain way or, in a row without, the share of the machine's own rate, else the speed;
and the peak memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.measuring import COLUMNS, Row
from shared.data.files import write_atomically
from shared.errors import UserError
from shared.reporting.readme import rewrite
from shared.reporting.table import markdown_table

FOLDER, README = "measured", "README.md"
TENTH = 0.9
ROOM_FOR_MEMORY = 8
"""MiB that a process takes more or less from one time to the next."""
EMPTY = "<!-- written: measured -->\n\n<!-- end -->\n"


class Measured(BaseModel):
    """What one benchmark measured, and with which options, code and packages."""

    model_config = ConfigDict(extra="forbid")

    commit: str
    versions: dict[str, str]
    options: dict[str, Any]
    rows: list[Row]


class Kept(BaseModel):
    """The measurements of one date on one kind of machine, by benchmark."""

    model_config = ConfigDict(extra="forbid")

    machine: str
    date: str
    benchmarks: dict[str, Measured]

    def path(self, folder: Path) -> Path:
        """Return the file that it is kept in."""
        machine = re.sub(r"[^a-z0-9]+", "-", self.machine.lower()).strip("-")
        return folder / FOLDER / f"{machine}-{self.date}.json"

    def write(self, folder: Path) -> None:
        """Write the file, with what it has of other benchmarks already."""
        path = self.path(folder)
        others = read(path).benchmarks if path.exists() else {}
        whole = self.model_copy(update={"benchmarks": others | self.benchmarks})
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (whole.model_dump_json(indent=1, exclude_defaults=True) + "\n").encode())


def read(path: Path) -> Kept:
    """Read a file; raises UserError where it is not such a one."""
    try:
        return Kept.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(f"{path}: cannot be read as measurements; restore or remove it ({error})") from None


def all_kept(folder: Path) -> list[Kept]:
    """Return what all files have, the newest first."""
    return sorted(map(read, (folder / FOLDER).glob("*.json")), key=lambda kept: (kept.date, kept.machine), reverse=True)


def since(row: Row, before: Row) -> tuple[str, bool]:
    """Return how a row compares with an earlier one, and whether it fell by more than a tenth."""
    speed = _speed(row, before)
    words = f"{speed:.2f} times the speed"
    fell = speed < TENTH
    if row.peak_mib is not None and before.peak_mib is not None:
        more = row.peak_mib - before.peak_mib
        if TENTH * row.peak_mib > before.peak_mib and more > ROOM_FOR_MEMORY:
            words, fell = f"{words}, {row.peak_mib / before.peak_mib:.2f} times the memory", True
    return words, fell


def _speed(row: Row, before: Row) -> float:
    if row.ratio and before.ratio:
        return row.ratio[0] / before.ratio[0]
    if row.share and before.share:
        return row.share / before.share
    return before.seconds / row.seconds


def compared(kept: Kept, name: str, earlier: Iterable[Kept]) -> Iterator[tuple[Row, str, bool]]:
    """Yield each row of a benchmark, how it compares with the last one before, if there is one, and whether it fell."""
    now = kept.benchmarks[name]
    like = [
        (one.date, one.benchmarks[name])
        for one in earlier
        if one.machine == kept.machine and one.date < kept.date and name in one.benchmarks
    ]
    for row in now.rows:
        past = (
            (date, before)
            for date, measured in like
            for before in measured.rows
            if before.part == row.part and measured.options == now.options and row.measured and before.measured
        )
        date, before = next(past, ("", None))
        words, fell = since(row, before) if before else ("", False)
        yield row, f"{'▼ ' if fell else ''}{words} of {date}" if before else "", fell


def table(every: list[Kept]) -> str:
    """Return for each kind of machine the newest rows of each benchmark; `every` has the newest first."""
    parts = []
    for machine in dict.fromkeys(kept.machine for kept in every):
        newest: dict[str, Kept] = {}
        for kept in reversed([one for one in every if one.machine == machine]):
            newest |= dict.fromkeys(kept.benchmarks, kept)
        rows = [
            [name, *row.cells(), words]
            for name, kept in sorted(newest.items())
            for row, words, _ in compared(kept, name, every)
        ]
        parts += [f"**{machine}**", *_provenance(newest), markdown_table(("benchmark", *COLUMNS, "since"), rows)]
    return "\n\n".join(parts)


def _provenance(newest: dict[str, Kept]) -> Iterator[str]:
    """Yield for each date, commit and set of versions which benchmarks were measured so."""
    made: dict[str, list[str]] = {}
    for name, kept in sorted(newest.items()):
        measured = kept.benchmarks[name]
        versions = ", ".join(f"{package} {version}" for package, version in measured.versions.items())
        made.setdefault(f"{kept.date}, commit {measured.commit}, {versions}", []).append(f"`{name}`")
    for how, names in made.items():
        yield f"{', '.join(names)}: {how}."


def write_readme(folder: Path) -> None:
    """Write the table of all that is kept between the markers of the README, which it is given where it has none."""
    path = folder / README
    text = path.read_text(encoding="utf-8") if path.exists() else EMPTY
    text = text if "<!-- written: measured -->" in text else f"{text.rstrip()}\n\n{EMPTY}"
    written, _ = rewrite(text, str(path), lambda _: table(all_kept(folder)))
    write_atomically(path, written.encode())
