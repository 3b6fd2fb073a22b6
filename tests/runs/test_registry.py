"""The papers: every one resolves, and what it names is there or the nearest is suggested."""

from __future__ import annotations

import re

import pytest

from shared.errors import UserError
from shared.runs.claims import listed
from shared.runs.registry import TRAINED_SCALES, papers
from tests.runs.samples import MINIMAL, paper


def test_unknown_names_suggest_the_nearest(tmp_path):
    minimal = paper(tmp_path, MINIMAL)
    with pytest.raises(UserError, match="did you mean 'a/affinity'"):
        minimal.run("a/afinity", "full")
    with pytest.raises(UserError, match="did you mean 'table1'"):
        minimal.target("tabel1")


def test_every_paper_resolves_at_every_scale():
    for entry in papers().values():
        for scale in TRAINED_SCALES:
            assert entry.runs(scale)
            for name, target in entry.targets.items():
                assert name.startswith(target.kind)
                assert entry.target_runs(name, scale)


def test_every_printed_number_and_claim_names_runs_that_exist():
    for entry in papers().values():
        runs = entry.runs("full")
        for value in entry.reference.values:
            assert value.run is None or set(listed(value.run)) <= set(runs), value
        for deviation in entry.deviations:
            assert set(deviation.targets) <= set(entry.targets), deviation


def test_no_claim_is_sent_to_itself_by_its_note():
    for entry in papers().values():
        for claim in entry.reference.claims:
            assert claim.id not in re.findall(r"[\w-]+", claim.note or "")


def test_figure_6_and_table_1_of_gaussian_affinity_share_the_training_on_all_images():
    runs = papers()["gaussian_affinity"].runs("full")
    for loss in ("softmax", "affinity"):
        assert runs[f"figure6/1/{loss}"].hash == runs[f"table1/standard/{loss}"].hash
