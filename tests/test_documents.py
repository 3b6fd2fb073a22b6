"""README, citation and workflows: the examples run as they stand, and what is repeated agrees with its source."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from shared.runs.registry import papers
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
EXAMPLES = re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def bash(code: str, cwd: Path, digits: Path) -> subprocess.CompletedProcess[str]:
    """Run an example with the programs beside this Python first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=cwd,
        env={**os.environ, "PATH": path, "REPLICATION_DATA": str(digits)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_examples_are_short_and_fit_their_page():
    assert len(EXAMPLES) == 4
    for example in EXAMPLES:
        lines = example.splitlines()
        assert len(lines) < 20
        assert max(map(len, lines)) <= 120


@pytest.mark.slow
def test_a_loss_a_data_set_and_a_paper_are_added_as_the_readme_says(suite, digits_root):
    for example in EXAMPLES[1:]:
        done = bash(example, suite, digits_root)
        assert done.returncode == 0, done.stderr
    table = (suite / "results/smoke/toy/table1.md").read_text()
    assert re.search(r"\| scale 4 \| 99\.9 \| \d+\.\d\d ± \d+\.\d\d \(2\) \|", table), table


@pytest.mark.slow
def test_the_figure_of_the_readme_is_drawn_from_the_records_that_are_kept(suite, digits_root):
    shutil.copytree(
        ROOT / "results/published/adversarial_variance/runs",
        suite / "results/published/adversarial_variance/runs",
        ignore=shutil.ignore_patterns("search", "weight"),
    )
    (suite / ".venv/bin").mkdir(parents=True)
    (suite / ".venv/bin/activate").touch()
    done = bash(EXAMPLES[0], suite, digits_root)
    assert done.returncode == 0, done.stderr
    [figure] = re.findall(r"results/published/\S+\.png", EXAMPLES[0])
    with Image.open(suite / figure) as picture:
        assert "Embeddings of the test digits" in picture.info["Description"]


def test_every_picture_of_the_readme_is_there_and_small():
    pictures = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", README)
    assert pictures
    pictures += [
        (text, address) for address, text in re.findall(r'<img src="([^"]+)" width="\d+" alt="([^"]+)">', README)
    ]
    assert {address for _, address in pictures} == {
        path.relative_to(ROOT).as_posix() for path in (ROOT / ".github/pictures").iterdir()
    }
    for text, address in pictures:
        assert len(text) > 20
        path = ROOT / address
        assert path.stat().st_size < 300_000
        with Image.open(path) as picture:
            picture.verify()


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_a_document_links_to_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    for address in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / address).exists(), address


def test_the_citation_has_what_its_format_asks_for():
    assert CITATION.keys() >= {"cff-version", "message", "title", "authors"}
    assert CITATION["cff-version"] == "1.2.0"
    for work in (CITATION, *CITATION["references"]):
        assert work.keys() >= {"type", "title", "authors"}
        assert work["authors"]
        for author in work["authors"]:
            assert author.keys() in ({"name"}, {"given-names", "family-names"})


def test_the_citation_names_the_papers_and_the_version():
    cited = {work["title"]: work for work in CITATION["references"]}
    assert cited.keys() == {entry.reference.citation.title for entry in papers().values()}
    for entry in papers().values():
        paper = entry.reference.citation
        work = cited[paper.title]
        names = [f"{author['given-names']} {author['family-names']}" for author in work["authors"]]
        assert names == list(paper.authors)
        assert work.get("year") == paper.year
        if "collection-title" in work:
            assert work["collection-title"] == paper.venue
    assert f'version = "{CITATION["version"]}"' in (ROOT / "pyproject.toml").read_text()
    assert f"## {CITATION['version']}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda path: path.name)
def test_a_workflow_pins_its_actions_by_commit_and_may_do_no_more_than_it_must(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    for step in steps:
        assert "uses" not in step or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), step
    allowed = [workflow["permissions"], *(job.get("permissions", {}) for job in workflow["jobs"].values())]
    granted = {name for each in allowed for name, access in each.items() if access == "write"}
    assert granted == ({"pages", "id-token"} if path.name == "pages.yml" else set())
