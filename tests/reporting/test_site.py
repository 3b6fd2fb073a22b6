from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args
from urllib.parse import unquote, urlsplit

import pytest

from shared import ROOT
from shared.errors import UserError
from shared.reporting import older_code
from shared.reporting.room import image_size
from shared.reporting.site import (
    Cell,
    ClaimRow,
    DataSetRow,
    Deviation,
    PaperPage,
    Site,
    TableView,
    TargetSection,
    ValueRow,
    count,
    on_titles,
)
from shared.reporting.site_folder import megabytes, write_site
from shared.reporting.words import SCALES, SCORED
from shared.runs.components import Card
from shared.verdicts import health
from tests.reporting.sample_site import sample_site

VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """The elements of a page, its text, and whether its tags nest."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sources")


@pytest.fixture(scope="module")
def site(sources) -> Site:
    return sample_site(sources, no_evidence=False)


@pytest.fixture(scope="module")
def full(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full") / "report"
    write_site(site, folder)
    return folder


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smoke") / "report"
    write_site(sample_site(tmp_path_factory.mktemp("sources"), no_evidence=True), folder)
    return folder


def pages(folder: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(folder.glob("*.html"))}


def test_there_is_an_overview_and_a_page_for_each_paper(full, site):
    papers = {f"{paper.key}.html" for paper in site.papers}
    assert {path.name for path in pages(full)} == {"index.html", *papers}


def test_every_address_is_relative_and_leads_to_a_file_and_an_anchor_of_the_folder(full):
    every = pages(full)
    followed = 0
    for path, page in every.items():
        assert not page.open
        for address in page.attributes("href") + page.attributes("src"):
            parts = urlsplit(address)
            assert not parts.scheme, address
            assert not parts.netloc, address
            assert not parts.path.startswith("/"), address
            file = path.parent / unquote(parts.path) if parts.path else path
            assert file.resolve().is_relative_to(full.resolve()), address
            assert file.stat().st_size > 0, address
            if parts.fragment:
                assert parts.fragment in every[file].attributes("id"), address
            followed += 1
    assert followed > 100


def test_every_picture_has_a_text_and_its_true_size(full):
    pictures = [(path, each) for path, page in pages(full).items() for tag, each in page.elements if tag == "img"]
    tried = "Made-up losses beside softmax"
    assert [picture["alt"] for path, picture in pictures if path.name == "index.html"] == ["", "", tried]
    shown = [(path, picture) for path, picture in pictures if path.name != "index.html" or picture["alt"]]
    assert sum(picture["alt"].startswith("Loss and held-out error of ") for _, picture in shown) == 6
    figures = [(path, picture) for path, picture in shown if not picture["src"].endswith(".svg")]
    assert len(figures) == 3
    for path, picture in figures:
        assert picture["alt"] in {"Figure 6: error against imbalance", "Figure 2: features in the plane", tried}
        assert (int(picture["width"]), int(picture["height"])) == image_size(path.parent / picture["src"])


def test_ids_are_unique_and_references_to_them_hold(full):
    for path, page in pages(full).items():
        ids = Counter(page.attributes("id"))
        assert [name for name, times in ids.items() if times > 1] == [], path
        assert set(page.attributes("aria-labelledby")) <= set(ids)


def test_no_page_runs_a_script(full):
    for page in pages(full).values():
        assert "script" not in {tag for tag, _ in page.elements}
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_smoke_pages_say_that_they_are_no_evidence_and_show_no_score(smoke):
    for path, page in pages(smoke).items():
        notes = [each for tag, each in page.elements if each.get("role") == "note"]
        assert len(notes) == 1, path
        assert "These numbers are no evidence." in page.text
        assert not [word for word in SCORED if f" {word} " in f" {page.text} "], path
    assert "\N{EN DASH} no evidence" in Page(smoke / "gaussian_affinity.html").text


def test_pages_with_evidence_have_no_such_banner(full):
    for page in pages(full).values():
        assert "note" not in page.attributes("role")
        assert "no evidence." not in page.text


def test_scores_without_evidence_are_refused(site):
    with pytest.raises(ValueError, match=r"better.*contradicted.*worse"):
        replace(site, no_evidence=True)


def test_overview_counts_targets_values_and_claims(full, site):
    assert site.states == {"done": 3, "not run": 18, "not runnable": 7}
    assert site.values == {"matched": 1, "better": 1, "worse": 1, "inconclusive": 1, "not runnable": 1}
    assert site.claims == {"matched": 1, "contradicted": 1, "not runnable": 1}
    text = Page(full / "index.html").text
    assert "Targets ● 3 done ○ 18 not run ⊘ 7 not runnable" in text
    assert "Claims ✓ 1 matched ✗ 1 contradicted ⊘ 1 not runnable" in text
    assert "Table 1: imbalanced digits ✓ 2 matched ▲ 1 better ▼ 1 worse ? 1 inconclusive" in text


def test_the_overview_shows_where_losses_that_were_tried_stand(full, site, sources, tmp_path):
    overview = Page(full / "index.html").text
    for text in ("Made-up losses beside softmax", "focal 1.50", "Rank 1 is the best.", "standings.csv"):
        assert text in overview
    assert (full / "tried/standings.pdf").read_bytes() == (sources / "standings.pdf").read_bytes()
    write_site(replace(site, tried=None), tmp_path / "report")
    assert "tried" not in (tmp_path / "report/index.html").read_text(encoding="utf-8")


def test_count_keeps_the_order_of_the_legend_and_leaves_out_what_is_never_scored():
    assert list(count(["worse", "quoted", "matched", "worse", "setting"]).items()) == [
        ("matched", 1),
        ("worse", 2),
    ]


def test_a_value_shows_printed_measured_difference_interval_seeds_and_verdict(full):
    text = Page(full / "gaussian_affinity.html").text
    assert (
        "10 % of odd digits · Affinity (%) Table 1, column 3 table1/10-odd-digits/affinity "
        "99.3 98.47 \N{MINUS SIGN}0.83 [98.36, 98.58] 5 ? inconclusive"
    ) in text


def test_provenance_names_what_was_not_recorded_and_what_older_code_trained(full):
    text = Page(full / "gaussian_affinity.html").text
    assert text.count("! trained with older code") == 2
    assert text.count("= older code, shown to train the same bits") == 1
    assert "Peak memory not recorded" in text


def test_the_mark_of_a_column_stands_once_in_its_header(full):
    text = Page(full / "gaussian_affinity.html").text
    assert (
        "Imbalanced CoSen CNN quoted Affinity printed Affinity measured Softmax standard 98.7 99.6 99.21 98.90"
    ) in text


def test_beside_a_number_that_is_off_it_is_said_what_was_tried_or_that_nothing_was(full):
    text = Page(full / "gaussian_affinity.html").text
    assert text.count("worse Tried: Twice as many epochs (longer/1) came to the same.") == 1
    assert text.count("Tried: Twice as many epochs (longer/1) came to the same.") == 2
    assert text.count("Nothing was tried yet to explain it.") == 2
    assert text.index("Nothing was tried yet") > text.index("better")


def test_the_marks_of_a_mixed_column_stand_in_its_cells(full):
    text = Page(full / "gaussian_affinity.html").text
    assert "Flat-KNN 61.8 ± 1.6 quoted 54.0 ± 1.3 quoted Affinity 90.1 ± 1.7 printed 81.3 ± 2.1 printed" in text


@pytest.mark.parametrize(
    ("texts", "numeric"),
    [
        (["1", "\N{MINUS SIGN}2.5", "99.6 ± 0.1", "\N{EN DASH}", ""], True),
        ([">5", "1000"], True),
        (["1", "fails"], False),
        (["", ""], False),
    ],
)
def test_columns_of_numbers_are_told_from_columns_of_text(texts, numeric):
    assert TableView(["A"], [[text] for text in texts]).is_numeric(0) is numeric


def test_a_ragged_table_is_refused():
    with pytest.raises(ValueError, match="3 cells"):
        TableView(["A", "B", "C"], [["1", "2", "3"], ["1", "2"]])


HOSTILE = """</td><script>alert(1)</script><img src=x onerror="alert('1')">&amp;{{ site }}"""


def test_hostile_text_stays_text_everywhere(tmp_path):
    target = TargetSection(
        key="table1",
        title=HOSTILE,
        state="done",
        reason=HOSTILE,
        caption=HOSTILE,
        notes=[HOSTILE],
        table=TableView([HOSTILE], [[HOSTILE], [Cell(HOSTILE, "measured")]]),
        values=[
            ValueRow(
                row=HOSTILE,
                column=HOSTILE,
                printed=HOSTILE,
                measured=HOSTILE,
                difference=HOSTILE,
                interval=HOSTILE,
                seeds=HOSTILE,
                unit=HOSTILE,
                verdict="matched",
                reason=HOSTILE,
                where=HOSTILE,
                run=HOSTILE,
            )
        ],
        commands=[HOSTILE],
    )
    paper = PaperPage(
        key="a",
        title=HOSTILE,
        citation=HOSTILE,
        summary=HOSTILE,
        targets=[target],
        claims=[ClaimRow(id="c", says=HOSTILE, where=HOSTILE, verdict="matched", reason=HOSTILE, targets=["table1"])],
        deviations=[Deviation(date=HOSTILE, what=HOSTILE, why=HOSTILE, targets=["table1"])],
    )
    write_site(Site(HOSTILE, no_evidence=False, commit=HOSTILE, created=HOSTILE, papers=[paper]), tmp_path / "report")
    for path, page in pages(tmp_path / "report").items():
        assert {"script", "img"}.isdisjoint(tag for tag, _ in page.elements), path
        assert not page.open
        assert page.text.count("<script>alert(1)</script>") > 5
        assert "&amp;{{ site }}" in page.text


@pytest.mark.parametrize("name", ["../escape", "a/b", "", "with space", 'quote"', "index"])
def test_a_paper_key_that_makes_no_page_name_is_refused(name):
    paper = PaperPage(key=name, title="t", citation="c", summary="s", targets=[])
    with pytest.raises(ValueError, match="paper"):
        Site("full", no_evidence=False, commit="", created="", papers=[paper])


def test_two_targets_of_one_key_are_refused():
    target = TargetSection(key="table1", title="t", state="not run")
    with pytest.raises(ValueError, match="'table1' is used twice"):
        Site("full", False, "", "", [PaperPage("a", "t", "c", "s", targets=[target, target])])


def test_the_folder_alone_is_enough_and_holds_exact_copies(full, sources):
    for name in ("figure6.png", "figure6.pdf", "figure6.csv", "table1.tex"):
        assert (full / "gaussian_affinity" / name).read_bytes() == (sources / name).read_bytes()
    assert str(sources) not in "".join(path.read_text(encoding="utf-8") for path in full.glob("*.html"))


def test_the_same_report_twice_is_the_same_bytes(full, site, tmp_path):
    write_site(site, tmp_path / "again")
    for path in full.glob("*.html"):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_a_new_report_replaces_the_old_one_whole(site, tmp_path):
    write_site(site, tmp_path / "report")
    write_site(replace(site, papers=site.papers[1:], commit="feedbeef"), tmp_path / "report")
    assert not (tmp_path / "report" / "gaussian_affinity.html").exists()
    assert not (tmp_path / "report" / "gaussian_affinity").exists()
    assert "feedbeef" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_report_that_fails_leaves_the_old_one(site, tmp_path):
    write_site(site, tmp_path / "report")
    before = (tmp_path / "report" / "index.html").read_bytes()
    broken = TargetSection(key="figure1", title="t", state="done", image=tmp_path / "gone.png")
    with pytest.raises(FileNotFoundError):
        write_site(replace(site, commit="new", papers=[PaperPage("a", "t", "c", "s", [broken])]), tmp_path / "report")
    assert (tmp_path / "report" / "index.html").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from shared.reporting import site_folder
from shared.reporting.site import Site

def dying(*arguments, **options):
    if {after}:
        inner(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

module, name = {call}
inner = getattr(module, name)
setattr(module, name, dying)
site_folder.write_site(Site("smoke", True, "new", "", []), Path(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("call", "after", "commit"),
    [
        ("(site_folder, '_write_pages')", True, "old"),
        ("(site_folder, '_exchange')", False, "old"),
        ("(site_folder, '_exchange')", True, "new"),
    ],
)
def test_whenever_it_is_killed_a_whole_report_is_there_and_the_next_leaves_nothing_behind(
    tmp_path, call, after, commit
):
    folder = tmp_path / "report"
    write_site(Site("smoke", True, "old", "", []), folder)
    code = KILLED.format(call=call, after=after)
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert f">{commit}<" in (folder / "index.html").read_text()
    write_site(Site("smoke", True, "newest", "", []), folder)
    assert ">newest<" in (folder / "index.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_two_reports_at_once_are_written_one_after_the_other(tmp_path):
    folder = tmp_path / "report"
    code = (
        "import sys; from pathlib import Path; from shared.reporting.site_folder import write_site; "
        "from shared.reporting.site import Site\n"
        "for _ in range(20): write_site(Site('smoke', True, 'x', '', []), Path(sys.argv[1]))"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert (folder / "index.html").exists()


def test_where_the_system_cannot_exchange_two_folders_the_new_one_takes_the_place_in_two_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    for commit in ("old", "new"):
        write_site(Site("smoke", True, commit, "", []), tmp_path / "report")
    assert ">new<" in (tmp_path / "report/index.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_folder_of_other_things_is_left_alone(site, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(UserError, match="is not empty and holds no report"):
        write_site(site, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_files_of_one_name_are_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table1.csv").write_text(name, encoding="utf-8")
    downloads = [tmp_path / name / "table1.csv" for name in ("a", "b")]
    target = TargetSection(key="table1", title="t", state="done", downloads=downloads)
    with pytest.raises(ValueError, match=r"both be kept as table1\.csv"):
        write_site(Site("full", False, "", "", [PaperPage("a", "t", "c", "s", [target])]), tmp_path / "report")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0.0034, "3.4 kB"), (11.6, "11.6 MB"), (999, "999 MB"), (250_000, "250 GB"), (1500, "1.5 GB")],
)
def test_sizes_are_given_in_a_unit_that_fits(size, text):
    assert megabytes(size) == text


def test_what_a_title_has_after_a_comma_stands_in_brackets():
    assert (
        on_titles(["MNIST", "EMNIST, a selection", "Faces (A, B)"]) == "on MNIST, EMNIST (a selection) and Faces (A, B)"
    )
    assert (on_titles(["MNIST"]), on_titles([])) == ("on MNIST", "")


def test_a_run_of_a_claim_leads_to_where_it_is_told_how_it_was_made(tmp_path):
    page = sample_site(tmp_path, no_evidence=False).papers[0]
    [first, second] = [target for target in page.done if target.provenance][:2]
    shared_run = replace(first.provenance[0], run="both")
    targets = [replace(target, provenance=[shared_run]) for target in (first, second)]
    page = replace(page, targets=targets)
    assert page.provenance_of("both", claim_on(second.key)) == f"{second.key}--both"
    assert page.provenance_of("both", claim_on()) == f"{first.key}--both"
    assert page.provenance_of("neither", claim_on()) == ""


def claim_on(*targets: str) -> ClaimRow:
    return ClaimRow("C", "So it is.", "Sec. 1", "matched", targets=targets)


def test_deviations_are_told_once_and_linked_from_the_targets_that_they_touch(full):
    page = Page(full / "gaussian_affinity.html")
    assert page.attributes("href").count("#deviation-2") == 2
    assert page.text.count("Only the range 5 to 20 is stated.") == 1
    assert "2. Sigma is 10 for every split." in page.text


@pytest.mark.parametrize(
    ("available", "free", "had"),
    [
        (True, True, "free, fetched or made by itself"),
        (True, False, "by hand, on its owner's terms"),
        (False, False, "withdrawn"),
    ],
)
def test_it_is_told_how_a_data_set_can_be_had(available, free, had):
    card = Card(title="a", owner="b", licence="c", available=available, how_to_get="d", megabytes=1)
    assert DataSetRow(card, free).had == had


def test_the_legend_has_the_words_of_trainings_of_code_and_of_scales(full):
    text = Page(full / "index.html").text
    assert set(health.MEANINGS) == set(get_args(health.Ill))
    assert set(older_code.MEANINGS) == set(filter(None, older_code.OLDER_CODE))
    for word, meaning in (*health.MEANINGS.items(), *older_code.MEANINGS.items(), *SCALES.items()):
        assert f"{word} {meaning}" in text
    assert "† collapsed" in text
    assert "‡ saturated" in text


def test_a_single_seed_is_no_plural(site, tmp_path):
    [target] = [each for each in site.papers[0].targets if each.key == "figure6"]
    one = replace(target, provenance=[replace(target.provenance[0], seeds="0")])
    write_site(replace(site, papers=[replace(site.papers[0], targets=[one], claims=[])]), tmp_path / "report")
    assert "full scale, seed 0, 3 min" in Page(tmp_path / "report/gaussian_affinity.html").text
