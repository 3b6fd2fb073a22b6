"""Writing the README of one paper from its published records: what it writes, and what it says where it cannot."""

from __future__ import annotations

import shutil

import pytest

from shared.commands import readme as command
from shared.commands.cli import main
from shared.runs import registry
from shared.runs.registry import Paper
from tests.conftest import ROOT

KEY = "gaussian_affinity"
RESULTS = str(ROOT / "results")
RUN = "table1/standard/affinity"
SPACING = "mnist-geometry/prototype_spacing_cv"


@pytest.fixture
def readme(tmp_path, monkeypatch):
    """The README of a copy of one paper, which is the only one; that of the suite has no part to be written."""
    shutil.copytree(ROOT / "papers" / KEY, tmp_path / KEY)
    (tmp_path / "README.md").write_text("A suite.\n")
    monkeypatch.setattr(command, "README", tmp_path / "README.md")
    monkeypatch.setattr(registry, "papers", lambda: {KEY: Paper(tmp_path / KEY)})
    return tmp_path / KEY / "README.md"


def spacing(text: str, split: str) -> float:
    """Return what a README shows of how evenly the prototypes of a split of table 1 are spaced."""
    [line] = [line for line in text.splitlines() if f"| `table1/{split}/affinity` | `{SPACING}` |" in line]
    return float(line.split("|")[4].split()[0])


def status(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(["readme", *arguments])
    return ended.value.code


def test_what_differs_is_named_and_then_written(readme, capsys):
    whole = readme.read_text()
    number = spacing(whole, "standard")
    readme.write_text(whole.replace(f"{number:.5f}", f"{number + 1:.5f}"))
    line = whole.splitlines().index("<!-- written: measured 5 -->") + 1
    place = f"{readme}:{line}: measured 5"
    assert status("--check", "--results", RESULTS) == 1
    assert capsys.readouterr().out == f"{place} differs\n"
    assert f"{number + 1:.5f}" in readme.read_text()
    assert status("--results", RESULTS) == 0
    assert capsys.readouterr().out == f"{place} written\n"
    assert readme.read_text() == whole
    assert status("--check", "--results", RESULTS) == 0


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("written: deviations", "written: deviation", "did you mean 'deviations'?"),
        ("written: table table1", "written: table tabel1", "did you mean 'table1'?"),
        ("written: table table1", "written: table figure6", "no record of gaussian_affinity/figure6 is published"),
        ("written: table table1", "written: table", "'table' has not what it needs"),
        ("written: claims omniglot", "written: claims omniglott", "did you mean 'omniglot'?"),
        ("written: claims omniglot emnist-lesion-sizes", "written: claims", "'claims' has not what it needs"),
        (f"`{RUN}`", "`table1/standard/afinity`", f"did you mean '{RUN}'?"),
        (f"`{SPACING}`", "`mnist-geometry/spacing`", f"no published record of {RUN} has mnist-geometry/spacing"),
        (f"`{SPACING}`", "`spacing`", f"no published record of {RUN} has spacing"),
    ],
)
def test_what_a_readme_asks_for_in_vain_is_named_with_its_line(readme, capsys, old, new, says):
    whole = readme.read_text().replace(old, new, 1)
    readme.write_text(whole)
    assert status("--results", RESULTS) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"error: {readme}:")
    assert says in message
    assert readme.read_text() == whole


def test_of_a_table_without_records_it_is_said_that_there_are_none(readme):
    readme.write_text(readme.read_text().replace("written: table table1 ", "written: table table2 ", 1))
    assert status("--results", RESULTS) == 0
    assert "<!-- written: table table2 -->\n\nNo record of `table2` is published.\n\n<!-- end -->" in readme.read_text()


def test_claims_are_told_by_the_data_that_their_records_are_of(readme):
    none = readme.read_text()
    assert "<!-- written: claims omniglot emnist-lesion-sizes -->\n\nNo claim has records on omniglot or " in none
    readme.write_text(none.replace("claims omniglot emnist-lesion-sizes", "claims mnist"))
    assert status("--results", RESULTS) == 0
    lines = [line.split(" | ") for line in readme.read_text().split("written: claims mnist -->")[1].splitlines()]
    told = {cells[0].rpartition("(")[2]: cells[1:] for cells in lines if len(cells) == 3}
    # Its published records are of table 1, a seed each.
    assert told["GA-C9b)"][0] == "inconclusive"
    assert told["GA-C9b)"][1].startswith("3 of 4 comparisons go as claimed, 1 seed")
    assert not any(claim.startswith(("GA-C11", "GA-C13")) for claim in told)


def test_several_runs_are_averaged_seed_by_seed(readme):
    whole = readme.read_text()
    readme.write_text(whole.replace(f"`{RUN}`", "`table1/{standard,even-10}/affinity`", 1))
    assert status("--results", RESULTS) == 0
    mean = (spacing(whole, "standard") + spacing(whole, "even-10")) / 2
    assert spacing(readme.read_text(), "{standard,even-10}") == pytest.approx(mean, abs=1.1e-5)


def test_a_paper_needs_a_readme(readme, capsys):
    readme.unlink()
    assert status("--results", RESULTS) == 2
    assert "README.md: cannot be read" in capsys.readouterr().err


def test_the_readme_of_the_suite_tells_what_was_found_of_each_paper(readme, capsys):
    suite = command.README
    suite.write_text("<!-- written: findings -->\n<!-- end -->\n")
    assert status("--results", RESULTS) == 0
    assert capsys.readouterr().out == f"{suite}:1: findings written\n"
    [row] = [line for line in suite.read_text().splitlines() if line.startswith("| [")]
    assert row.startswith(f"| [Gaussian Affinity for Max-margin Class Imbalanced Learning](papers/{KEY}/README.md), M")
    assert "printed numbers" in row
    assert "claims" in row
    assert status("--check", "--results", RESULTS) == 0
    suite.write_text("<!-- written: table table1 -->\n<!-- end -->\n")
    assert status("--results", RESULTS) == 2
    assert f"{suite}:1: nothing is known of 'table table1' here" in capsys.readouterr().err
