"""Names that refer to nothing, that two things share, or that a shell, a path or a table reads otherwise."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from shared import ROOT
from shared.errors import UserError
from shared.records.records import find_records, read_record
from shared.records.results import Results
from shared.runs.catalogue import benchmarks
from shared.runs.registry import Paper, papers
from tests.runs.samples import MINIMAL, paper

DEVIATION = "{id: a, date: 2026-01-01, targets: [tabel1], paper: says nothing, here: something, why: it must be}"
REFERENCE = """\
citation: {title: A, authors: [B], venue: C}
values:
  - target: table1
    where: Table 1
    source: own
    metric: mnist-test/accuracy
    entries:
      - {row: softmax, value: 99, run: a/softmax}
      - {row: all, value: 99, run: "a/{softmax,affinity}", metric: "mnist-test/{accuracy,error}"}
      - {row: larger, value: 50, run: b/50}
claims:
  - id: C1
    says: Affinity is better.
    where: Table 1
    targets: [table1]
    test:
      kind: lower
      less: {runs: a/affinity, metric: mnist-test/error}
      than: {runs: a/softmax, metric: mnist-test/error}
  - id: C2
    says: A larger sigma is better.
    where: Table 1
    test: {kind: rises, runs: ["b/*"], metric: mnist-test/accuracy, levels: [0.1, 50]}
  - id: C3
    says: The gap is larger.
    where: Table 1
    test:
      kind: larger_gap
      of: {runs: "b/*", metric: mnist-test/accuracy}
      over: {runs: a/softmax, metric: training/loss}
      at: [50]
      base: 0.1
"""


AXIS = "b/{sigma}:\n    set: {loss: {name: affinity, sigma: 1, margin: 0.5}}\n    sigma:"
LEVELS = "{set: loss.sigma, to: [0.1, 50], smoke: [50]}"


def refused(tmp_path, text: str) -> str:
    with pytest.raises(UserError) as error:
        paper(tmp_path, text)
    message = str(error.value)
    assert "\n" not in message
    return message.removeprefix(f"{tmp_path}/gaussian_affinity/runs.yaml:")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('{runs: "b/*"', '{runs: "bb/*"', "22: scales.1.runs: there is no run 'bb/*'; did you mean 'b/50'?"),
        (", smoke: 1, full: 9", "", "21: scales.0: the row gives no value at any scale"),
        ('runs: ["a/*"]', 'runs: ["a/*", "c/*"]', "24: targets.table1.runs.1: there is no run 'c/*'"),
        ("  table1:", "  tabel1:", "24: targets.tabel1: no rule of the workflow makes a table of this name"),
        ("  table1:", "  table-1:", "24: targets.table-1: no rule of the workflow makes a table of this name"),
        ("targets:", f"deviations: [{DEVIATION}]\ntargets:", "23: deviations.0.targets: there is no 'tabel1'; did you"),
        (
            "targets:",
            "images_per_second: {small-cnn: 0}\ntargets:",
            "23: images_per_second.small-cnn: input should be greater than 0",
        ),
        ("targets:", "images_per_second: {small-cn: 9}\ntargets:", "23: images_per_second.small-cn: there is no such "),
        ("targets:", "optimum_fails: {c: why}\ntargets:", "23: optimum_fails.c: there is no run 'c'"),
        ("targets:", "no_optimum: {c: why}\ntargets:", "23: no_optimum.c: there is no run 'c'"),
        ("targets:", "shows: figure1\ntargets:", "23: shows: there is no figure 'figure1'"),
        ("targets:", "shows: table1\ntargets:", "23: shows: there is no figure 'table1'"),
    ],
)
def test_a_name_that_refers_to_nothing_is_refused_with_its_line(tmp_path, before, after, says):
    assert before in MINIMAL
    assert says in refused(tmp_path, MINIMAL.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("  b/{sigma}:", "  a/{kind}:\n    kind: {softmax: {}}\n  b/{sigma}:", " the run 'a/softmax', but line 15"),
        ("  b/{sigma}:", "  a/{kind}:\n    kind: {Softmax: {}}\n  b/{sigma}:", "run 'a/Softmax', but line 15 gives"),
        ("to: [0.1, 50]", "to: [0.1, 0.10, 50]", "the run 'b/0.1', but two levels are labelled so"),
        ("b/{sigma}:", "b/{sigma:.2f}:", "17: b/{sigma:.2f}: a brace in the name is not one of a plain {axis}"),
        ("b/{sigma}:", '"b/{sigma":', "a brace in the name"),
        ("b/{sigma}:", '"b/{sigma}}":', "a brace in the name"),
        ("b/{sigma}:", '"b/{}":', "a brace in the name"),
        ("b/{sigma}:", '"b/{loss.sigma}":', "a brace in the name"),
        (AXIS, "b/{value}:\n    value:", "17: b/{value}: the axis 'value' would be taken"),
        (AXIS, "b/{seed}:\n    seed:", "the axis 'seed' would be taken"),
        ("to: [0.1, 50]", "to: [0.1, 50, a b]", "17: b/{sigma}: the name 'b/a b' means something else to a shell"),
        ("to: [0.1, 50]", 'to: [0.1, 50, ".."]', "the name 'b/..' means something else"),
        ("to: [0.1, 50]", 'to: [0.1, 50, "a;b"]', "the name 'b/a;b' means something else"),
        ("to: [0.1, 50]", 'to: [0.1, 50, "$HOME"]', "the name 'b/$HOME' means something else"),
        ("to: [0.1, 50]", 'to: [0.1, 50, "*"]', "the name 'b/*' means something else"),
        ("to: [0.1, 50]", 'to: [0.1, 50, é]', "the name 'b/é' means something else"),
        ("to: [0.1, 50]", 'to: [0.1, 50, ""]', "the name 'b/' means something else"),
        ("to: [0.1, 50]", "to: [0.1, 50, -1]", "the name 'b/-1' means something else"),
        ("to: [0.1, 50]", "to: [0.1, 50, true]", "19: to: true or false stands where a number is meant"),
        (LEVELS, "{0.1: 5}", "19: 0.1: is no mapping of settings"),
    ],
)  # fmt: skip
def test_names_that_two_runs_share_or_that_are_read_otherwise_are_refused(tmp_path, before, after, says):
    assert before in MINIMAL
    assert says in refused(tmp_path, MINIMAL.replace(before, after))


def test_patience_needs_images_that_are_held_out(tmp_path):
    text = MINIMAL.replace("batch_size: 32}", "batch_size: 32, patience: 3}")
    with pytest.raises(UserError, match=r"runs\.yaml:8: .*patience: no image is held out .*; set data\.sampling\.held"):
        paper(tmp_path, text).runs("full")
    held_out = text.replace("{name: mnist-5k}", "{name: mnist-5k, sampling: {held_out_images: 5}}")
    assert paper(tmp_path, held_out).run("a/softmax", "full").config.training.patience == 3


def test_levels_may_be_numbers(tmp_path):
    text = MINIMAL.replace("to: [0.1, 50], smoke: [50]}", "x}").replace(
        "{set: loss.sigma, x}", "{0.1: {loss.sigma: 0.1}, 50: {loss.sigma: 50}}"
    )
    assert paper(tmp_path, text).run("b/0.1", "full").config.loss.model_dump()["sigma"] == 0.1


@pytest.mark.parametrize("number", ["yes", "on", "1:30", "010", "true", "1_0", "0b11"])
def test_what_is_no_decimal_number_is_none(tmp_path, number):
    with pytest.raises(UserError, match=r"runs\.yaml:8: "):
        paper(tmp_path, MINIMAL.replace("epochs: 2", f"epochs: {number}")).runs("lite")


def test_a_target_without_its_function_is_named(tmp_path):
    folder = tmp_path / "gaussian_affinity"
    folder.mkdir()
    (folder / "targets.py").write_text("from somewhere import table2\n\n\ndef table1(records): ...\n")
    assert list(paper(tmp_path, MINIMAL).targets) == ["table1"]
    assert list(paper(tmp_path, MINIMAL.replace("table1:", "table2:")).targets) == ["table2"]
    says = refused(tmp_path, MINIMAL.replace("table1:", "table11:"))
    assert says.startswith("24: targets.table11: targets.py has no function of this name; did you mean 'table1'?")


def with_reference(tmp_path, text: str) -> Paper:
    entry = paper(tmp_path, MINIMAL)
    (entry.folder / "reference.yaml").write_text(text)
    return entry


def test_a_module_of_targets_that_is_no_python_is_named_with_its_line(tmp_path):
    folder = tmp_path / "gaussian_affinity"
    folder.mkdir()
    (folder / "targets.py").write_text("import re\n\ndef table1(records:\n")
    with pytest.raises(UserError, match=r"gaussian_affinity/targets\.py:3: it is not valid Python \('\(' was never"):
        paper(tmp_path, MINIMAL)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "    metric: mnist-test/accuracy\n",
            "    metric: mnist-test/acuracy\n",
            "'acuracy'; did you mean 'accuracy'?",
        ),
        ("mnist-test/error}\n      than", "mnist-test/eror}\n      than", "'eror'; did you mean 'error'?"),
        ("test/accuracy, levels", "geometry/norm, levels", "'mnist-geometry'; did you mean 'mnist-test'?"),
    ],
)
def test_a_metric_that_no_benchmark_of_the_run_measures_is_refused(tmp_path, before, after, says):
    says = f"metric: there is no {says}"
    assert before in REFERENCE
    with pytest.raises(UserError, match=r"reference\.yaml:\d+: ") as error:
        _ = with_reference(tmp_path, REFERENCE.replace(before, after)).reference
    assert says in str(error.value)


@pytest.mark.parametrize("entry", papers().values(), ids=lambda entry: entry.key)
def test_what_published_records_hold_their_benchmarks_say_that_they_measure(entry):
    known = benchmarks(entry.key)
    for path in find_records(Results(ROOT / "results").paper("published", entry.key)):
        for name, metrics in read_record(path).metrics.items():
            for metric in metrics if name in known else ():
                assert any(fnmatchcase(metric, pattern) for pattern in known[name].metrics), (path, name, metric)


def test_a_reference_whose_names_are_all_there_is_read(tmp_path):
    assert len(with_reference(tmp_path, REFERENCE).reference.values) == 3


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("target: table1", "target: tabel1", "8: values.0.entries.0.target: there is no 'tabel1'; did you"),
        ("99, run: a/softmax", "99, run: a/sotfmax", ":8: values.0.entries.0.run: there is no 'a/sotfmax'"),
        ("{softmax,affinity}", "{softmax,afinity}", "9: values.0.entries.1.run: there is no 'a/afinity'; did you mean"),
        ("    metric: mnist-test/acc", "    metric: mnist-tset/acc", "no 'mnist-tset'; did you mean 'mnist-test'?"),
        ("  metric: mnist-test/acc", "  metric: mnist-test/ac", "no 'acuracy'; did you mean 'accuracy'?"),
        ("targets: [table1]", "targets: [tabel1]", "15: claims.0.targets: there is no 'tabel1'"),
        ("less: {runs: a/affinity", "less: {runs: a/afinity", "12: claims.0.run: there is no 'a/afinity'"),
        ("levels: [0.1, 50]", "levels: [0.1, 51]", "20: claims.1.run: there is no 'b/51'"),
        ("base: 0.1", "base: 0.2", "there is no 'b/0.2'"),
        ("training/loss", "trianing/loss", "there is no 'trianing'"),
    ],
)  # fmt: skip
def test_a_name_of_the_reference_that_refers_to_nothing_is_refused(tmp_path, before, after, says):
    assert before in REFERENCE
    with pytest.raises(UserError) as error:
        _ = with_reference(tmp_path, REFERENCE.replace(before, after)).reference
    assert says in str(error.value)
