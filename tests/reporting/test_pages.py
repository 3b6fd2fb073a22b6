"""The page of a paper, made from published records."""

from __future__ import annotations

import pytest

from shared.records.results import Results
from shared.reporting.pages import Page, cards
from shared.runs.registry import paper


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(paper("discface"), "published", Results())


def test_the_data_sets_of_a_report_are_those_of_its_records_too(page):
    titles = [card.title for card in cards("published", [page])]
    assert {*titles[:2]} == {"MNIST", "Omniglot"}
    assert "CASIA-WebFace" in titles
    assert len(titles) == len(set(titles))


def test_a_claim_says_on_which_data_it_was_measured_and_what_its_two_sides_are(page):
    claims = {claim.id: claim for claim in page.view().claims}
    assert claims["DF-C14a"].stands_on == "on MNIST"
    for effect in claims["DF-C14a"].effects:
        assert effect.means is not None
        assert effect.means[1] - effect.means[0] == pytest.approx(effect.mean)
