"""Writing the READMEs: from the records that are published, into a copy of the suite; what it says where it cannot."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT

README = "papers/gaussian_affinity/README.md"
MEASURED = "<!-- written: measured -->"
PUBLISHED = ("--results", str(ROOT / "results"))


@pytest.fixture
def readme(suite):
    """The README of one paper in a copy of the suite, in which the others have no written parts."""
    for folder in (suite / "papers").iterdir():
        if folder.is_dir() and folder.name != "gaussian_affinity":
            (folder / "README.md").write_text("# A paper\n")
    return suite / README


def test_what_differs_is_named_and_then_written(shared, suite, readme):
    whole = readme.read_text()
    readme.write_text(whole.replace("94.65", "95.65"))
    checked = shared("readme", "--check", *PUBLISHED, cwd=suite)
    assert (checked.returncode, len(checked.stdout.splitlines())) == (1, 1)
    line = whole[: whole.index(MEASURED)].count("\n") + 1
    assert checked.stdout.endswith(f"{README}:{line}: measured differs\n")
    assert "95.65" in readme.read_text()
    written = shared("readme", *PUBLISHED, cwd=suite, check=True)
    assert written.stdout.endswith(": measured written\n")
    assert readme.read_text() == whole
    assert shared("readme", "--check", *PUBLISHED, cwd=suite, check=True).stdout == ""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("written: deviations", "written: deviation", "did you mean 'deviations'?"),
        ("written: table table1", "written: table tabel1", "did you mean 'table1'?"),
        ("written: table table1", "written: table figure6", "no record of gaussian_affinity/figure6 is published"),
        ("written: table table1", "written: table", "'table' has not what it needs"),
        ("`table3/affinity`", "`table3/afinity`", "did you mean 'table3/affinity'?"),
        ("`olivetti/accuracy`", "`olivetti/acuracy`", "no published record of table3/affinity has olivetti/acuracy"),
        ("`olivetti/accuracy`", "`accuracy`", "no published record of table3/affinity has accuracy"),
    ],
)
def test_what_a_readme_asks_for_in_vain_is_named_with_its_line(shared, readme, old, new, says):
    readme.write_text(readme.read_text().replace(old, new, 1))
    done = shared("readme", *PUBLISHED, cwd=readme.parents[2])
    assert done.returncode == 2
    assert f"{README}:" in done.stderr
    assert says in done.stderr
