"""The components and benchmarks that a paper may name: the shared ones and its own."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NamedTuple, TypeVar, Union

from pydantic import Field, create_model

from shared import ROOT
from shared.errors import suggestion
from shared.runs.components import Backbone, Benchmark, Component, DataSet, Loss, Optimizer, Scheme
from shared.runs.config import Run, RunConfig

DATA_SETS = tuple(f"data.sets.{path.stem}" for path in sorted((ROOT / "shared/data/sets").glob("[!_]*.py")))
SHARED_CATALOGUES = (*DATA_SETS, "backbones", "losses", "training", "evaluation")

C = TypeVar("C", bound=Component)


def _catalogues(paper: str) -> list[ModuleType]:
    """Return the modules that hold the options of components: the shared ones, then the paper's own."""
    modules = [importlib.import_module(f"shared.{package}") for package in SHARED_CATALOGUES]
    return [*modules, importlib.import_module(f"papers.{paper}")]


def components(paper: str, kind: type[C]) -> dict[str, type[C]]:
    """Return the components of a kind that a paper may name: the shared ones and its own."""
    return _components(paper, kind).copy()


@cache
def _components(paper: str, kind: type[C]) -> dict[str, type[C]]:
    return named_in(_catalogues(paper), kind)


def named_in(modules: Iterable[ModuleType], kind: type[C]) -> dict[str, type[C]]:
    """Return the components of a kind that modules have, by the names that `runs.yaml` gives them."""
    found: dict[str, type[C]] = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, kind) and "name" in value.model_fields:
                name = value.model_fields["name"].default
                if isinstance(name, str):
                    found[name] = value
    return found


def component(paper: str, kind: type[C], name: str) -> type[C] | None:
    """Return the options of the component of that kind and name that a paper may name, None where there is none."""
    return components(paper, kind).get(name)


@cache
def run_model(paper: str) -> type[RunConfig]:
    """Return `RunConfig` narrowed to the components that a paper may name."""
    fields: dict[str, Any] = {}
    kinds: dict[str, type[Component]] = {
        "data": DataSet,
        "backbone": Backbone,
        "loss": Loss,
        "scheme": Scheme,
        "optimizer": Optimizer,
    }
    for field, kind in kinds.items():
        found = components(paper, kind).values()
        choices = tuple(choice for choice in found if not issubclass(choice, DataSet) or choice.training_images)
        fields[field] = (
            (Annotated[Union[choices], Field(discriminator="name")], ...)  # noqa: UP007 - built at run time
            if len(choices) > 1
            else (choices[0], ...)
        )
    model: type[RunConfig] = create_model("RunConfig", __base__=RunConfig, **fields)
    return model


@cache
def benchmarks(paper: str) -> dict[str, Benchmark]:
    """Return the benchmarks that a paper may name: classes that name themselves, and those listed in BENCHMARKS."""
    own = {name: kind(name=name) for name, kind in components(paper, Benchmark).items()}
    listed = (entry for module in _catalogues(paper) for entry in getattr(module, "BENCHMARKS", ()))
    return own | {benchmark.name: benchmark for benchmark in listed}


def unfit(config: RunConfig, name: str, known: Mapping[str, Benchmark]) -> tuple[str, str] | None:
    """Return why a run cannot be measured by a benchmark, and what to do about it; None where it can."""
    if name not in known:
        return f"there is no benchmark '{name}'", suggestion(name, known)
    if known[name].unbiased and getattr(config.loss, "bias", False):
        return f"'{name}' is for a classifier without bias", "set loss.bias to false"
    if known[name].of_curve and not config.along_training:
        return f"'{name}' follows what is measured along training, and nothing is", "name benchmarks in along_training"
    return None


class Evaluation(NamedTuple):
    """A benchmark as a run is evaluated by it: with the run's options, and the data set that it embeds, if any."""

    benchmark: Benchmark
    images: DataSet | None


def evaluations(run: Run, names: Iterable[str]) -> dict[str, Evaluation]:
    """Return how a run is evaluated by benchmarks, by name; their data are from the same source as the run's own."""
    return {name: _evaluation(run, name) for name in names}


def _evaluation(run: Run, name: str) -> Evaluation:
    benchmark = benchmarks(run.paper)[name].configured(run.config.protocols.get(name, {}))
    if benchmark.on is None:
        return Evaluation(benchmark, None)
    kind = components(run.paper, DataSet)[benchmark.on]
    source = getattr(run.config.data, "source", None)
    options = {} if source is None or "source" not in kind.model_fields else {"source": source}
    return Evaluation(benchmark, kind(name=benchmark.on, **options))


def data_sets(runs: Iterable[Run]) -> dict[str, DataSet]:
    """Return the data sets that runs train on, then those that their benchmarks embed, by name."""
    runs = list(runs)
    trained = {run.config.data.name: run.config.data for run in runs}
    measured = [evaluations(run, (*run.config.benchmarks, *run.config.along_training)).values() for run in runs]
    tested = [evaluation.images for asked in measured for evaluation in asked]
    return trained | {data.name: data for data in tested if data is not None}


def at_hand(data: DataSet, root: Path) -> bool:
    """Whether a data set lies below a data root, or is fetched or made there where it is missing."""
    return data.obtainable or data.is_there(root)
