"""The printed numbers of the Gaussian affinity paper and the runs that measure them."""

from __future__ import annotations

from shared.runs.claims import listed
from shared.runs.registry import paper

GA = paper("gaussian_affinity")


def test_every_printed_number_rests_on_runs_and_benchmarks_that_there_are() -> None:
    runs = GA.runs("full")
    for value in GA.reference.values:
        for name in listed(value.run) if value.run else ():
            assert value.metric is not None
            assert value.metric.split("/")[0] in runs[name].config.benchmarks


def test_no_own_number_of_a_table_is_left_unmeasured() -> None:
    own = [value for value in GA.reference.values if value.source == "own" and value.target.startswith("table")]
    assert {value.target for value in own} == {"table1", "table2", "table3", "table4", "table_text"}
    assert all(value.run for value in own)


def test_experiments_and_folds_share_everything_else() -> None:
    """Folds of a cross-validation are one experiment only if nothing but the fold differs between them."""
    plain = {name: run.config.plain() for name, run in GA.runs("full").items() if name.startswith("table2/")}
    assert len(plain) == 2 * 3 * 3
    for config in plain.values():
        config["data"].pop("fold")
    for experiment in ("five", "ten"):
        for loss in ("softmax", "affinity", "cosen"):
            configs = [plain[f"table2/{experiment}/{loss}/{fold}"] for fold in range(3)]
            assert configs[0] == configs[1] == configs[2]
            without = [{**config, "loss": None} for config in configs]
            assert without[0] == {**plain[f"table2/{experiment}/softmax/0"], "loss": None}
