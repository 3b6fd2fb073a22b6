"""The smoke scale as a user has it: every target of every paper, and the report, opened in a browser."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from typing import Any

import pytest

from shared.commands.render import draw
from shared.records.results import SUFFIXES, Results
from shared.reporting.figure import Figure
from shared.runs.registry import papers
from tests.conftest import ROOT
from tests.reporting.browser import chromium
from tests.reporting.test_report_in_browser import check_site, read_value

RESULTS = Results(ROOT / "results")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report():
    """The smoke report of this checkout, built where it is missing or older than what it shows."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--rerun-incomplete", "--quiet", "all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return RESULTS.report("smoke")


def test_every_target_of_every_paper_is_there(report):
    for entry in papers().values():
        for name, target in entry.targets.items():
            for suffix in SUFFIXES[target.kind]:
                assert RESULTS.target("smoke", entry.key, name, suffix).stat().st_size > 0


@pytest.mark.parametrize("key", list(papers()))
def test_every_target_draws_from_what_few_records_there_are(report, key, tmp_path):
    """As at scale published, where it may be one seed of one run."""
    entry = papers()[key]
    for name in entry.targets:
        runs = entry.target_runs(name, "smoke")
        for place, run in (("first", runs[0]), ("last", runs[-1])):
            few = Results(tmp_path / name / place)
            kept = few.seed("published", key, run.name, 0)
            shutil.copytree(RESULTS.seed("smoke", key, run.name, 0), kept)
            drawn = draw(entry, name, "published", few)
            if isinstance(drawn, Figure):
                drawn.drawing.draw_without_rendering()
            else:
                assert len(drawn.display)


@pytest.mark.parametrize("key", list(papers()))
def test_every_target_draws_where_one_of_its_runs_did_not_stay_finite(report, key, tmp_path):
    entry, results = papers()[key], Results(tmp_path)
    shutil.copytree(RESULTS.paper("smoke", key) / "runs", results.paper("smoke", key) / "runs")
    for name in entry.targets:
        first, *others = entry.target_runs(name, "smoke")
        path = results.record("smoke", key, first.name, 0)
        written = path.read_text()
        lost: dict[str, Any] = {"metrics": {}, "health": None, "not_finite": "the loss is no longer finite"}
        path.write_text(json.dumps(json.loads(written) | lost))
        drawn = draw(entry, name, "smoke", results)
        path.write_text(written)
        if isinstance(drawn, Figure):
            drawn.drawing.draw_without_rendering()
        if not others:
            assert "none of its trainings stayed finite" in f"{drawn.caption} {drawn.data}"
        if not isinstance(drawn, Figure) or drawn.of_training:
            assert f"not finite ({first.name} seed 0)" in " ".join(drawn.notes)


def test_from_a_number_of_the_report_three_clicks_and_a_command_lead_to_having_measured_it_again(report, tmp_path):
    with chromium() as browser:
        page = browser.new_page()
        page.goto((report.parent / "gaussian_affinity.html").as_uri())
        page.locator("#table1 .few a", has_text="10% of odd digits").click()
        page.locator("#table1 table.values tr", has_text="10% of odd digits").get_by_role("link").click()
        command = page.get_by_role("region", name="Command of table1/odd-10/affinity for Table 1").inner_text()
    program, *arguments = shlex.split(command)
    assert program == "python"
    done = subprocess.run(
        [sys.executable, *arguments, "--results", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, again = (
        json.loads(results.record("smoke", "gaussian_affinity", "table1/odd-10/affinity", 0).read_text())
        for results in (RESULTS, Results(tmp_path))
    )
    assert again["metrics"]["mnist-test"] == first["metrics"]["mnist-test"]


def test_the_report_opens_and_shows_the_recorded_numbers_and_that_they_are_no_evidence(report):
    record = RESULTS.record("smoke", "gaussian_affinity", "table1/odd-10/affinity", 0)
    accuracy = json.loads(record.read_text())["metrics"]["mnist-test"]["accuracy"]
    with chromium() as browser:
        page = browser.new_page()
        visited = check_site(page, report, large=True)
        assert {path.name for path in visited} >= {"index.html", *(f"{key}.html" for key in papers())}
        for path in visited:
            if path.suffix == ".html":
                page.goto(path.as_uri())
                assert "no evidence" in page.get_by_role("note").first.inner_text()
        page.goto((report.parent / "gaussian_affinity.html").as_uri())
        shown = read_value(page, "table1", "10% of odd digits · Affinity Loss")
    assert shown["printed"] == "99.3"
    assert float(shown["measured"]) == pytest.approx(accuracy, abs=0.006)
    assert "no evidence" in shown["verdict"]
