"""The marks of what was measured of trainings that got nowhere, in tables and in figures."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.text import Annotation

from papers.gaussian_affinity import targets
from shared.records.records import Records
from shared.reporting.figure import Figure, band, drawing
from shared.reporting.health_marks import mark, marked
from shared.reporting.table import measured
from shared.runs.registry import paper
from tests.conftest import ROOT

GA = paper("gaussian_affinity")
TRAININGS = ROOT / "tests/records/trainings"
"""Records of a search over margins and rates, some of whose trainings got nowhere."""


@pytest.fixture(scope="module")
def records() -> Records:
    return Records.read(sorted(TRAININGS.rglob("record.json")), GA.reference)


def test_a_number_has_the_gravest_mark_of_its_runs(records):
    assert mark(records, ["search/affinity/0.75/0.1", "search/affinity/0.75/0.03"]) == "†"
    assert mark(records, ["search/affinity/0.75/0.03"]) == "†"
    assert mark(records, ["search/affinity/0.9/0.1"]) == ""
    assert measured([18.0, 20.0], mark="†") == "19.00 ± 1.41† (2)"


def test_a_table_marks_the_cell_and_says_what_it_means(records):
    table = marked(targets.table_search(records), records)
    rows = table.display.set_index(["Loss", "Margin λ"])["rate 0.1 (measured)"]
    assert rows["affinity", "0.75"] == "90.00† (1)"
    assert rows["affinity", "0.9"] == "44.48 (1)"
    [untrained] = [note for note in table.notes if note[0] in "†‡"]
    assert "at chance (" in untrained
    assert "search/affinity/0.75/0.1 seed 0" in untrained
    assert "cut while falling (search/affinity/0.75/0.03 seed 0)" in untrained
    assert r"90.00$\dagger$ (1)" in table.latex()


def test_a_figure_says_so_in_the_picture_and_in_its_notes(records):
    figure = marked(Figure(drawing(), pd.DataFrame(), "A caption"), records)
    assert figure.drawing.get_suptitle() == "† not trained"
    assert figure.notes[0].startswith("† not trained")


def test_a_figure_marks_the_panel_and_the_point_of_a_curve():
    picture = drawing()
    band(picture.axes[0], [1, 2], [[3.0], [90.0]], "affinity", 0, marks=["", "†"])
    marked_at = {text.get_text(): text.xy for text in picture.axes[0].texts if isinstance(text, Annotation)}
    assert marked_at["†"] == (2, 90.0)


def test_nothing_is_marked_at_smoke_scale(records):
    smoke = [(record.model_copy(update={"scale": "smoke"}), folder) for record, folder in records.records]
    assert mark(Records(smoke, GA.reference), ["search/affinity/0.75/0.1"]) == ""
