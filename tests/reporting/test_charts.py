"""The charts of the report: what stands where, in the colours of the page, with words for who does not see it."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from shared.reporting.charts import (
    claims_chart,
    claims_links,
    curves_chart,
    effects_chart,
    offsets_chart,
    offsets_links,
    scored,
)
from shared.reporting.site import ClaimRow, Effect, Site
from shared.verdicts.words import told_apart
from tests.reporting.sample_site import sample_site

LINK = re.compile(r'<a href="([^"]+)" tabindex="-1" aria-label="([^"]+)">')


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    return sample_site(tmp_path_factory.mktemp("files"), no_evidence=False)


def marks(svg: str) -> dict[str, float]:
    """Return the horizontal place of the mark behind each link, by address."""
    found = re.findall(r'<a href="([^"]+)"[^>]*>.*?<use [^>]*?x="([\d.]+)"', svg, re.DOTALL)
    return {address: float(x) for address, x in found}


def test_a_dot_lies_where_its_difference_is_and_leads_to_its_number(site):
    svg = str(offsets_chart(site))
    numbers = {f"gaussian_affinity.html#{value.id}": value.off or 0.0 for _, value in scored(site.papers[0])}
    places = marks(svg)
    assert places.keys() == numbers.keys()
    assert sorted(places, key=places.__getitem__) == sorted(numbers, key=numbers.__getitem__)
    assert len(set(places.values())) == 4


def test_a_bar_leads_to_the_claims_of_its_verdict(site):
    svg = str(claims_chart(site))
    links = dict(LINK.findall(svg))
    name = site.papers[0].short
    assert links == {
        f"gaussian_affinity.html#claims-{word.replace(' ', '-')}": f"{name}: 1 {word}"
        for word in ("matched", "contradicted", "not runnable")
    }


def test_a_picture_is_whole_has_no_ink_of_its_own_and_no_name_but_those_it_refers_to(site):
    for svg in map(str, (claims_chart(site), offsets_chart(site), effects_chart(site.papers[0].claims[0], "one"))):
        ElementTree.fromstring(svg.replace("xlink:", ""))
        assert "#1b1f24" not in svg.replace("var(--text, #1b1f24)", "")
        assert "var(--text, #1b1f24)" in svg
        ids = re.findall(r' id="([^"]+)"', svg)
        assert len(ids) == len(set(ids))
        assert all(f"#{name}" in svg for name in ids)
        assert "20" + "26-" not in svg


def test_the_marks_of_two_claims_on_one_page_have_other_names(site):
    claim = site.papers[0].claims[0]
    one, two = (set(re.findall(r' id="([^"]+)"', str(effects_chart(claim, name)))) for name in ("one", "two"))
    assert one
    assert not one & two


def test_a_comparison_without_a_record_is_not_drawn_and_one_of_zeros_is():
    claim = ClaimRow("c", "says", "Sec. 1", "inconclusive", effects=[Effect("at 1", 0.0, seeds=[0.0]), Effect("at 2")])
    svg = str(effects_chart(claim, "one"))
    assert "at 1: 0, 1 seed" in svg
    assert "at 2" not in svg


@pytest.mark.parametrize("mark", ["printed", "detectable", "tolerance"])
def test_every_mark_of_a_comparison_lies_on_the_axis(mark):
    effect = replace(Effect("at 1", 1.0, (-9.0, 11.0), seeds=[0.9, 1.1]), **{mark: 5.0})  # type: ignore[arg-type]
    svg = str(effects_chart(ClaimRow("c", "says", "", "inconclusive", effects=[effect]), "one"))
    [(left, width)] = re.findall(r'<clipPath [^>]*>\s*<rect x="([\d.]+)"[^>]* width="([\d.]+)"', svg)
    places = [float(x) for x in re.findall(r'<use [^>]*x="([\d.-]+)"[^>]*/>', svg)]
    assert len(places) > 4
    assert all(float(left) < place < float(left) + float(width) for place in places)


def test_long_comparisons_are_named_by_what_tells_them_apart():
    what = "table2/{}/cosen emnist-test/accuracy below table2/{}/affinity emnist-test/accuracy"
    whats = [what.format(name, name) for name in ("five", "ten")]
    claim = ClaimRow("c", "says", "", "matched", effects=[Effect(what, 1.0) for what in whats])
    assert [label for label, _ in claim.labelled] == ["five", "ten"]
    assert claim.shortened
    # Whoever hears the picture has the whole.
    assert whats[0] in str(effects_chart(claim, "one"))
    alone = replace(claim, effects=claim.effects[:1])
    assert not alone.shortened


@pytest.mark.parametrize(
    ("names", "apart"),
    [
        (["a/x/1 below b/x/1", "a/y/1 below b/y/1"], ["x", "y"]),
        (["a/x/1 below b/x/2", "a/y/1 below b/x/2", "a/x/1 below c/x/2"], ["x, b", "y, b", "x, c"]),
        (["a/x b", "a/x b c"], ["a/x b", "a/x b c"]),
        (["same/x", "same/x"], ["same/x", "same/x"]),
        (["alone/x"], ["alone/x"]),
        ([], []),
    ],
)
def test_what_tells_names_apart_is_what_differs_between_slashes_and_blanks(names, apart):
    assert told_apart(names, longest=3) == apart
    assert told_apart(names, longest=40) == names


def test_learning_curves_have_a_line_a_seed_and_an_axis_of_errors_where_there_are_some(site):
    run = site.papers[0].targets[0].provenance[0]
    assert curves_chart(run).count("stroke-dasharray: 1.8,1.35") == len(run.curves) == 2
    losses = {seed: {"loss": curve["loss"]} for seed, curve in run.curves.items()}
    assert "stroke-dasharray" not in curves_chart(replace(run, curves=losses))


def test_a_loss_that_is_no_number_or_negative_is_drawn_all_the_same(site):
    run = site.papers[0].targets[0].provenance[0]
    for losses in ([(1, float("nan")), (2, 1.0)], [(1, -3.0), (2, 5.0)], [(1, 2.0)]):
        assert "<svg" in curves_chart(replace(run, curves={0: {"loss": losses}}))


def test_the_axes_of_a_learning_curve_say_what_they_show_and_on_which_scale(site):
    run = site.papers[0].targets[0].provenance[0]

    def texts(*losses: float) -> list[str]:
        curve = {"loss": [(epoch + 1.0, loss) for epoch, loss in enumerate(losses)]}
        return re.findall(r"<text[^>]*>([^<]*)</text>", curves_chart(replace(run, curves={0: curve})))

    assert {"loss, log scale", "10", "1", "0.1", "0.01"} <= {*texts(11, 1, 0.0024)}
    assert {"loss, log scale", "0.2", "1", "5"} <= {*texts(0.15, 6)}
    assert "loss" in texts(2, 1)
    assert "held-out error, %" not in texts(2, 1)
    assert "held-out error, %" in curves_chart(run)


def test_every_part_of_a_bar_has_its_number_below_it_in_the_colour_of_the_text(site):
    claims = [
        ClaimRow(f"c{n}", "says", "", "not run" if n > 2 else "contradicted" if n else "matched") for n in range(99)
    ]
    svg = str(claims_chart(replace(site, papers=[replace(site.papers[0], claims=claims)])))
    found = re.findall(r'<text style="([^"]*)"[^>]*x="([\d.]+)"[^>]*>([✓✗○] \d+)', svg)
    assert [text for *_, text in found] == ["✓ 1", "✗ 2", "○ 96"]
    places = [float(x) for _, x, _ in found]
    assert places[1] - places[0] > 20
    assert all("fill" not in style or "--text" in style for style, *_ in found)


def test_a_list_says_where_the_marks_of_a_chart_lead(site):
    for chart, links in ((claims_chart, claims_links), (offsets_chart, offsets_links)):
        assert dict(LINK.findall(str(chart(site)))) == links(site)
