"""What a paper claims, in our words, with the test of each claim: a kind of test is a schema here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.runs.fields import NonNegative, Positive, Strict
from shared.runs.metrics import Metric

Level = int | float | str
Number = Annotated[float, Field(allow_inf_nan=False)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
"""What names a place on a page of the report and is part of its address."""


def listed(name: str) -> tuple[str, ...]:
    """Return the names that one of a run or a metric stands for: `a/{0,1}` for `a/0` and `a/1`, any other for itself.

    What several measure, such as the folds of a cross-validation or five benchmarks, is the mean over them, seed by
    seed.
    """
    start, brace, rest = name.partition("{")
    levels, closed, end = rest.partition("}")
    return tuple(f"{start}{level}{end}" for level in levels.split(",")) if brace and closed else (name,)


class Quantity(Strict):
    """Something to compare: a metric of runs, what a column of the paper prints beside them, or a number.

    A number is a threshold, or the `result` of a run, which another would not have to the digit; so is a column's.

    `*` in `runs` or `metric` stands for the level that is being compared; see `listed` for braces in either.
    """

    runs: str | None = None
    metric: Metric | None = None
    column: str | None = None
    number: Number | None = None
    result: Number | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        given = [self.runs, self.column, self.number, self.result]
        if sum(one is not None for one in given) != 1 or (self.runs is None) != (self.metric is None):
            raise ValueError("give either runs and metric, or a column, or a number, or a result")
        return self

    @property
    def constant(self) -> float | None:
        """The number that it is, None where it is of runs or of a column."""
        return self.number if self.result is None else self.result

    def at(self, level: Level) -> tuple[str, str]:
        """Return the run and the metric that are meant at a level."""
        return (self.runs or "").replace("*", str(level)), (self.metric or "").replace("*", str(level))


class Lower(Strict):
    """At every level, `less` is below `than` (with `distance_from_one`: its ratio is nearer to one).

    With a `tolerance`, `less` is below `than` or above it by less than that, in their unit: what is better when greater
    is no worse. The tolerance is ours, as that of `Within`. Where at some level both reach the `ceiling`, or neither is
    above the `floor`, if one is given, their measure is saturated, and the comparison tells nothing.
    """

    kind: Literal["lower"]
    less: Quantity
    than: Quantity
    levels: Annotated[tuple[Level, ...], Field(min_length=1)] = ("",)
    distance_from_one: bool = False
    tolerance: NonNegative = 0.0
    ceiling: Number | None = None
    floor: Number | None = None

    @model_validator(mode="after")
    def _measures_something(self) -> Self:
        if self.less.runs is None and self.than.runs is None:
            raise ValueError("one of less and than needs runs")
        if self.tolerance and self.distance_from_one:
            raise ValueError("a distance from one is compared without tolerance")
        return self


class Within(Strict):
    """At every level, `one` and `other` are equal, which is to say, differ by less than `tolerance` in their unit.

    The papers do not say how little is nothing: the tolerance is ours, and the claim's note says so.
    """

    kind: Literal["within"]
    one: Quantity
    other: Quantity
    tolerance: Positive
    levels: Annotated[tuple[Level, ...], Field(min_length=1)] = ("",)

    @model_validator(mode="after")
    def _measures_something(self) -> Self:
        if self.one.runs is None and self.other.runs is None:
            raise ValueError("one of one and other needs runs")
        return self


class LargerGap(Strict):
    """The gap `of` - `over` is larger at each of the levels `at` than at the level `base`."""

    kind: Literal["larger_gap"]
    of: Quantity
    over: Quantity
    at: Annotated[tuple[Level, ...], Field(min_length=1)]
    base: Level


class Rises(Strict):
    """The metric of each kind of run rises along the levels."""

    kind: Literal["rises"]
    runs: Annotated[tuple[str, ...], Field(min_length=1)]
    metric: Metric
    levels: Annotated[tuple[Level, ...], Field(min_length=2)]


def _known_levels(given: tuple[Level, ...], levels: tuple[Level, ...]) -> None:
    for level in given:
        if level not in levels:
            raise ValueError(f"'{level}' is not among the levels {', '.join(map(str, levels))}")


class BestWithin(Strict):
    """The best of all levels is one of `best`."""

    kind: Literal["best_within"]
    runs: str
    metric: Metric
    levels: tuple[Level, ...]
    best: Annotated[tuple[Level, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _best_are_levels(self) -> Self:
        _known_levels(self.best, self.levels)
        if set(self.best) == set(self.levels):
            raise ValueError("every level is among the best, so nothing is claimed")
        return self


class Plateau(Strict):
    """From the level `begins` on the metric stays the same, and before it, it is worse.

    Two levels are the same if they differ by less than `tolerance`, which is ours, as that of `Within`.
    """

    kind: Literal["plateau"]
    runs: str
    metric: Metric
    levels: tuple[Level, ...]
    begins: Level
    tolerance: Positive

    @model_validator(mode="after")
    def _begins_inside(self) -> Self:
        _known_levels((self.begins,), self.levels)
        if self.begins in (self.levels[0], self.levels[-1]):
            raise ValueError("a plateau needs a level before it and two on it")
        return self


class OneFails(Strict):
    """Exactly one level fails, that is, stays under the metric's value `below`; and it is one of `among`."""

    kind: Literal["one_fails"]
    runs: str
    metric: Metric
    levels: tuple[Level, ...]
    among: Annotated[tuple[Level, ...], Field(min_length=1)]
    below: Number

    @model_validator(mode="after")
    def _among_are_levels(self) -> Self:
        _known_levels(self.among, self.levels)
        return self


Test = Annotated[Lower | Within | LargerGap | Rises | BestWithin | Plateau | OneFails, Field(discriminator="kind")]


def asked(test: Test) -> Iterator[tuple[str, str]]:
    """Yield each run and metric, alone, that a test looks at at any of its levels."""
    levels = (*test.at, test.base) if isinstance(test, LargerGap) else test.levels
    for quantity in _quantities(test):
        for level in levels:
            yield from product(*map(listed, quantity.at(level)))


def _quantities(test: Test) -> list[Quantity]:
    match test:
        case Lower(less=one, than=other) | Within(one=one, other=other) | LargerGap(of=one, over=other):
            return [quantity for quantity in (one, other) if quantity.runs is not None]
        case Rises():
            return [Quantity(runs=runs, metric=test.metric) for runs in test.runs]
        case _:
            return [Quantity(runs=test.runs, metric=test.metric)]


class Claim(Strict):
    """A statement of the paper in our words, and the test of it or the reason why there is none.

    `erratum` names the one by which the paper's own printed numbers do not bear the claim out. `on_its_data`: it
    compares with a number that holds of the paper's own data alone, and is not judged by runs on other data.
    """

    id: Id
    says: str
    where: str
    targets: tuple[str, ...] = ()
    test: Test | None = None
    untestable: str | None = None
    erratum: str | None = None
    on_its_data: bool = False
    note: str | None = None

    @model_validator(mode="after")
    def _has_test_or_reason(self) -> Self:
        if (self.test is None) == (self.untestable is None):
            raise ValueError("a claim needs either a test or the reason why it is untestable")
        return self
