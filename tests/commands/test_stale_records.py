"""What is of another configuration than runs.yaml has is told by status, and drawn by no one."""

from __future__ import annotations

import pytest

from shared.commands.render import render
from shared.commands.report import write_report
from shared.commands.scope import Scope
from shared.commands.status import DamagedRecordWarning, lines
from shared.errors import UserError
from shared.records.records import Record
from shared.records.results import Results
from shared.reporting.pages import Page
from shared.runs.registry import paper
from tests.records.samples import of, write

GA = paper("gaussian_affinity")
RUNS = GA.target_runs("table1", "full")
STALE = {"config_hash": "0" * 12}


def trained(tmp_path, entries: list[Record]) -> Results:
    results = Results(tmp_path)
    for entry in entries:
        write(results.paper(entry.scale, GA.key), entry)
    return results


def all_seeds() -> list[Record]:
    return [of(run, seed) for run in RUNS for seed in range(run.seeds)]


def status(results: Results, scale: str = "full") -> str:
    return next(line for line in lines(Scope(scale, results, results.root, GA.key, "table1")) if "/table1 " in line)


def section(results: Results):
    page = Page(GA, "full", results).view()
    return next(target for target in page.targets if target.key == "table1")


def test_status_counts_records_of_another_configuration_as_left_to_train(tmp_path):
    results = trained(tmp_path, all_seeds())
    assert "  to draw " in status(results)
    write(results.paper("full", GA.key), of(RUNS[0]).model_copy(update=STALE))
    line = status(results)
    assert f" 1/{len(all_seeds())} " in line
    assert f"another configuration than runs.yaml has: {RUNS[0].name} seed 0; to be trained again" in line


def test_they_are_left_out_of_the_drawing_and_named_beside_it(tmp_path):
    results = trained(tmp_path, all_seeds())
    render(GA, "table1", "full", results)
    whole = section(results)
    assert (whole.state, whole.table is not None) == ("done", True)
    write(results.paper("full", GA.key), of(RUNS[0]).model_copy(update=STALE))
    stale = section(results)
    assert (stale.state, stale.table) == ("not run", None)
    assert f"of another configuration than runs.yaml has: {RUNS[0].name} seed 0" in stale.reason
    render(GA, "table1", "full", results)
    again = section(results)
    assert again.state == "done"
    assert f"of another configuration than runs.yaml has: {RUNS[0].name} seed 0" in again.notes[-1]
    assert {row.run: row.seeds for row in again.provenance}[RUNS[0].name].startswith("1")


def test_a_target_of_stale_records_alone_is_not_drawn(tmp_path):
    results = trained(tmp_path, [entry.model_copy(update=STALE) for entry in all_seeds()])
    with pytest.raises(UserError, match=r"of another configuration than runs.yaml has; make it again with: python -m"):
        render(GA, "table1", "full", results)


def test_a_record_in_the_folder_of_another_seed_ends_no_report(tmp_path):
    results = trained(tmp_path, all_seeds())
    results.record("full", GA.key, RUNS[0].name, 1).write_bytes(
        results.record("full", GA.key, RUNS[0].name, 0).read_bytes()
    )
    assert write_report("full", results)[0].exists()
    assert f"of another run or seed: {RUNS[0].name} seed 1" in status(results)


def test_a_damaged_record_is_one_sentence_and_stops_no_status(tmp_path):
    results = trained(tmp_path, all_seeds())
    damaged = results.record("full", GA.key, RUNS[0].name, 0)
    damaged.write_text("{")
    assert str(damaged) in status(results)
    for draw in (lambda: render(GA, "table1", "full", results), lambda: write_report("full", results)):
        with pytest.raises(UserError, match=str(damaged)):
            draw()


def test_a_damaged_published_record_stops_the_status_of_no_scale(tmp_path):
    results = trained(tmp_path, all_seeds())
    path = results.record("published", GA.key, RUNS[0].name, 0)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.warns(DamagedRecordWarning, match=str(path)):
        assert "  to draw " in status(results)
    assert str(path) in status(results, "published")


@pytest.mark.parametrize("damage", [lambda _: b"", lambda content: content[: len(content) // 2]])
def test_a_damaged_picture_is_named_with_the_command_that_draws_it_again(tmp_path, damage):
    results = trained(tmp_path, [of(run, 0) for run in GA.target_runs("figure7", "full")])
    render(GA, "figure7", "full", results)
    picture = results.target("full", GA.key, "figure7", "png")
    Page(GA, "full", results).view()
    picture.write_bytes(damage(picture.read_bytes()))
    with pytest.raises(UserError, match=r"figure7.*damaged; draw it again with: python -m shared render"):
        Page(GA, "full", results).view()
