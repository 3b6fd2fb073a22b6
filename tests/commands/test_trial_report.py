"""The report of a trial, from made-up records: what it says of what was tried, and how it was made."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import pytest

from shared.commands.report import write_report
from shared.commands.trial_report import write_trial_report
from shared.records.trials import Attempt
from tests.verdicts.trial_folder import Folder

SAMPLER = """
class Balanced:
    def __init__(self, labels, classes, batch_size):
        pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def written(attempt: Attempt) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = write_trial_report(attempt).read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", text)


def test_the_order_of_images_is_the_same_but_where_the_trial_gives_one(folder):
    mine = folder.attempt("mine", "gaussian_affinity", "figure2")
    folder.tried(mine, 5.0)
    assert "data, schedule, order of images and seeds." in written(mine)
    (folder.root / "own.py").write_text(SAMPLER)
    sampler = folder.attempt("sampler", "gaussian_affinity", "figure2", "{name: softmax}\nsampler: own:Balanced")
    folder.tried(sampler, 5.0)
    text = written(sampler)
    assert "the loss softmax with the sampler own:Balanced, in 1 of 1 experiments" in text
    assert "data, schedule and seeds." in text
    # Beside another trial alone there is nothing of the paper's to draw, and no picture without anything in it.
    assert not (folder.results.root / "smoke/trials/sampler/report/chart.png").exists()


def test_the_command_trains_the_others_where_their_records_are_no_published_ones(folder):
    mine = folder.attempt("mine", "gaussian_affinity", "figure2")
    folder.tried(mine, 5.0)
    assert "--scale smoke --seeds 2</code>" in written(mine)
    folder.rivals(mine, 6.0)
    assert "--target figure2 --scale smoke --seeds 2 --train-others</code>" in written(mine)


def test_the_provenance_has_every_run_that_the_page_rests_on(folder):
    weighted = "{name: center, weight: 0.1, alpha: 0.5}\nweight: {set: loss.weight, to: [0, 0.01, 1]}"
    mine = folder.attempt("mine", "adversarial_variance", "figure3", weighted)
    folder.tried(mine, 5.0)
    text = written(mine)
    assert "Provenance: 4 runs" in text
    assert "<code>weight/weight/0.01</code>" in text


def test_experiments_of_which_nothing_can_be_told_are_named_with_the_reason(folder):
    mine = folder.attempt("mine", "discface", "table4")
    for run in mine.runs():
        folder.record(mine.results, run, 0, {"ijb-c": {"tar@1e-2": 90.0}})
    text = written(mine)
    why = "trained, but ijb-c/tar@1e-4 is not in its record"
    assert f"in 0 of 1 experiments asked for. Nothing is told of discface/long-tail ({why})." in text
    compared = json.loads((folder.results.root / "smoke/trials/mine/trial.json").read_bytes())["comparisons"]
    assert {row["reason"] for row in compared} == {f"mine: {why}"}


RAISES = """
from torch import nn


class Raises(nn.Module):
    def __init__(self, dimension, classes):
        super().__init__()

    def forward(self, embedding, labels):
        raise RuntimeError("so it is")
"""


def test_of_a_loss_whose_step_alone_raises_the_report_says_so(folder):
    (folder.root / "raises.py").write_text(RAISES)
    mine = folder.attempt("mine", "gaussian_affinity", "figure2", "raises:Raises")
    folder.tried(mine, 5.0)
    text = written(mine)
    assert f"RuntimeError: so it is, at {folder.root}/raises.py:10" in text
    assert "Time and memory beside softmax" in text


def test_the_report_of_a_scale_shows_where_what_was_tried_at_it_stands(folder):
    def report() -> str:
        index, _ = write_report("smoke", folder.results)
        return re.sub(r"\s+", " ", index.read_text(encoding="utf-8"))

    assert 'id="tried"' not in report()
    mine = folder.attempt("mine", "gaussian_affinity", "figure2")
    folder.tried(mine, 5.0)
    folder.rivals(mine, 6.0)
    text = report()
    assert '<th scope="row">mine</th>' in text
    assert "+1.00" in text
    assert "no evidence" in (folder.results.root / "smoke/report/tried/table_standings.md").read_text()
