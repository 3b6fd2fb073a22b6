"""The baselines of `trials/`: each can stand in experiments of the papers, with the loss or the scheme of its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.records.results import Results
from shared.records.trials import Attempt
from tests.conftest import ROOT

FILES = sorted((ROOT / "trials").glob("*.yaml"))


@pytest.mark.parametrize("scale", ["lite", "full"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_stands_where_the_papers_own_loss_stands(path: Path, scale: str, tmp_path: Path):
    attempt = Attempt.of(path, scale, 5, Results(tmp_path))
    runs = attempt.runs()
    assert {run.paper for run in runs} >= {"discface", "gaussian_affinity", "regular_polytope"}
    for experiment in attempt.experiments:
        for place, run in zip(experiment.places, attempt.known(experiment), strict=True):
            own = run.config.loss.name, run.config.scheme.name
            assert path.stem.removeprefix("plain-") in own
            assert (run.seeds, run.config.data, run.config.training) == (5, place.config.data, place.config.training)


def test_the_readme_names_each():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("**Today's baselines**")[2].partition("\n## ")[0]
    rows = "".join(line for line in table.splitlines() if line.startswith("| `"))
    assert sorted([*re.findall("`([a-z-]+)`", rows), "plain-softmax"]) == [path.stem for path in FILES]
    assert "`plain-softmax`" in text
