"""The page of a paper: what it says of its records, and the commands that it offers."""

from __future__ import annotations

import pytest

from shared.records.results import Results
from shared.reporting.pages import Page, data_sets_of
from shared.reporting.site import PaperPage
from shared.runs.registry import paper
from tests.records.samples import of, write

DF = paper("discface")


@pytest.fixture(scope="module")
def published() -> Page:
    return Page(DF, "published", Results())


def test_the_data_sets_of_a_report_are_those_of_its_records_too(published):
    other = Page(paper("feature_transfer"), "published", Results())
    titles = [row.card.title for row in data_sets_of("published", [published, other])]
    assert {*titles[:2]} == {"MNIST", "Omniglot"}
    assert "CASIA-WebFace" in titles
    assert len(titles) == len(set(titles))


def test_a_claim_says_on_which_data_it_was_measured_and_what_its_two_sides_are(published):
    claims = {claim.id: claim for claim in published.view().claims}
    assert claims["DF-C14a"].stands_on == "on MNIST"
    for effect in claims["DF-C14a"].effects:
        assert effect.means is not None
        assert effect.means[1] - effect.means[0] == pytest.approx(effect.mean)


def test_a_claim_of_which_nothing_is_measured_says_of_no_data_that_it_was_measured_on_them(published):
    trained, measured = (
        [claim for claim in published.view().claims if bool(claim.measured) is is_] for is_ in (False, True)
    )
    assert any(claim.grounds for claim in trained)
    assert not any(claim.stands_on for claim in trained)
    assert all(claim.stands_on for claim in measured)


def test_the_page_and_the_verdicts_that_are_kept_as_data_say_the_same_of_claims(published):
    kept = {claim["id"]: claim["verdict"] for claim in published.verdicts.as_dict()["claims"]}
    assert {claim.id: claim.verdict for claim in published.view().claims} == kept
    assert "not runnable" in kept.values()


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> PaperPage:
    """Of DiscFace, of which a run of the lite scale is published."""
    results = Results(tmp_path_factory.mktemp("results"))
    pairs = {"accuracy": 90.0} | {f"tar@1e-{power}": 50.0 for power in range(1, 6)}
    record = of(DF.run("qmul/softmax", "lite")).model_copy(update={"metrics": {"unseen-pairs": pairs}})
    write(results.paper("published", DF.key), record)
    return Page(DF, "published", results).view()


def commands(page: PaperPage, claim: str) -> set[str]:
    [found] = [each for each in page.claims if each.id == claim]
    return set(found.commands)


def test_a_target_is_drawn_from_what_is_kept_and_made_again_at_the_scale_of_its_records(page):
    targets = {target.key: target for target in page.targets}
    drawn, trained = targets["table1"].commands
    assert drawn.endswith("/published/discface/table1.md  # draws it from the records kept here")
    assert trained.endswith("/lite/discface/table1.md  # trains what it needs, and draws it")
    [trained] = targets["figure4"].commands
    assert trained.endswith("/full/discface/figure4.png  # trains what it needs, and draws it")


def test_a_claim_is_decided_by_trainings_at_a_scale_that_measures_what_it_asks_for(page):
    train = "python -m shared train discface qmul"
    assert commands(page, "DF-C1") == {f"{train}/softmax --scale full", f"{train}/soft-discface --scale full"}
    on_characters = [each for each in page.claims if f"{train}/softmax --scale lite" in each.commands]
    assert on_characters
