"""The schema of a paper's `runs.yaml`.

Its keys:

    defaults   the configuration that every run starts from
    variants   named alternatives of an axis that several groups of runs use
    runs       groups of runs; a name such as `table1/{split}/{loss}` spans the axes in braces. `set` has settings that
               all of them share, `at` the scales that they are run at, where those are not all
    scales     rows of a table: which runs, which setting, and its value at each scale
    targets    the tables and figures, and the runs that each is made of
    shows      the figure that shows best what the paper is about: a picture of it stands in the README of the suite
    experiments
               where a loss of one's own stands in for the paper's own
    deviations what is done otherwise than the paper says, or chosen where it is silent
    optimum_fails, no_optimum
               patterns of runs whose loss, at its own optimum, does not classify, or who train by more than one
               objective; each with the reason

A setting is given by its dotted path (`loss.sigma`).
"""

from __future__ import annotations

import datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from shared.runs.fields import Positive, Strict
from shared.runs.metrics import Metric

Label = str | int | float
Setting = str | int | float | bool | None | list[Any] | dict[str, Any]


class Levels(Strict):
    """An axis whose levels are the values of one setting: `{set: loss.sigma, to: [0.1, 1, 10], smoke: [0.1, 10]}`.

    `smoke` are the levels that the smoke scale makes do with, all where it is not given.
    """

    set: str
    to: tuple[int | float | str, ...]
    smoke: tuple[int | float | str, ...] | None = None

    @model_validator(mode="after")
    def _smoke_levels_are_levels(self) -> Levels:
        if unknown := set(self.smoke or ()) - set(self.to):
            raise ValueError(f"{min(map(str, unknown))} is none of the levels in 'to'")
        return self

    def at(self, scale: str) -> tuple[int | float | str, ...]:
        """Return the levels that a scale runs."""
        return self.smoke if scale == "smoke" and self.smoke else self.to


class ScaleRow(Strict):
    """One row of the table of scales: for the runs that match, the value of one setting at each scale."""

    runs: str
    set: str
    smoke: Setting = None
    lite: Setting = None
    full: Setting = None

    @model_validator(mode="after")
    def _has_a_scale(self) -> ScaleRow:
        if not self.model_fields_set & {"smoke", "lite", "full"}:
            raise ValueError("the row gives no value at any scale, so that it changes nothing")
        return self


class Target(Strict):
    """One table or figure: its title, and patterns of the runs that it is made of."""

    kind: Literal["table", "figure"]
    title: str
    runs: tuple[str, ...] = Field(min_length=1)
    ours: bool = False


class Stand(Strict):
    """Where in a target a loss of one's own stands in for the paper's own, run by run: its experiments.

    `own` is the pattern of the paper's own runs; each that it matches is an experiment, or a part of one where they
    differ in the axis `folds` alone, over which a measure is the mean. What is trained is configured as the run
    `place` beside it, by default as the own one, with another loss; `place` matches as many runs as `own`, in the same
    order, and is named where the own one has a scheme or settings of the optimizer that are for its loss alone. Its
    rivals are the runs of the target that have all but loss, scheme and optimizer in common with it.

    `metrics` are "benchmark/metric", of which the first that the records of all methods have is compared. `over` is an
    axis along which a curve is drawn: of the experiments, or, as the weight of a term, of the rivals.
    """

    target: str
    own: str
    place: str | None = None
    folds: str | None = None
    metrics: tuple[Metric, ...] = Field(min_length=1)
    over: str | None = None


class Deviation(Strict):
    """Something done otherwise than the paper says, or chosen where it says nothing."""

    id: str
    date: datetime.date
    targets: tuple[str, ...]
    paper: str
    here: str
    why: str


class RunsFile(Strict):
    """The whole of a paper's `runs.yaml`."""

    defaults: dict[str, Any]
    variants: dict[str, dict[Label, dict[str, Any]]] = Field(default_factory=dict)
    runs: dict[str, dict[str, dict[Label, Any] | list[Label]]]
    scales: tuple[ScaleRow, ...] = ()
    targets: dict[str, Target]
    shows: str | None = None
    experiments: dict[str, Stand] = Field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()
    optimum_fails: dict[str, str] = Field(default_factory=dict)
    no_optimum: dict[str, str] = Field(default_factory=dict)
    images_per_second: dict[str, Positive] = Field(default_factory=dict)
