"""The page of a loss of one's own: what it says of made-up measurements, and its files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shared.reporting.site import Site
from shared.reporting.trial import Part, chart, comparisons, curve, standing_table
from shared.reporting.trial_page import write_trial_page
from shared.runs.experiments import experiments
from shared.runs.registry import paper
from shared.verdicts.outcomes import Outcome, standing_of
from shared.verdicts.trials import Measured, judged
from tests.reporting.sample_trial import noise_outcomes, sample_page


@pytest.fixture(scope="module")
def noise() -> list[Outcome]:
    return noise_outcomes()


def test_a_curve_has_every_method_at_every_level_with_records(noise):
    drawn = curve(noise).data
    assert set(drawn["method"]) == {"mine", "softmax"}
    assert sorted(set(drawn["noise"])) == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert len(drawn) == 2 * 6 * 5


def test_a_curve_begins_with_ones_own_and_what_it_is_measured_by_and_bands_the_first_few(noise):
    levels = [{seed: 50.0 + place + seed for seed in range(3)} for place in range(12)]
    others = [Measured(f"other{place}", seeds) for place, seeds in enumerate(levels)]
    crowded = [
        Outcome(entry.experiment, [entry.own, *others, Measured("affinity", levels[0]), Measured("softmax", levels[1])])
        for entry in noise
    ]
    figure = curve(crowded)
    names = list(dict.fromkeys(figure.data["method"]))
    assert names == ["mine", "softmax", "affinity", *(f"other{place}" for place in range(len(names) - 3))]
    assert len(figure.drawing.axes[0].collections) == 3
    assert "bands, of the first 3; 8 of 15 methods are drawn." in figure.caption


def test_the_means_of_a_curve_are_over_common_seeds_as_the_comparisons_are(noise):
    """Of an error of which softmax has less in the common seeds, and more in all."""
    theirs = {0: 5.0, 1: 7.0, 2: 60.0, 3: 60.0}
    others = [Measured("softmax", theirs), Measured("partly", {1: 1.0}), Measured("whole", {0: 9.0, 1: 9.0, 2: 0.0})]
    uneven = [
        Outcome(
            entry.experiment, [Measured("mine", {0: 6.0, 1: 8.0, 7: 90.0}), *others, Measured("affinity", {5: 1.0})]
        )
        for entry in noise
    ]
    figure = curve(uneven)
    assert "means over the seeds that all drawn have in common" in figure.caption
    means = figure.data.groupby(["method", "noise"])["value"].mean()
    assert means["mine"].tolist() == [7.0] * 6
    assert means["softmax"].tolist() == [6.0] * 6
    assert means["whole"].tolist() == [9.0] * 6
    # Another trial narrows them not, and a method without any of them is left out.
    assert set(figure.data["method"]) == {"mine", "softmax", "whole"}


def test_the_chart_draws_the_difference_to_softmax_where_it_is_known(noise):
    picture = chart(noise)
    assert picture
    drawn = picture.data
    assert set(drawn["beside"]) == {"softmax"}
    effects = dict(zip(drawn["experiment"], drawn["effect"], strict=True))
    assert effects["gaussian_affinity/noise/0.5"] == pytest.approx(1 - 0.04)


def test_where_no_method_of_the_paper_is_there_no_chart_is_drawn(noise):
    own, trial = noise[0].own, Measured("other", {0: 9.0, 1: 9.5})
    versus = judged([(noise[0].experiment, own, trial)], "lite")
    assert versus[0].finding.effect is not None
    assert chart([Outcome(noise[0].experiment, [own, trial], versus=versus)]) is None


def test_over_lambda_what_has_none_is_drawn_at_all_weights_and_ones_own_at_its_own(noise):
    weight = next(entry for entry in experiments(paper("adversarial_variance"), "lite") if entry.over == "weight")
    rivals = [Measured(rival.label, {0: float(place)}) for place, rival in enumerate(weight.rivals)]
    flat = Outcome(weight, [Measured("mine", {0: 5.0}), *rivals])
    drawn = curve([flat]).data
    assert sorted(drawn[drawn["method"] == "mine"]["weight"]) == [0.001, 0.01, 0.1, 1]
    assert list(drawn[drawn["method"] == "the paper's"]["value"]) == [0, 1, 2, 3]
    assert [figure.drawing.axes[0].get_xscale() for figure in (curve([flat]), curve(noise))] == ["log", "linear"]
    zero = Outcome(weight, flat.methods, weights={0.0: Measured("mine", {0: 7.0}), 0.5: Measured("mine", {0: 6.0})})
    axes = curve([zero]).drawing.axes[0]
    places = [axes.transData.transform((level, 0))[0] for level in (0, 0.001, 0.01)]
    assert min(np.diff(places)) > 0.1 * axes.bbox.width
    at_its_own = Outcome(weight, flat.methods, weights={0.5: Measured("mine", {0: 7.0})})
    drawn = curve([at_its_own]).data
    assert list(drawn[drawn["method"] == "mine"]["weight"]) == [0.5]


def test_the_page_says_of_each_comparison_its_word_and_leads_to_every_file(noise, tmp_path):
    page = sample_page(noise)
    assert page.tally == {"better": 5, "inconclusive": 1, "not run": 12}
    site = Site(scale="lite", no_evidence=False, commit="0", created="today", papers=[])
    write_trial_page(page, site, tmp_path / "report")
    text = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    for said in ("12 not run", "no record of affinity", "Its note.", "if a &lt; b: pass", "Beyond seed noise"):
        assert said in text
    assert "View(" not in text
    for name in ("standing.png", "noise-curve.pdf", "noise-curve.csv", "comparisons.csv", "trial.json", "report.css"):
        assert (tmp_path / "report" / name).stat().st_size > 0
        assert f'"{name}"' in text
    # Written again it takes the place of the older one.
    write_trial_page(page, site, tmp_path / "report")
    assert list(tmp_path.iterdir()) == [tmp_path / "report"]


def test_the_means_that_are_shown_differ_by_what_is_shown(noise):
    own, other = Measured("mine", {0: 4.0}), Measured("other", {0: 3.5, 1: 9.0})
    said = judged([(noise[0].experiment, own, other)], "lite")
    row = comparisons([Outcome(noise[0].experiment, [own, other], versus=said)]).iloc[0]
    assert (row["mean"], row["other_mean"], row["effect"]) == (4.0, 3.5, -0.5)
    page = replace(sample_page(noise), parts=[Part("one", "One", versus=said)])
    [shown] = page.rows(page.parts[0])
    assert (shown.mean, shown.other_mean, shown.effect) == ("4.00 (1)", "3.50 (1)", "−0.50")


def test_the_table_of_standings_has_an_interval_only_of_several_families(noise):
    _, found = standing_of(noise, ["mine"])
    table = standing_table(found)
    assert {"rank_interval_low", "rank_interval_high", "interval_low", "interval_high"} <= set(table.data)
    assert not [cell for cell in table.data.to_numpy().ravel() if isinstance(cell, tuple)]
    display = table.display.set_index("Method")
    assert list(display.index) == ["mine", "softmax"]
    assert display.loc["mine", "Mean rank"] == "1.12"
    assert display.loc["mine", "Difference to softmax"] == "+0.46"
    assert display.loc["mine", "p (Holm)"] == "–"
