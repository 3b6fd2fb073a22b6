"""What a set of records says of a paper: which of them its printed numbers are held against."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.records.records import Records
from shared.reporting.judged import judged
from shared.runs.registry import paper
from tests.records.samples import of, write

FT = paper("feature_transfer")
RUN = "figure5/softmax"


def said(folder: Path, scale: str, configured: str) -> str:
    """Return what is said of the printed accuracy of a run by two records, of a scale and as configured at another."""
    made = [of(FT.run(RUN, configured), seed).model_copy(update={"scale": scale}) for seed in range(2)]
    paths = [write(folder, record) for record in made]
    verdicts, _ = judged(FT, "published", Records.read(paths, FT.reference))
    [value] = [value for value in verdicts.values if value.run == RUN and value.metric == "mnist-test/accuracy"]
    return value.reason


@pytest.mark.parametrize(
    ("scale", "configured", "compared"), [("full", "full", True), ("lite", "full", True), ("lite", "lite", False)]
)
def test_a_printed_number_is_held_against_runs_of_its_size_alone(tmp_path, scale, configured, compared):
    reason = said(tmp_path, scale, configured)
    assert ("from the printed number" in reason) == compared
    assert (reason == "trained smaller than in the paper, at lite scale") != compared
