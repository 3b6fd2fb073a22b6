"""A report, opened in a real browser as a reader would: every page, link, picture, colour scheme and key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from shared.reporting.site import PaperPage, Site, TableView, TargetSection
from shared.reporting.site_folder import write_site
from shared.reporting.trial_page import write_trial_page
from tests.reporting.browser import accessibility_troubles, chromium
from tests.reporting.sample_site import sample_site
from tests.reporting.sample_trial import noise_outcomes, sample_page

NARROWEST: ViewportSize = {"width": 320, "height": 568}
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
A4: ViewportSize = {"width": 718, "height": 1047}
TALLEST = 14_000
"""In pixels at 1,280 wide, of a page before anything is unfolded."""
STOPS_OF_A_LARGE_PAGE = 100

UNLOADED = """
async () => {
  const images = [...document.images]
  const decoded = await Promise.all(images.map(image => image.decode().then(() => true, () => false)))
  return images.filter((image, i) => !decoded[i] || !image.naturalWidth).map(image => image.src)
}
"""

OVERFLOWING = """
() => {
  const scrolled = element => element.parentElement &&
    (getComputedStyle(element.parentElement).overflowX != 'visible' || scrolled(element.parentElement))
  return document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.body.querySelectorAll('*')]
      .filter(each => each.getBoundingClientRect().right > innerWidth && !scrolled(each))
      .map(each => each.outerHTML.slice(0, 120))
}
"""

LOW_CONTRAST = """
() => {
  const channels = colour => {
    const parts = colour.match(/rgba?\\(([^)]*)\\)/)[1].split(/[ ,/]+/).map(Number)
    return parts.length == 4 ? parts : [...parts, 1]
  }
  const over = (top, below) => below.map((value, i) => i == 3 ? 1 : top[3] * top[i] + (1 - top[3]) * value)
  const ground = element => {
    if (!element) return [255, 255, 255, 1]
    const own = channels(getComputedStyle(element).backgroundColor)
    return own[3] == 1 ? own : over(own, ground(element.parentElement))
  }
  const luminance = colour => colour.slice(0, 3)
    .map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0)
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const measured = [], failed = []
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (!walker.currentNode.data.trim() || !element.checkVisibility({visibilityProperty: true})) continue
    const below = ground(element)
    const [one, other] = [over(channels(getComputedStyle(element).color), below), below].map(luminance)
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
    measured.push(ratio)
    if (ratio < 4.5) failed.push(`${ratio.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 60)}`)
  }
  return {measured: measured.length, failed}
}
"""

WIDER_THAN_THEIR_CARD = """
all => all.filter(each => each.getBoundingClientRect().width > each.parentElement.clientWidth + 1)
  .map(each => each.outerHTML.slice(0, 120))
"""

ADDRESSES = "all => all.map(each => new URL(each.getAttribute('href'), document.baseURI).href)"

FOCUSABLE = """
() => {
  const stops = [...document.querySelectorAll('a[href]:not([tabindex="-1"]), summary, [tabindex="0"]')]
  window.stops = stops.filter(each => each.checkVisibility())
  return window.stops.length
}
"""

FOCUSED = """
() => {
  const element = document.activeElement, style = getComputedStyle(element)
  const box = element.getBoundingClientRect(), header = document.querySelector('.top')
  const inHeader = header.contains(element) || element.matches('.skip')
  const free = inHeader ? 0 : header.getBoundingClientRect().bottom
  return {
    stop: window.stops.indexOf(element),
    html: element.outerHTML.slice(0, 120),
    outlined: style.outlineStyle != 'none' && parseFloat(style.outlineWidth) >= 2,
    inView: box.bottom > free && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  }
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def sites(tmp_path_factory) -> dict[str, Site]:
    files = tmp_path_factory.mktemp("files")
    return {scale: sample_site(files / scale, no_evidence=scale == "smoke") for scale in ("smoke", "full")}


@pytest.fixture(scope="module")
def reports(sites, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    for scale, site in sites.items():
        write_site(site, folder / scale)
    return {scale: folder / scale / "index.html" for scale in sites}


def check_site(page: Page, index: Path, *, large: bool = False) -> set[Path]:
    """Go through a whole report from its overview, asserting what every page must hold; return its pages.

    A `large` page has the same parts over and over: a keyboard's way is followed for its first stops, and the
    contrast of its text is measured here alone, in both colour schemes, and not by axe-core too.
    """
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
    page.on("request", lambda request: troubles.append(f"request: {request.url}"))
    waiting = [index.resolve()]
    anchors: dict[Path, set[str]] = {}
    links: list[tuple[Path, Path, str]] = []
    while waiting:
        path = waiting.pop()
        if path in anchors:
            continue
        page.goto(path.as_uri())
        check_page(page, large=large)
        anchors[path] = set(page.eval_on_selector_all("[id]", "all => all.map(each => each.id)"))
        for address in page.eval_on_selector_all("a[href]", ADDRESSES):
            parts = urlsplit(address)
            assert parts.scheme == "file", address
            file = Path(unquote(parts.path))
            assert file.is_relative_to(index.resolve().parent), f"{address} leaves the report"
            assert file.stat().st_size > 0, f"{address} is empty"
            links.append((path, file, unquote(parts.fragment)))
            if file.suffix == ".html":
                waiting.append(file)
    for path, file, anchor in links:
        assert not anchor or anchor in anchors[file], f"{path.name} links to {file.name}#{anchor}: no such place"
    assert [trouble for trouble in troubles if not trouble.startswith("request: file://")] == []
    return set(anchors)


def check_page(page: Page, *, large: bool = False) -> None:
    """Assert that the open page is whole, readable at any width and colour scheme, and usable by keyboard."""
    assert page.evaluate("document.documentElement.scrollHeight") < TALLEST
    page.eval_on_selector_all("img", "all => all.forEach(image => { image.loading = 'eager' })")
    assert page.evaluate(UNLOADED) == []
    levels = page.eval_on_selector_all("h1, h2, h3, h4, h5, h6", "all => all.map(each => +each.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), f"a heading skips a level: {levels}"
    check_keyboard(page, STOPS_OF_A_LARGE_PAGE if large else None)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for size in (NARROWEST, PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert page.evaluate(OVERFLOWING) == [], size
        assert page.eval_on_selector_all("table.few", WIDER_THAN_THEIR_CARD) == [], size
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        contrast = page.evaluate(LOW_CONTRAST)
        assert contrast["measured"] > 20
        assert contrast["failed"] == [], scheme
    assert accessibility_troubles(page, contrast=not large) == []


def check_keyboard(page: Page, most: int | None = None) -> None:
    """Assert that Tab reaches every stop of the open page in order, each in view with an outline."""
    stops = page.evaluate(FOCUSABLE)
    for stop in range(stops)[:most]:
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        assert focused["stop"] == stop, focused
        assert focused["outlined"], focused
        assert focused["inView"], focused
        assert stop > 0 or 'class="skip"' in focused["html"]


def read_value(page: Page, target: str, value: str) -> dict[str, str]:
    """Read the printed and the measured number and the verdict of one value off the open page of a paper."""
    page.locator(f"[id='{target}'] summary", has_text="All printed values").click()
    row = page.locator(f"[id='{target}'] table.values tr").filter(has=page.get_by_role("rowheader", name=value))
    cells = {name: row.locator(f"td.{name}").inner_text() for name in ("printed", "measured")}
    return {**cells, "verdict": row.locator("td.verdict .badge").inner_text()}


@pytest.mark.parametrize("scale", ["smoke", "full"])
def test_every_page_of_the_report_holds_up_in_a_browser(browser, reports, scale):
    page = browser.new_page(viewport=DESKTOP)
    found = check_site(page, reports[scale])
    page.close()
    assert found == set(reports[scale].parent.resolve().glob("*.html"))
    assert len(found) == 6


WHOLE = "table => (s => s.scrollWidth <= s.clientWidth && s.scrollHeight <= s.clientHeight)(table.parentElement)"
"""Whether nothing of a table has to be scrolled to."""


def test_the_page_of_a_trial_holds_up_in_a_browser(browser, tmp_path):
    site = Site(scale="lite", no_evidence=False, commit="0", created="today", papers=[])
    write_trial_page(sample_page(noise_outcomes()), site, tmp_path / "report")
    page = browser.new_page(viewport=DESKTOP)
    assert check_site(page, tmp_path / "report/index.html") == {(tmp_path / "report/index.html").resolve()}
    [table] = page.locator("table.compared").all()
    assert table.locator("tbody tr").count() == 18
    assert table.evaluate(WHOLE)
    page.set_viewport_size({"width": 390, "height": 844})
    assert table.evaluate(WHOLE)
    page.close()


def test_a_reader_comes_from_the_overview_to_a_number(browser, reports):
    page = browser.new_page(viewport=DESKTOP)
    page.goto(reports["full"].as_uri())
    page.locator("a.card", has_text="Table 1: imbalanced digits").click()
    assert page.url.endswith("/gaussian_affinity.html#table1")
    assert 0 < page.locator("#table1").bounding_box()["y"] < 200
    assert read_value(page, "table1", "10 % of odd digits · Affinity") == {
        "printed": "99.3",
        "measured": "98.47",
        "verdict": "? inconclusive",
    }
    page.get_by_role("link", name="Replication report").click()
    assert page.url == reports["full"].as_uri()
    page.close()


def test_three_clicks_lead_from_the_overview_to_whether_a_claim_holds_and_why(browser, reports):
    page = browser.new_page(viewport=DESKTOP)
    page.goto(reports["full"].as_uri())
    page.locator("#papers ~ section a.card", has_text="Table 1").click()
    claim = page.locator("#table1 details.claim", has_text="lower error than softmax")
    assert claim.locator("summary").inner_text().startswith("✓ matched")
    claim.locator("summary").click()
    told = claim.inner_text()
    assert "Paired difference below zero at 7 of 7 fractions" in told
    assert "5 seeds of this spread show an effect of 0.05" in told
    picture = claim.get_by_role("img")
    assert "at 0.1: 0.3, interval 0.1 to 0.5, printed 0.2, 5 seeds" in picture.get_attribute("aria-label")
    assert picture.bounding_box()["width"] > 300
    page.close()


def test_three_clicks_lead_from_a_number_to_the_command_that_makes_it_again(browser, reports):
    page = browser.new_page(viewport=DESKTOP)
    page.goto((reports["full"].parent / "gaussian_affinity.html").as_uri())
    page.locator("#table1 .few a", has_text="10 % of odd digits").click()
    row = page.locator("[id='table1--1']")
    assert row.is_visible()
    row.get_by_role("link").click()
    command = page.get_by_role("region", name="Command of table1/10-odd-digits/affinity for Table 1")
    assert command.is_visible()
    assert command.inner_text() == (
        "python -m shared train gaussian_affinity table1/10-odd-digits/affinity --scale full --seed 0"
    )
    page.close()


def test_a_dot_leads_to_its_number_and_a_bar_to_its_claims(browser, reports):
    page = browser.new_page(viewport=DESKTOP)
    page.goto(reports["full"].as_uri())
    names = [each.get_attribute("aria-label") for each in page.locator("#chart-numbers svg a").all()]
    assert len(names) == 4
    assert "Table 1: imbalanced digits, standard · Affinity: printed 99.6, measured 99.21" in names
    page.get_by_role("link", name="standard · Affinity: printed 99.6, measured 99.21").click()
    assert page.url.endswith("gaussian_affinity.html#table1--0")
    page.locator("[id='table1--0']").wait_for(state="visible")
    page.go_back()
    page.get_by_role("link", name="Gaussian affinity: 1 contradicted").first.click()
    assert page.url.endswith("gaussian_affinity.html#claims-contradicted")
    page.close()


@pytest.mark.parametrize(("rows", "whole"), [(20, True), (30, False)])
def test_up_to_twenty_rows_stand_whole_and_of_more_the_header_and_the_names_stay(browser, tmp_path, rows, whole):
    table = TableView(
        ["Run", *"ABCDEFGH"], [[f"run {row}", *["0.123\u00a0±\u00a00.004\u00a0(5)"] * 8] for row in range(rows)]
    )
    target = TargetSection(key="table1", title="Table 1", state="done", caption="c", table=table)
    site = Site("full", no_evidence=False, commit="0", created="", papers=[PaperPage("a", "t", "c", "s", [target])])
    write_site(site, tmp_path / "report")
    page = browser.new_page(viewport=DESKTOP)
    page.goto((tmp_path / "report/a.html").as_uri())
    box = page.locator("#table1 .scroll")
    assert box.evaluate("each => each.scrollHeight == each.clientHeight") is whole
    page.set_viewport_size(PHONE)
    box.evaluate("each => each.scrollTo(200, 200)")
    outer = box.bounding_box()
    name, header = (
        page.locator(f"#table1 {place} th").first.bounding_box() for place in ("tbody tr:last-child", "thead")
    )
    assert 0 <= name["x"] - outer["x"] <= 1
    assert (0 <= header["y"] - outer["y"] <= 1) or whole
    page.close()


def test_learning_curves_are_drawn_when_they_are_unfolded(browser, reports):
    page = browser.new_page(viewport=DESKTOP)
    page.goto((reports["full"].parent / "gaussian_affinity.html").as_uri())
    page.locator("#table1 summary", has_text="Learning curves").click()
    curves = page.locator("#table1 .multiples img")
    assert curves.count() == 4
    for curve in curves.all():
        curve.scroll_into_view_if_needed()
        curve.evaluate("image => image.decode()")
        assert curve.evaluate("image => image.naturalWidth") > 150
    page.close()


def test_the_skip_link_leads_past_the_header(browser, reports):
    page = browser.new_page(viewport=PHONE)
    page.goto(reports["full"].as_uri())
    assert page.locator(".skip").bounding_box()["y"] < 0
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') != null")
    page.close()


def test_smoke_banner_is_in_view_at_once_on_a_phone(browser, reports):
    page = browser.new_page(viewport=PHONE)
    for path in reports["smoke"].parent.glob("*.html"):
        page.goto(path.as_uri())
        box = page.get_by_role("note").bounding_box()
        assert box["y"] + box["height"] < PHONE["height"] / 2
    page.close()


def test_provenance_opens_by_keyboard_without_scripts(browser, reports):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((reports["full"].parent / "gaussian_affinity.html").as_uri())
    peak = page.locator("#figure6").get_by_text("Peak memory")
    assert not peak.is_visible()
    for summary in page.locator("#figure6 .provenance summary").all():
        summary.press("Enter")
    assert peak.is_visible()
    context.close()


def test_a_printed_report_is_light_fits_the_sheet_and_unfolds_its_claims_but_not_its_provenance(browser, reports):
    page = browser.new_page(viewport=A4)
    page.goto((reports["full"].parent / "gaussian_affinity.html").as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("#table1").get_by_text("Paired difference below zero").is_visible()
    assert page.get_by_text("Only the range 5 to 20 is stated.").last.is_visible()
    assert not page.locator("#figure6").get_by_text("Peak memory").is_visible()
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


FAULTS = {
    "a dead link": ('<a href="gone.html">gone</a>', FileNotFoundError, r"gone\.html"),
    "a dead anchor": ('<a href="#nowhere">nowhere</a>', AssertionError, "#nowhere: no such place"),
    "a link out of the report": ('<a href="https://example.org/">out</a>', AssertionError, r"example\.org"),
    "a missing picture": ('<img src="gone.png" alt="gone">', AssertionError, r"gone\.png"),
    "a skipped heading": ("<h5>deep</h5>", AssertionError, "a heading skips a level"),
    "pale text": ('<p style="color: #999; background: #fff">pale</p>', AssertionError, r"2\.85: pale"),
    "something too wide": ('<div style="width: 1000px">wide</div>', AssertionError, "width: 1000px"),
    "an unseen focus": ('<a href="index.html" style="outline: none">unseen</a>', AssertionError, "unseen"),
    "a stop out of order": ('<a href="index.html" tabindex="3">early</a>', AssertionError, "early"),
    "a page too tall": ('<div style="height: 15000px"></div>', AssertionError, "< 14000"),
    "a picture without words": ('<svg role="img" width="9" height="9"></svg>', AssertionError, "svg-img-alt"),
    "a failing script": ("<script>throw new Error('no')</script>", AssertionError, "error: no"),
    "a request to elsewhere": (
        '<link rel="stylesheet" href="http://127.0.0.1:9/x.css">',
        AssertionError,
        "request: http://127",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_finds(browser, sites, tmp_path, fault):
    html, error, message = FAULTS[fault]
    write_site(replace(sites["smoke"], papers=[]), tmp_path / "report")
    index = tmp_path / "report" / "index.html"
    text = index.read_text(encoding="utf-8")
    index.write_text(text.replace("</main>", f"{html}</main>"), encoding="utf-8")
    page = browser.new_page(viewport=DESKTOP)
    with pytest.raises(error, match=message):
        check_site(page, index)
    page.close()
