"""The records kept in the repository: whole, of runs that still exist, and what the READMEs say of them is true."""

from __future__ import annotations

import re
import shutil

import pytest

from shared.commands.readme import write_readmes
from shared.commands.render import render
from shared.records.kept import CURVE, FEATURES
from shared.records.records import BENCHMARKS, find_records, read_record
from shared.records.results import Results
from shared.records.target_records import record_paths
from shared.records.trials import Attempt
from shared.runs.config import config_hash
from shared.runs.registry import EVIDENCE, papers
from tests.conftest import ROOT

RESULTS = Results(ROOT / "results")
PUBLISHED = [
    (entry, path) for entry in papers().values() for path in find_records(RESULTS.paper("published", entry.key))
]


@pytest.mark.parametrize(("entry", "path"), PUBLISHED, ids=lambda part: getattr(part, "key", None))
def test_a_published_record_is_whole_and_of_a_run_as_it_is_configured_now(entry, path):
    record = read_record(path)
    assert path == RESULTS.record("published", entry.key, record.run, record.seed)
    assert record.scale in {"lite", "full"}
    assert record.provenance.commit.rstrip("+") != "unknown"
    run = entry.run(record.run, record.scale)
    trained = type(run.config).model_validate(record.config).identity()
    assert record.config_hash == config_hash(trained) == run.hash
    assert set(run.config.benchmarks) <= set(record.metrics)
    if run.config.keep_features:
        assert all((path.parent / FEATURES.format(split=split)).exists() for split in run.config.keep_features)


TRIED = sorted((RESULTS.root / "published/trials").glob("*/"))


@pytest.mark.parametrize("folder", TRIED, ids=lambda folder: folder.name)
def test_the_published_records_of_a_loss_that_was_tried_are_of_what_its_file_says_now(folder):
    paths = [path for part in sorted(folder.glob("*/")) for path in find_records(part)]
    assert paths
    runs = {
        (scale, run.paper, run.name): run
        for scale in EVIDENCE
        for run in Attempt.of(ROOT / f"trials/{folder.name}.yaml", scale, 5, RESULTS).runs()
    }
    for path in paths:
        record = read_record(path)
        assert path == Results(RESULTS.root, folder.name).record("published", record.paper, record.run, record.seed)
        assert record.config_hash == runs[record.scale, record.paper, record.run].hash
        assert record.not_finite or (path.parent / CURVE).exists()


TABLES = [
    (entry.key, target)
    for entry in papers().values()
    for target in re.findall(r"<!-- written: table (\w+) -->", (entry.folder / "README.md").read_text())
    if record_paths(entry, target, "published", RESULTS)
]


@pytest.mark.parametrize(("key", "target"), TABLES)
def test_a_readme_shows_its_tables_as_they_are_drawn_from_the_records(tmp_path, key, target):
    entry = papers()[key]
    readme = (entry.folder / "README.md").read_text()
    for path in find_records(RESULTS.paper("published", entry.key)):
        copy = tmp_path / "published" / path.relative_to(RESULTS.root / "published")
        copy.parent.mkdir(parents=True)
        copy.write_bytes(path.read_bytes())
        (copy.parent / CURVE).write_bytes((path.parent / CURVE).read_bytes())
        if (apart := path.parent / BENCHMARKS).exists():
            shutil.copytree(apart, copy.parent / BENCHMARKS)
    markdown = next(path for path in render(entry, target, "published", Results(tmp_path)) if path.suffix == ".md")
    table = [line for line in markdown.read_text().splitlines() if line.startswith("|")]
    # Of our own, rows of which nothing was run are left out: what was measured has its number of seeds behind it.
    ours = entry.targets[target].ours
    shown = [line for line in table if not ours or "not run" not in line or re.search(r"\(\d+\) *\|", line)]
    assert "\n".join(shown) in readme


def test_the_written_parts_of_the_readmes_are_what_the_command_would_write():
    assert write_readmes(RESULTS, check=True) == []


@pytest.mark.parametrize("entry", papers().values(), ids=lambda entry: entry.key)
def test_a_readme_has_the_deviations_of_the_paper(entry):
    assert "<!-- written: deviations -->" in (entry.folder / "README.md").read_text()
