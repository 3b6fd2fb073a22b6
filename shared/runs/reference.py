"""What a paper prints: its numbers, its claims and its errata, read from the paper's `reference.yaml`.

The printed numbers stand in groups. A group's keys are the defaults of its `entries`, so that an entry is one
short line; `{row}` and `{column}` in `where` stand for the entry's own. Claims that differ in a few words are one
entry with `each`, as `each.py` describes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from shared.errors import UserError, suggestion
from shared.runs import yaml_files
from shared.runs.citation import Citation
from shared.runs.claims import Claim, Id, Number, asked, listed
from shared.runs.each import expand
from shared.runs.fields import Count, NonNegative, Strict
from shared.runs.metrics import DIRECTIONS, Metric
from shared.runs.yaml_files import Document, Key

TEXT = "text"
"""What stands for the target of a number that is printed in no table or figure."""
TRAINING = "training"
"""What stands for the benchmark of the losses of the last epoch."""
Unknown = tuple[str, str, Collection[str]]
"""The key of a name that refers to nothing, the name, and those that would."""


class Value(Strict):
    """One printed number.

    `value` is null where the paper prints a dash, or the word `text`. `spread` is the printed plus-minus, of
    `repeats` repetitions where the paper says how many. `source` tells whose number it is: the authors' own
    result, one that they quote from elsewhere, or a setting of the protocol or the data. An own result is
    measured by `run` (see `listed`) and `metric`, or names the `claim` that judges it (a range, a dash), or says
    in `not_runnable` why nothing measures it. A printed difference is what is measured less the number `minus`. `floor`
    is a tolerance granted anyway, in the value's unit. Where what is measured lies off the number, `tried` says in
    sentences what was tried to explain it, and by which runs.
    """

    target: str
    row: str
    column: str = ""
    value: Number | None
    text: str | None = None
    spread: NonNegative | None = None
    repeats: Count | None = None
    unit: str = ""
    decimals: Annotated[int, Field(ge=0, le=6)] = 0
    where: str
    source: Literal["own", "quoted", "setting"]
    run: str | None = None
    metric: Metric | None = None
    minus: Number = 0.0
    floor: NonNegative = 0.0
    not_runnable: str | None = None
    claim: str | None = None
    tried: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for number in (self.value, self.spread):
            if number is not None and abs(round(number, self.decimals) - number) > 1e-9:
                raise ValueError(f"{number} has more decimals than the {self.decimals} printed")
        if self.source == "own":
            if self.run is None and self.not_runnable is None and self.claim is None:
                raise ValueError("an own result needs a run, or not_runnable, or a claim")
            if self.value is None and self.not_runnable is None and self.claim is None:
                raise ValueError("an own result that is no number needs a claim that judges it")
            if self.run is not None and self.metric is None:
                raise ValueError("a result with a run needs a metric")
        elif self.run is not None:
            raise ValueError(f"a number with source '{self.source}' is never scored and has no run")
        return self


class Erratum(Strict):
    """Something wrong or contradictory in the paper, and how it is read here."""

    id: Id
    where: str
    problem: str
    reading: str


@dataclass(frozen=True)
class Reference:
    """Everything transcribed from one paper."""

    citation: Citation
    values: tuple[Value, ...]
    claims: tuple[Claim, ...]
    errata: tuple[Erratum, ...]
    path: Path = Path("reference.yaml")

    def printed(self, target: str, row: str, column: str) -> Value:
        """Return what is printed in a cell of a target.

        Raises:
            UserError: the file has no such cell; names the nearest that it has.

        """
        cells = {(value.row, value.column): value for value in self.values if value.target == target}
        if (row, column) not in cells:
            near = suggestion(_cell(row, column), (_cell(*cell) for cell in cells))
            raise UserError(f"{self.path}: {target} shows '{_cell(row, column)}', which is not there; {near}")
        return cells[row, column]


@dataclass(frozen=True)
class Known:
    """The names that a paper's printed numbers and claims may refer to."""

    targets: Collection[str]
    measured: Mapping[str, Mapping[str, Collection[str]]]
    """Of each run its benchmarks, at any scale, and of each of these patterns of the names of its metrics."""


class _Group(Strict):
    """The shape of a group of printed numbers; its content is validated with each entry, as a `Value`."""

    entries: tuple[dict[str, Any], ...]

    @model_validator(mode="before")
    @classmethod
    def _set_defaults_aside(cls, data: Any) -> Any:
        return {name: data[name] for name in data if name == "entries"} if isinstance(data, dict) else data


class _File(Strict):
    citation: Citation
    values: tuple[_Group, ...]
    claims: tuple[dict[str, Any], ...]
    errata: tuple[Erratum, ...] = ()


def read_reference(path: Path, known: Known | None = None) -> Reference:
    """Read a paper's `reference.yaml`, whose names must all be `known` where these are given.

    Raises:
        UserError: the file cannot be read or says something that cannot be; names file, line, key and the
            nearest valid name.

    """
    document = yaml_files.load(path)
    file = yaml_files.validated(_File, document)
    claims = _claims(document, {erratum.id for erratum in file.errata}, known)
    cells: set[tuple[str, str, str]] = set()
    values = []
    for key, value in _values(document):
        cell = (value.target, value.row, value.column)
        if cell in cells:
            raise document.error(key, f"{_cell(*cell)} is given twice; keep one of them")
        if value.claim is not None and value.claim not in claims:
            raise document.error((*key, "claim"), f"no claim '{value.claim}'; {suggestion(value.claim, claims)}")
        if known is not None:
            _require_known(document, key, _unknown_of_value(value, known))
        cells.add(cell)
        values.append(value)
    return Reference(file.citation, tuple(values), tuple(claims.values()), file.errata, path)


def _cell(*names: str) -> str:
    return " / ".join(filter(None, names))


def _unknown_of_value(value: Value, known: Known) -> Iterator[Unknown]:
    """Yield what a printed number refers to that is not there; a number in the text has no target."""
    if value.target not in {*known.targets, TEXT}:
        yield "target", value.target, known.targets
    for run, metric in product(listed(value.run or ""), listed(value.metric or "")) if value.run else ():
        yield from _unknown_of_run(run, metric, known)
        name = metric.partition("/")[2]
        scored = value.value is not None and value.claim is None and value.not_runnable is None
        if scored and name not in DIRECTIONS:
            yield "metric", name, DIRECTIONS


def _unknown_of_claim(claim: Claim, known: Known) -> Iterator[Unknown]:
    for target in claim.targets:
        if target not in known.targets:
            yield "targets", target, known.targets
    for run, metric in asked(claim.test) if claim.test else ():
        yield from _unknown_of_run(run, metric, known)


def _unknown_of_run(run: str, metric: str, known: Known) -> Iterator[Unknown]:
    if run not in known.measured:
        yield "run", run, known.measured
        return
    benchmark, _, name = metric.partition("/")
    measured = known.measured[run]
    if benchmark == TRAINING:
        return
    if benchmark not in measured:
        yield "metric", benchmark, measured
    elif not any(fnmatchcase(name, pattern) for pattern in measured[benchmark]):
        yield "metric", name, measured[benchmark]


def _require_known(document: Document, key: Key, unknown: Iterator[Unknown]) -> None:
    for place, name, valid in unknown:
        raise document.error((*key, place), f"there is no '{name}'; {suggestion(name, valid)}")


def _claims(document: Document, errata: Set[str], known: Known | None) -> dict[str, Claim]:
    """Validate each claim where it is written, and return them by id."""
    claims: dict[str, Claim] = {}
    for entry in expand(document, ("claims",), document.data["claims"]):
        with_line = "" if entry.line is None else f" (with the values on line {entry.line})"
        try:
            claim = Claim.model_validate(entry.data)
        except ValidationError as error:
            where, problem = yaml_files.complaint(error, entry.data)
            raise document.error((*entry.key, *where), problem + with_line) from None
        if claim.id in claims:
            problem = f"'{claim.id}' is given twice; rename one of them{with_line}"
            raise document.error((*entry.key, "id"), problem)
        if claim.erratum is not None and claim.erratum not in errata:
            problem = f"no erratum '{claim.erratum}'; {suggestion(claim.erratum, errata)}{with_line}"
            raise document.error((*entry.key, "erratum"), problem)
        if known is not None:
            _require_known(document, entry.key, _unknown_of_claim(claim, known))
        claims[claim.id] = claim
    return claims


def _values(document: Document) -> list[tuple[Key, Value]]:
    """Lay each entry over the defaults of its group, and validate it where it stands."""
    found = []
    for number, group in enumerate(document.data["values"]):
        defaults = {name: default for name, default in group.items() if name != "entries"}
        for index, entry in enumerate(group["entries"]):
            key: Key = ("values", number, "entries", index)
            try:
                value = Value.model_validate(defaults | entry)
            except ValidationError as error:
                where, problem = yaml_files.complaint(error)
                inherited = where and where[0] in defaults and where[0] not in entry
                raise document.error((*(key[:2] if inherited else key), *where), problem) from None
            place = value.where.replace("{row}", value.row).replace("{column}", value.column)
            found.append((key, value.model_copy(update={"where": place})))
    return found
