"""What a target that is not drawn would take, in a sentence."""

from __future__ import annotations

import pytest

from shared.reporting import takes
from shared.runs.registry import paper


@pytest.mark.parametrize(
    ("hours", "said"), [(0.0123, "0.012"), (0.5, "0.5"), (9.96, "10"), (147.3, "150"), (6734, "6,700")]
)
def test_hours_are_told_to_two_digits_without_an_exponent(monkeypatch, hours, said):
    [run] = [run for run in paper("gaussian_affinity").runs("full").values() if run.name == "table1/odd-10/affinity"]
    monkeypatch.setattr(takes, "hours", lambda one: hours / one.seeds)
    assert takes.takes([run]) == f"It takes {run.seeds} trainings at full scale, about {said} device hours, on MNIST."


def test_a_data_set_that_is_gone_is_marked_where_it_is_named():
    runs = paper("feature_transfer").target_runs("figure1", "full")
    assert takes.takes(runs).endswith("on CASIA-WebFace and MS-Celeb-1M, cleaned (no longer offered).")


def test_without_runs_it_says_so():
    assert takes.takes([]) == "It has no runs at this scale."
