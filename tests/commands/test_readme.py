"""Writing the README of one paper from its published records: what it writes, and what it says where it cannot."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from shared.commands import readme as command
from shared.commands.cli import main
from shared.records.results import Results
from shared.records.trials import Attempt
from shared.reporting.pictures import marked
from shared.reporting.table import table_cells
from shared.runs import registry
from shared.runs.registry import Paper, paper
from tests.conftest import ROOT
from tests.records.samples import of, write

KEY = "gaussian_affinity"
RUN = "table1/standard/affinity"
SPACING = "mnist-geometry/prototype_spacing_cv"
FOUND, END = "<!-- written: found -->", "<!-- end -->"
SPLITS = ("odd-10", "even-10", "odd-25", "even-25")
TEXT = f"""# A paper

<!-- written: deviations -->
{END}

<!-- written: table table1 -->
{END}

<!-- written: claims omniglot emnist-lesion-sizes -->
{END}

<!-- written: measured 5 -->

|  | run | metric | measured |
| --- | --- | --- | --- |
| spacing | `{RUN}` | `{SPACING}` |  |

{END}
"""


@pytest.fixture
def readme(tmp_path, monkeypatch):
    """The README of a copy of one paper, which is the only one and shows no figure; that of the suite has no part."""
    shutil.copytree(ROOT / "papers" / KEY, tmp_path / KEY)
    (tmp_path / "README.md").write_text("A suite.\n")
    monkeypatch.setattr(command, "README", tmp_path / "README.md")
    runs, reference = tmp_path / KEY / "runs.yaml", tmp_path / KEY / "reference.yaml"
    runs.write_text(re.sub(r"^shows: .*\n", "", runs.read_text(), flags=re.MULTILINE))
    read: dict[tuple[str, str], dict[str, Paper]] = {}

    def papers() -> dict[str, Paper]:
        """Read the paper anew where one of its files has changed."""
        texts = runs.read_text(), reference.read_text()
        if texts not in read:
            read[texts] = {KEY: Paper(tmp_path / KEY)}
        return read[texts]

    monkeypatch.setattr(registry, "papers", papers)
    own = tmp_path / KEY / "README.md"
    own.write_text(TEXT)
    return own


def published(folder, runs: dict[str, list[float]]) -> Results:
    """Publish made-up records of runs at full scale, a seed an accuracy, below a folder."""
    results = Results(folder)
    for name, accuracies in runs.items():
        for seed, accuracy in enumerate(accuracies):
            record = of(paper(KEY).run(name, "full"), seed)
            record.metrics["mnist-test"] |= {"accuracy": accuracy, "error": 100 - accuracy}
            record.metrics["mnist-geometry"] = {"prototype_spacing_cv": accuracy / 1000}
            write(results.paper("published", KEY), record)
    return results


@pytest.fixture
def results(tmp_path) -> str:
    """A folder with a published record of each run of table 1 by affinity loss, and of softmax for some."""
    runs = {f"table1/{split}/affinity": [99.0 + place / 10] for place, split in enumerate(("standard", *SPLITS))}
    return str(published(tmp_path / "results", runs | {f"table1/{split}/softmax": [99.25] for split in SPLITS}).root)


@pytest.fixture
def none(tmp_path) -> str:
    """A folder with a published record of another paper alone."""
    record = tmp_path / "none/published/discface/runs/table1/seed0/record.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    return str(tmp_path / "none")


def spacing(text: str, split: str) -> float:
    """Return what a README shows of how evenly the prototypes of a split of table 1 are spaced."""
    [line] = [line for line in text.splitlines() if f"| `table1/{split}/affinity` | `{SPACING}` |" in line]
    return float(line.split("|")[4].split()[0])


def status(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(["readme", *arguments])
    return ended.value.code


def test_what_differs_is_named_and_then_written(readme, results, capsys):
    assert status("--results", results) == 0
    whole = readme.read_text()
    assert spacing(whole, "standard") == pytest.approx(0.099)
    capsys.readouterr()
    readme.write_text(whole.replace("0.09900", "1.09900"))
    line = whole.splitlines().index("<!-- written: measured 5 -->") + 1
    place = f"{readme}:{line}: measured 5"
    assert status("--check", "--results", results) == 1
    assert capsys.readouterr().out == f"{place} differs\n"
    assert "1.09900" in readme.read_text()
    assert status("--results", results) == 0
    assert capsys.readouterr().out == f"{place} written\n"
    assert readme.read_text() == whole
    assert status("--check", "--results", results) == 0


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
def test_what_a_readme_asks_for_in_vain_is_named_with_its_line(old, new, says, *, readme, results, capsys):
    whole = readme.read_text().replace(old, new, 1)
    readme.write_text(whole)
    assert status("--results", results) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"error: {readme}:")
    assert says in message
    assert readme.read_text() == whole


def test_of_a_table_without_records_it_is_said_that_there_are_none(readme, results):
    readme.write_text(readme.read_text().replace("written: table table1 ", "written: table table2 ", 1))
    assert status("--results", results) == 0
    assert "<!-- written: table table2 -->\n\nNo record of `table2` is published.\n\n<!-- end -->" in readme.read_text()


def test_claims_are_told_by_the_data_that_their_records_are_of(readme, results):
    assert status("--results", results) == 0
    none = readme.read_text()
    assert "<!-- written: claims omniglot emnist-lesion-sizes -->\n\nNo claim has records on omniglot or " in none
    readme.write_text(none.replace("claims omniglot emnist-lesion-sizes", "claims mnist"))
    assert status("--results", results) == 0
    lines = [line.split(" | ") for line in readme.read_text().split("written: claims mnist -->")[1].splitlines()]
    told = {cells[1].rpartition("(")[2]: [cells[0], *cells[2:]] for cells in lines if len(cells) == 5}
    verdict, measured, seeds, power = told["GA-C9b)"]
    assert (verdict, seeds, power) == ("| ? inconclusive", "1", "none: one seed tells no spread |")
    assert measured.startswith("2 of 4 as claimed, ")
    assert not any(claim.startswith(("GA-C11", "GA-C13")) for claim in told)


def test_several_runs_are_averaged_seed_by_seed(readme, results):
    readme.write_text(readme.read_text().replace(f"`{RUN}`", "`table1/{standard,even-10}/affinity`", 1))
    assert status("--results", results) == 0
    assert spacing(readme.read_text(), "{standard,even-10}") == pytest.approx((0.0990 + 0.0992) / 2, abs=1.1e-5)


def test_a_paper_needs_a_readme(readme, results, capsys):
    readme.unlink()
    assert status("--results", results) == 2
    assert "README.md: cannot be read" in capsys.readouterr().err


def test_a_readme_that_is_empty_or_no_text_is_refused(readme, results, capsys):
    for content, says in ((b"\n", "it is empty"), (b"A \xff\n", "byte 2 is not UTF-8")):
        readme.write_bytes(content)
        assert status("--check", "--results", results) == 2
        assert f"error: {readme}: {says}" in capsys.readouterr().err


def test_an_error_leaves_all_as_it_was(readme, none, tmp_path, capsys):
    picture = tmp_path / ".github/pictures" / f"{KEY}.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"a picture")
    assert status("--results", none) == 2
    assert f"no published record of {RUN} has {SPACING}" in capsys.readouterr().err
    readme.write_text(f"<!-- written: deviations -->\n{END}\n")
    whole = readme.read_text()
    command.README.write_text("<!-- written: table table1 -->\n<!-- end -->\n")
    assert status("--results", none) == 2
    assert (readme.read_text(), picture.read_bytes()) == (whole, b"a picture")


def test_a_folder_in_which_nothing_is_published_is_refused(readme, tmp_path, capsys):
    assert status("--results", str(tmp_path / "typo")) == 2
    assert f"error: {tmp_path}/typo/published has no records; name the folder" in capsys.readouterr().err
    assert readme.read_text() == TEXT


def found(readme, results: Results) -> tuple[str, list[list[str]], list[str]]:
    """Have the README of the paper tell what was found alone: its sentences, the rows of its table, and the rest."""
    readme.write_text(f"{FOUND}\n{END}\n")
    assert status("--results", str(results.root)) == 0
    sentences, *rest = readme.read_text().removeprefix(FOUND).removesuffix(f"{END}\n").strip().split("\n\n")
    rows = [table_cells(line) for line in rest[0].splitlines()[2:]] if rest else []
    return sentences, rows, rest[1:]


def test_a_number_that_is_off_is_told_with_what_was_tried_or_that_nothing_was(readme, tmp_path, capsys):
    results = published(tmp_path / "results", {"table1/odd-10/affinity": [97.0, 97.1, 97.2, 97.0, 97.1]})
    sentences, rows, rest = found(readme, results)
    assert "at full scale on MNIST. Of its 52 claims, " in sentences
    assert "it is 10% of odd digits · Affinity Loss, 97.08 % where 99.3 % is printed." in sentences
    assert re.search(r"On data that anyone can have, \d+ trainings at full scale and \d+ at lite are left", sentences)
    assert rows[-1][:2] == ["▼ worse", "10% of odd digits · Affinity Loss: 99.3 % (Table 1, row '10% of odd digits')"]
    assert re.fullmatch(r"97\.08 % \[96\.\d+, 97\.\d+\]", rows[-1][2])
    off = "Off the printed number: Table 1, 10% of odd digits · Affinity Loss. "
    assert rest[-1] == f"{off}Nothing was tried yet to explain it."

    listed = f"{KEY}/table1: 10% of odd digits · Affinity Loss is 97.08 where 99.3 is printed (worse), and nothing"
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["consistency", "--paper", KEY, "--results", str(results.root)])
    assert ended.value.code == 0
    assert listed in capsys.readouterr().out

    reference = readme.with_name("reference.yaml")
    entry = "run: table1/odd-10/affinity"
    assert reference.read_text().count(entry) == 1
    reference.write_text(reference.read_text().replace(entry, f"{entry}, tried: 'Five times the epochs came to 97.3.'"))
    assert found(readme, results)[2][-1] == f"{off}Tried: Five times the epochs came to 97.3."
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["consistency", "--paper", KEY, "--results", str(results.root)])
    assert listed not in capsys.readouterr().out


def test_claims_are_told_with_their_verdicts(readme, tmp_path):
    low, high = [98.1, 98.15, 98.2, 98.1], [99.1, 99.2, 99.15, 99.1]
    runs = {f"table1/{split}/affinity": high for split in SPLITS} | {f"table1/{split}/softmax": low for split in SPLITS}
    sentences, rows, _ = found(readme, published(tmp_path / "results", runs))
    told = {row[1].rpartition("(")[2].rstrip(")"): row for row in rows}
    assert told["GA-C9b"][0] == "✓ matched"
    assert told["GA-C9b"][2:4] == ["4 of 4 as claimed, +1 percentage points", "4"]
    assert re.fullmatch(r"0\.\d+ percentage points", told["GA-C9b"][4])
    assert re.search(r"\d+ (is|are) borne out", sentences)
    assert "orne out most clearly is “" in sentences


def test_without_a_record_it_is_said_what_could_be_run(readme, none):
    sentences, rows, rest = found(readme, Results(Path(none)))
    assert sentences.startswith("There is no record yet for any of its 12 tables and figures. Of its 52 claims, ")
    assert sentences.endswith(" device hours.")
    assert (rows, rest) == ([], [])


def test_the_readme_of_the_suite_has_a_row_for_each_paper(readme, results, capsys):
    suite = command.README
    readme.write_text("A paper.\n")
    suite.write_text("<!-- written: findings -->\n<!-- end -->\n")
    assert status("--results", results) == 0
    assert capsys.readouterr().out == f"{suite}:1: findings written\n"
    [row] = [table_cells(line) for line in suite.read_text().splitlines() if line.startswith("| [")]
    assert row[0] == f"[Gaussian affinity](papers/{KEY}/README.md), 2019"
    assert sum(map(int, row[1:7])) == len(paper(KEY).reference.claims)
    assert row[7].endswith("15 printed")
    assert row[8] == "none is named"
    assert status("--check", "--results", results) == 0
    suite.write_text("<!-- written: table table1 -->\n<!-- end -->\n")
    assert status("--results", results) == 2
    assert f"{suite}:1: nothing is known of 'table table1' here" in capsys.readouterr().err


def test_the_picture_is_of_the_figure_that_is_named_as_the_records_draw_it_now(readme, none, tmp_path, capsys):
    runs, suite = readme.with_name("runs.yaml"), command.README
    picture = tmp_path / ".github/pictures" / f"{KEY}.png"
    readme.write_text("A paper.\n")
    runs.write_text(runs.read_text().replace("\nexperiments:", "\nshows: figure6\n\nexperiments:"))
    results = published(tmp_path / "results", {"figure6/0.1/affinity": [99.0], "figure6/0.1/softmax": [98.0]})
    differs = f"{picture}: figure6 differs\n"

    assert status("--check", "--results", none) == 0
    assert status("--check", "--results", str(results.root)) == 1
    assert capsys.readouterr().out == differs
    assert not picture.exists()
    suite.write_text("<!-- written: findings -->\n<!-- end -->\n")
    assert status("--results", str(results.root)) == 0
    assert f'<img src=".github/pictures/{KEY}.png" width="300" alt="Figure 6: Imbalance levels">' in suite.read_text()
    assert str(marked(picture)).startswith("figure6 ")

    suite.write_text("A suite.\n")
    capsys.readouterr()
    assert status("--check", "--results", str(results.root)) == 0
    published(tmp_path / "results", {"figure6/0.1/affinity": [99.0, 99.2]})
    assert status("--check", "--results", str(results.root)) == 1
    assert capsys.readouterr().out == differs
    suite.write_text("<!-- written: findings -->\n<!-- end -->\n")
    assert status("--results", none) == 0
    assert not picture.exists()
    assert "| Figure 6: Imbalance levels: nothing of it is published |" in suite.read_text()


def test_where_tried_losses_stand_is_told_of_all_scales_together_with_a_picture(readme, results, tmp_path):
    drawn = tmp_path / ".github/pictures/standings.png"
    command.README.write_text(f"<!-- written: standings -->\n{END}\n")
    assert status("--results", results) == 0
    assert "\nNo record of a loss that was tried is published.\n" in command.README.read_text()
    assert not drawn.exists()

    (tmp_path / "mine.yaml").write_text("loss: {name: focal}\n")
    for scale, split, accuracy in (("full", "odd-10", 99.5), ("lite", "standard", 91.0)):
        attempt = Attempt.of(tmp_path / "mine.yaml", scale, 1, Results(Path(results))).among([KEY], ["table1"])
        softmax = paper(KEY).run(f"table1/{split}/softmax", scale)
        [run] = [run for run in attempt.runs() if run.config.data == softmax.config.data]
        record = of(run, 0)
        record.metrics["mnist-test"] = {"accuracy": accuracy, "error": 100 - accuracy}
        write(Results(Path(results), f"mine-{scale}").paper("published", KEY), record)
    at_lite = of(softmax, 0)
    at_lite.metrics["mnist-test"] |= {"accuracy": 90.0, "error": 10.0}
    write(Results(Path(results)).paper("published", KEY), at_lite)
    assert status("--results", results) == 0
    text = command.README.read_text()
    for name, difference in (("mine-full", "+0.25"), ("mine-lite", "+1.00")):
        [row] = [table_cells(line) for line in text.splitlines() if line.startswith(f"| {name} |")]
        assert row[3] == difference
    assert "(.github/pictures/standings.png)" in text
    assert marked(drawn)
    assert status("--results", results, "--check") == 0

    shutil.rmtree(Path(results) / "published/trials")
    assert status("--results", results) == 0
    assert not drawn.exists()
