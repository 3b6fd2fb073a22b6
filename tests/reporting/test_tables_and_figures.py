"""Tables and figures are pure functions of records, and their files say what they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from papers.gaussian_affinity import targets
from shared.commands.render import render
from shared.errors import UserError
from shared.records.kept import FEATURES
from shared.records.records import DataUsed, Records
from shared.records.results import Results
from shared.reporting.figure import Figure, band, drawing
from shared.reporting.table import NO_EVIDENCE, Table, measured, read_display
from shared.runs.registry import paper, papers
from tests.records.samples import record, write

GA = paper("gaussian_affinity")


def seeds_of_every_run(tmp_path, scale: str = "lite") -> Results:
    """Write made-up records of every run of the paper, at random accuracies."""
    results, random = Results(tmp_path), np.random.default_rng(0)
    for run in GA.runs(scale).values():
        for seed in range(max(2, run.seeds)):
            accuracy = round(float(random.uniform(97, 99.9)), 2)
            metrics = {"accuracy": accuracy, "error": 100 - accuracy, "balanced_error": 1.0 + seed}
            classes = run.config.data.trained_classes
            made_up = {
                "axes": run.axes,
                "config": run.config.plain(),
                "metrics": dict.fromkeys(run.config.benchmarks, metrics),
                "data": DataUsed(name=run.config.data.name, checksums={}, counts={"train": [5] * classes}),
            }
            path = write(results.paper(scale, GA.key), record(run.name, seed).model_copy(update=made_up))
            if run.config.keep_features:
                labels = np.arange(200) % classes
                np.savez(
                    path.parent / FEATURES.format(split="test"),
                    embeddings=random.normal(size=(200, 2)).astype(np.float32) + labels[:, None],
                    labels=labels.astype(np.uint8),
                    predictions=labels.astype(np.uint8),
                    class_vectors=random.normal(size=(10, 1, 2)).astype(np.float32),
                )
    return results


def test_every_target_draws_from_records_alone(tmp_path):
    results = seeds_of_every_run(tmp_path)
    for name, target in GA.targets.items():
        paths = render(GA, name, "lite", results)
        assert [path.suffix for path in paths] == (
            [".csv", ".md", ".tex"] if target.kind == "table" else [".png", ".pdf", ".csv"]
        )
        assert all(path.stat().st_size > 100 for path in paths)
        assert not pd.read_csv(next(path for path in paths if path.suffix == ".csv")).empty


def test_every_target_of_every_paper_is_a_function_of_that_name():
    for entry in papers().values():
        module = __import__(f"papers.{entry.key}.targets", fromlist=["targets"])
        for name in entry.targets:
            assert callable(getattr(module, name))


def test_table1_shows_mean_spread_and_seeds_beside_the_printed_numbers():
    def seed(run: str, seed: int, split: str, loss: str, accuracy: float):
        entry = record(run, seed, accuracy)
        entry.axes.update(split=split, loss=loss)
        return entry, None

    rows = [
        seed("table1/odd-10/affinity", 0, "odd-10", "affinity", 99.0),
        seed("table1/odd-10/affinity", 1, "odd-10", "affinity", 99.2),
        seed("table1/odd-10/softmax", 0, "odd-10", "softmax", 98.0),
    ]
    table = targets.table1(Records(rows, GA.reference))
    row = table.display.set_index("Imbalanced").loc["10% of odd digits"]
    assert row["CoSen CNN (quoted)"] == "98.6"
    assert row["Affinity (printed)"] == "99.3"
    assert row["Affinity (measured)"] == "99.10 ± 0.14 (2)"
    assert row["Softmax (measured)"] == "98.00 (1)"
    assert table.display.set_index("Imbalanced").loc["Stand. split", "Affinity (measured)"] == "not run"


@pytest.mark.parametrize(
    ("values", "shown"), [([], "not run"), ([99.0], "99.00 (1)"), ([1.0, 2.0, 3.0], "2.00 ± 1.00 (3)")]
)
def test_measured(values, shown):
    assert measured(values) == shown


def test_a_missing_record_is_named_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(UserError, match=r"python -m shared train gaussian_affinity table1/\S+ --scale smoke"):
        render(GA, "table1", "smoke", Results(tmp_path))
    with pytest.raises(UserError, match="no record of gaussian_affinity/table1 is published"):
        render(GA, "table1", "published", Results(tmp_path))


def test_table_files_hold_the_same_cells(tmp_path):
    table = Table(
        data=pd.DataFrame({"row": ["a"], "value": [1.25]}),
        display=pd.DataFrame({"Row": ["a | b", "50% & σ"], "Value": ["1.2 ± 0.1", "–"]}),
        caption="A caption",
        notes=["A note."],
    )
    csv, markdown, tex = table.write(tmp_path / "table1", no_evidence=True)
    assert pd.read_csv(csv)["value"].tolist() == [1.25]
    caption, header, rows, notes = read_display(markdown)
    assert (caption, header) == ("A caption", ["Row", "Value"])
    assert rows == [["a | b", "1.2 ± 0.1"], ["50% & σ", "–"]]
    assert notes == [NO_EVIDENCE, "A note."]
    text = tex.read_text()
    assert r"50\% \& $\sigma$ & -- \\" in text
    assert r"1.2 $\pm$ 0.1" in text
    assert "no evidence" in text


def test_a_figure_carries_its_caption_and_the_same_bits_each_time(tmp_path):
    bits = []
    for name in ("first", "second"):
        picture = drawing()
        band(picture.axes[0], [1, 2], [[1.0, 2.0], [2.0, 4.0]], "softmax", 0)
        figure = Figure(picture, pd.DataFrame({"x": [1]}), "What it shows", ["A note."])
        png, pdf, _ = figure.write(tmp_path / name, no_evidence=False)
        bits.append((png.read_bytes(), pdf.read_bytes()))
        with Image.open(png) as image:
            assert image.info["Description"] == "What it shows\nA note."
    assert bits[0] == bits[1]


def test_a_band_is_drawn_only_where_seeds_differ():
    picture = drawing()
    band(picture.axes[0], [1, 2], [[1.0], [2.0]], "one seed", 0)
    assert not picture.axes[0].collections
    band(picture.axes[0], [1, 2], [[1.0, 1.5], [2.0, 2.5]], "two seeds", 1)
    assert len(picture.axes[0].collections) == 1


def test_drawing_and_reporting_import_no_torch():
    import subprocess
    import sys

    code = (
        "import sys; import shared.commands.report, shared.commands.render, papers.gaussian_affinity.targets;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
