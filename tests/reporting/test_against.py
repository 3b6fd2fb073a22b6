"""Two sets of records side by side: what changed in a verdict, and why."""

from __future__ import annotations

import shutil

import pytest

from shared.commands.cli import main
from shared.errors import UserError
from shared.records.records import Record
from shared.records.results import Results
from shared.reporting.against import Side, changes, other_records
from shared.runs.registry import paper
from tests.records.samples import record, write

GA = paper("gaussian_affinity")
RUN = "table1/odd-10/affinity"


def trained(root, *accuracies: float, **changed) -> Results:
    """Write made-up records of one run, a seed an accuracy, below a folder of results."""
    results, run = Results(root), GA.run(RUN, "full")
    for seed, accuracy in enumerate(accuracies):
        made: Record = record(RUN, seed, accuracy)
        fields = {"scale": "full", "config": run.config.plain(), "config_hash": run.hash, **changed}
        made.metrics["mnist-test"]["error"] = 100 - accuracy
        write(results.paper("full", GA.key), made.model_copy(update=fields))
    return results


def compared(before: Results, after: Results):
    return list(changes(GA, Side.read(GA, "full", before), Side.read(GA, "full", after)))


def test_the_same_records_differ_in_nothing(tmp_path):
    assert compared(trained(tmp_path / "a", 99.0, 99.2), trained(tmp_path / "b", 99.0, 99.2)) == []


def test_more_seeds_change_a_verdict_and_are_named(tmp_path):
    [change] = [
        each
        for each in compared(trained(tmp_path / "a", 99.3), trained(tmp_path / "b", 99.3, 99.32))
        if each.what.startswith("table1")
    ]
    assert change.what == "table1 · 10% of odd digits · Affinity Loss"
    assert (change.before_verdict, change.after_verdict) == ("inconclusive", "matched")
    assert (change.before, change.after) == ("99.30 (1)", "99.31 (2)")
    assert change.why == [f"seed 0 became seeds 0, 1 ({RUN})"]
    assert change.address == "gaussian_affinity.html#table1"


def test_that_more_could_be_run_at_one_scale_than_at_another_is_no_change(tmp_path):
    there = Results(tmp_path)
    lite, published = (Side.read(GA, scale, there) for scale in ("lite", "published"))
    assert {claim.verdict for claim in lite.verdicts.claims} == {"not run", "not runnable"}
    assert lite.verdicts != published.verdicts
    assert list(changes(GA, lite, published)) == []


def test_another_configuration_is_told_setting_by_setting(tmp_path):
    run = GA.run(RUN, "full")
    config = run.config.plain()
    config["loss"] = {**config["loss"], "sigma": 5.0}
    before = trained(tmp_path / "a", 97.0, 97.1, config=config, config_hash="0" * 12)
    [change] = [each for each in compared(before, trained(tmp_path / "b", 99.3, 99.32)) if "table1" in each.what]
    assert (change.before_verdict, change.after_verdict) == ("worse", "matched")
    assert change.why == [f"another configuration: loss.sigma 5.0 became {run.config.plain()['loss']['sigma']} ({RUN})"]


def test_other_code_is_named_and_other_weights_by_the_same(tmp_path):
    made = record(RUN, 0).provenance
    after = trained(tmp_path / "b", 99.3, 99.32)
    other = trained(tmp_path / "a", 98.3, 98.32, provenance=made.model_copy(update={"code": "ffffffffffff"}))
    assert {"; ".join(each.why) for each in compared(other, after)} == {f"trained by other code ({RUN})"}
    other = trained(tmp_path / "c", 98.3, 98.32, provenance=made.model_copy(update={"weights_sha256": "other"}))
    assert all("other weights by the same code" in each.why[0] for each in compared(other, after))


def test_what_is_named_must_be_there_and_other_than_what_is_compared(tmp_path):
    results, other = trained(tmp_path / "a", 99.0), trained(tmp_path / "b", 99.0)
    shutil.copytree(results.root / "full", results.root / "published")
    assert other_records("published", "full", results) == ("published", results)
    assert other_records(str(other.root), "full", results) == ("full", other)
    (tmp_path / "empty/full").mkdir(parents=True)
    for named, problem in (
        ("full", "the same records"),
        (str(results.root.parent / "b/../a"), "the same records"),
        ("lite", f"{results.root}/lite has no records"),
        ("nowhere", "neither a scale"),
        (str(tmp_path / "empty"), "nor a folder with records in full/"),
    ):
        with pytest.raises(UserError, match=problem):
            other_records(named, "full", results)


def test_the_command_writes_a_page_and_says_what_changed(tmp_path, capsys):
    before, after = trained(tmp_path / "a", 99.3), trained(tmp_path / "b", 99.3, 99.32)
    with pytest.raises(SystemExit) as ended:
        main(["report", "--scale", "full", "--results", str(after.root), "--against", str(before.root)])
    assert ended.value.code == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == str(after.report("full"))
    assert lines == [
        "gaussian_affinity, table1 · 10% of odd digits · Affinity Loss: inconclusive became matched: "
        f"seed 0 became seeds 0, 1 ({RUN})"
    ]
    page = after.report("full").with_name("against.html").read_text()
    assert "inconclusive" in page
    assert "matched" in page
    assert 'href="against.html"' in after.report("full").read_text()
