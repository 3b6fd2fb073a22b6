"""The workflow, run for real: what is built, what is built again, and what is not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.commands import workflow
from shared.errors import UserError
from tests.conftest import copy_suite

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2"]

RUNS = """\
defaults:
  data: {name: mnist-5k, sampling: {per_class: 10}}
  backbone: {name: small-cnn, filters: [2, 2, 2], embedding: 4}
  loss: {name: affinity, sigma: 10, margin: 0.5}
  scheme: {name: classification}
  optimizer: {name: sgd, learning_rate: 0.01}
  training: {epochs: 1, batch_size: 50, gpus: 0}
  benchmarks: [mnist-test]
runs:
  figure7/{sigma}: {sigma: {set: loss.sigma, to: [1, 10]}}
  figure8/{prototypes}: {prototypes: {set: loss.prototypes, to: [1]}}
targets:
  figure7: {kind: figure, title: Cluster spread, runs: ["figure7/*"]}
  figure8: {kind: figure, title: Prototypes, runs: ["figure8/*"]}
"""

REFERENCE = """\
citation: {title: A, authors: [B], venue: C}
values:
  - target: figure7
    where: Fig. 7
    source: own
    run: figure7/10
    metric: mnist-test/accuracy
    entries: [{row: sigma 10, value: 99}]
claims:
  - id: C1
    says: A larger sigma is better.
    where: Fig. 7
    targets: [figure7]
    test: {kind: rises, runs: ["figure7/*"], metric: mnist-test/accuracy, levels: [1, 10]}
"""
THREE_JOBS = """\
import threading
include: "Snakefile"
rule one:
    output: touch("{number}.done")
rule three:
    input: "1.done", "2.done", "3.done"
onsuccess:
    print(sum(isinstance(thread, threading.Timer) for thread in threading.enumerate()), "timers")
"""
NOTED = """\
include: "Snakefile"
COMMAND = "sh noted.sh"
"""
NOTE = """\
echo begins "$3" >> order
sleep 0.5
echo ends "$3" >> order
touch "results/smoke/$2/runs/$3/seed0/record.json"
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory, digits_root):
    """A copy of the suite with a small paper, whose smoke report has been built once."""
    folder = copy_suite(tmp_path_factory.mktemp("suite"))
    for other in (folder / "papers").iterdir():
        if other.is_dir() and other.name != "gaussian_affinity":
            shutil.rmtree(other)
    (folder / "papers/gaussian_affinity/runs.yaml").write_text(RUNS)
    (folder / "papers/gaussian_affinity/reference.yaml").write_text(REFERENCE)
    done = snakemake(folder, digits_root)
    assert done.returncode == 0, done.stderr
    return folder


def snakemake(folder: Path, digits_root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SNAKEMAKE, *arguments],
        cwd=folder,
        env={**os.environ, "REPLICATION_DATA": str(digits_root)},
        capture_output=True,
        text=True,
        check=False,
    )


def planned(folder: Path, digits_root: Path, *arguments: str) -> list[str]:
    """Return what Snakemake would run: "rule first-output" for each job, sorted."""
    done = snakemake(folder, digits_root, "--dry-run", *arguments)
    assert done.returncode == 0, done.stderr
    printed = done.stdout + done.stderr
    jobs = re.findall(r"^(?:local)?rule (\w+):\n(?:    input: .*\n)?    output: ([^\s,]+)", printed, re.MULTILINE)
    assert bool(jobs) != ("Nothing to be done" in printed), printed
    return sorted(f"{rule} {output.removeprefix('results/smoke/')}" for rule, output in jobs)


def test_the_default_target_is_the_smoke_report_with_all_its_files(built):
    smoke = built / "results/smoke"
    for name in ("figure7", "figure8"):
        for suffix in ("png", "pdf", "csv"):
            assert (smoke / "gaussian_affinity" / f"{name}.{suffix}").stat().st_size > 0
    assert (smoke / "report/index.html").exists()
    verdicts = json.loads((smoke / "verdicts.json").read_text())
    judged = {value["verdict"] for value in verdicts["gaussian_affinity"]["values"]}
    judged |= {claim["verdict"] for claim in verdicts["gaussian_affinity"]["claims"]}
    assert not judged & {"matched", "better", "worse", "contradicted", "inconclusive"}


def test_asked_again_there_is_nothing_to_do(built, digits_root):
    assert planned(built, digits_root) == []


def test_one_figure_needs_its_own_runs_alone(built, digits_root):
    jobs = planned(built, digits_root, "--forceall", "results/smoke/gaussian_affinity/figure8.png")
    assert jobs == [
        "figure gaussian_affinity/figure8.png",
        "train_1_seeds_alike gaussian_affinity/runs/figure8/1/seed0/record.json",
    ]


def test_a_changed_parameter_reruns_that_run_and_what_depends_on_it(built, digits_root):
    path = built / "papers/gaussian_affinity/runs.yaml"
    path.write_text(RUNS.replace("to: [1, 10]", "to: [2, 10]"))
    try:
        assert planned(built, digits_root, "results/smoke/gaussian_affinity/figure8.png") == []
        changed = planned(built, digits_root)
    finally:
        path.write_text(RUNS)
    assert changed == [
        "figure gaussian_affinity/figure7.png",
        "report verdicts.json",
        "train_1_seeds gaussian_affinity/runs/figure7/2/seed0/record.json",
    ]
    path.write_text(RUNS.replace("figure8/{prototypes}: {", "figure8/{prototypes}: {set: {training.epochs: 2}, "))
    try:
        changed = planned(built, digits_root)
    finally:
        path.write_text(RUNS)
    assert changed == [
        "figure gaussian_affinity/figure8.png",
        "report verdicts.json",
        "train_1_seeds gaussian_affinity/runs/figure8/1/seed0/record.json",
    ]


def test_what_is_measured_another_time_is_drawn_again(built, digits_root):
    seed = built / "results/smoke/gaussian_affinity/runs/figure7/1/seed0"
    measured = [*SNAKEMAKE[:1], "-m", "shared", "evaluate", "gaussian_affinity", "figure7/1", "mnist-test"]
    environment = {**os.environ, "REPLICATION_DATA": str(digits_root)}
    subprocess.run([*measured, "--scale", "smoke"], cwd=built, env=environment, check=True, capture_output=True)
    assert (seed / "benchmarks/mnist-test.json").exists()
    assert planned(built, digits_root) == ["figure gaussian_affinity/figure7.png", "report verdicts.json"]
    assert snakemake(built, digits_root).returncode == 0
    assert planned(built, digits_root) == []


def test_changed_drawing_code_draws_again_and_trains_nothing(built, digits_root):
    path = built / "papers/gaussian_affinity/targets.py"
    before = path.read_text()
    path.write_text(before + "\n# A remark.\n")
    try:
        jobs = planned(built, digits_root)
    finally:
        path.write_text(before)
    assert "figure gaussian_affinity/figure7.png" in jobs
    assert not [job for job in jobs if job.startswith("train")]


def test_runs_on_data_that_cannot_be_had_are_not_waited_for(built, digits_root):
    path = built / "papers/gaussian_affinity/runs.yaml"
    other = RUNS.replace("figure8/{prototypes}: {", "figure8/{prototypes}: {set: {data.name: mnist}, ")
    path.write_text(other.replace('runs: ["figure7/*"]', 'runs: ["figure7/*", "figure8/*"]'))
    figure7, without = "results/smoke/gaussian_affinity/figure7.png", ("--config", "without=mnist", "--forceall", "--")
    try:
        all_of_figure7 = planned(built, digits_root, "--forceall", figure7)
        some_of_figure7 = planned(built, digits_root, *without, figure7)
        whole_paper = planned(built, digits_root, *without, "smoke_gaussian_affinity")
        misspelt = snakemake(built, digits_root, "--config", "without=mnst", "--dry-run")
    finally:
        path.write_text(RUNS)
    mnist = "train_1_seeds gaussian_affinity/runs/figure8/1/seed0/record.json"
    assert [job for job in all_of_figure7 if job != mnist] == some_of_figure7 != all_of_figure7
    # Of figure 8 nothing is left to draw.
    assert whole_paper == some_of_figure7
    assert misspelt.returncode == 2
    assert misspelt.stderr == "error: no run is trained on a data set 'mnst'; did you mean 'mnist'?\n"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"longest": None}, "--config longest=: give a whole number above zero."),
        ({"longest": "a day"}, "--config longest=a day: give a whole number above zero."),
        ({"longest": True}, "--config longest=True: give a whole number above zero."),
        ({"longest": 0}, "--config longest=0: give a whole number above zero."),
        ({"longest": 1.5}, "--config longest=1.5: give a whole number above zero."),
        ({"longest": -720}, "--config longest=-720: give a whole number above zero."),
    ],
)
def test_a_setting_that_is_no_whole_number_is_refused(settings, said):
    with pytest.raises(UserError, match=re.escape(said)):
        workflow.count(settings, "longest", 1440)
    assert workflow.count({"longest": 720}, "longest", 1440) == workflow.count({}, "longest", 720) == 720


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "--config without: name a data set"),
        ("", "--config without: name a data set"),
        ([], "--config without: name a data set"),
        ({"mnist": None}, "--config without: name a data set"),
        (["1", "mnist"], "no run is trained on a data set '1'"),
        ("mnst", "did you mean 'mnist'?"),
    ],
)
def test_data_sets_that_are_none_are_refused(given, said):
    with pytest.raises(UserError, match=re.escape(said)):
        workflow.data_sets_named({"without": given}, "without")
    assert workflow.data_sets_named({}, "without") == frozenset()
    assert workflow.data_sets_named({"without": ["mnist"]}, "without") == {"mnist"}
    assert workflow.data_sets_named({"without": "mnist,"}, "without") == {"mnist"}


@pytest.mark.parametrize(
    ("image", "means", "said"),
    [
        ("", ["apptainer"], "--config image: name an image, or leave it out."),
        (None, ["apptainer"], "--config image: name an image, or leave it out."),
        ("replications.sif", [], "--config image: jobs run in an image with --sdm apptainer alone; add it, or"),
        ("replications.sif", ["conda"], "--config image: jobs run in an image with --sdm apptainer alone; add it, or"),
    ],
)
def test_an_image_that_no_job_would_run_in_is_refused(image, means, said):
    with pytest.raises(UserError, match=re.escape(said)):
        workflow.in_image({"image": image}, means)
    assert workflow.in_image({"image": "replications.sif"}, ["conda", "apptainer"])
    assert not workflow.in_image({}, ["apptainer"])


@pytest.mark.parametrize(
    "trial",
    [
        "x",
        {"file": "nope.yaml"},
        {"file": "a", "scale": "big", "seeds": "1", "others": "x"},
        {"file": "a", "scale": "lite", "seeds": "one", "others": "x"},
    ],
)
def test_a_trial_that_only_try_can_tell_is_refused(trial):
    with pytest.raises(UserError, match="--config trial: leave it out, and give the file of your loss to"):
        workflow.training_jobs(trial)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("results/smok/gaussian_affinity/figure7.png", "nothing is trained at scale 'smok'; did you mean 'smoke'?"),
        ("results/smok/report/index.html", "nothing is trained at scale 'smok'; did you mean 'smoke'?"),
        ("results/smoke/gaussian/figure7.png", "there is no paper 'gaussian'; did you mean 'gaussian_affinity'?"),
        (
            "smoke_gaussian",
            "nothing is named 'smoke_gaussian'; did you mean 'smoke_gaussian_affinity'?",
        ),
    ],
)
def test_a_name_that_there_is_not_is_one_sentence(built, digits_root, asked, said):
    refused = snakemake(built, digits_root, "--dry-run", "--quiet", "all", "--", asked)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == f"error: {said}"
    assert "Exception" not in refused.stderr


def test_a_setting_that_there_is_not_is_one_sentence(built, digits_root):
    refused = snakemake(built, digits_root, "--config", "witout=mnist", "longest=720", "--dry-run")
    assert refused.returncode == 2
    assert refused.stderr == "error: --config witout: there is no such setting; did you mean 'without'?\n"
    ignored = snakemake(built, digits_root, "--config", "image=replications.sif", "--dry-run")
    assert ignored.returncode == 2
    assert ignored.stderr.startswith("error: --config image: jobs run in an image with --sdm apptainer alone; ")
    in_an_image = snakemake(built, digits_root, "--config", "image=docker://none", "--sdm", "apptainer", "--dry-run")
    assert "--config image" not in in_an_image.stderr


def test_a_failing_run_is_named_and_its_log_kept(built, digits_root, tmp_path):
    path = built / "papers/gaussian_affinity/runs.yaml"
    path.write_text(RUNS.replace("name: mnist-5k", "name: mnist"))
    (tmp_path / "MNIST/raw").mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / f"MNIST/raw/{name}-ubyte").write_text("no digits")
    try:
        done = snakemake(built, tmp_path, "results/smoke/gaussian_affinity/figure8.png")
    finally:
        path.write_text(RUNS)
    assert done.returncode != 0
    assert re.search(
        r"^    reason: MNIST.*train-images.* \(results/smoke/.*/figure8/1/train\.log\)$", done.stderr, re.M
    )
    log = built / "results/smoke/gaussian_affinity/runs/figure8/1/train.log"
    assert "error: " in log.read_text()
    assert "Traceback" not in log.read_text()
    again = snakemake(built, digits_root)
    assert again.returncode == 0, again.stderr


def test_data_that_must_be_brought_by_hand_are_named_before_anything_is_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REPLICATION_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workflow, "_said", set())
    workflow.waited_for("full", "discface", "table1")
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("discface/table1 needs data that are not there and cannot be fetched: ")
    named = re.search(r"--config without=(\S+)$", line)
    assert named
    # Each is said once; the report's are all that are left, without those that are left out.
    workflow.waited_for("full", "discface", "table1")
    workflow.report_files("smoke")
    workflow.report_files("published")
    assert capsys.readouterr().err == ""
    workflow.report_files("full", ["emnist-balanced"])
    [line] = capsys.readouterr().err.splitlines()
    assert re.match(r"\d\d of \d\d targets need data", line)
    [every] = re.findall(r"--config without=(\S+)$", line)
    assert {*named[1].split(","), "emnist-balanced"} <= set(every.split(","))
    workflow.report_files("full", every.split(","))
    assert capsys.readouterr().err == ""


def test_a_target_is_drawn_without_what_did_not_stay_finite_and_says_so(built, digits_root):
    path = built / "papers/gaussian_affinity/runs.yaml"
    path.write_text(RUNS + 'scales:\n  - {runs: "figure7/1", set: optimizer.learning_rate, smoke: 1.0e+30}\n')
    folder = built / "results/smoke"
    try:
        done = snakemake(built, digits_root)
        assert done.returncode == 0, done.stderr
        record = json.loads((folder / "gaussian_affinity/runs/figure7/1/seed0/record.json").read_text())
        assert record["not_finite"].startswith("the loss is no longer finite (epoch 1, by step ")
        page = (folder / "report/gaussian_affinity.html").read_text()
        assert "not finite (figure7/1 seed 0)" in page
        assert planned(built, digits_root) == []
    finally:
        path.write_text(RUNS)
    again = snakemake(built, digits_root)
    assert again.returncode == 0, again.stderr
    assert "not finite (" not in (folder / "report/gaussian_affinity.html").read_text()


def test_published_records_are_drawn_in_seconds_without_training(built, digits_root):
    published = built / "results/published/gaussian_affinity"
    shutil.copytree(built / "results/smoke/gaussian_affinity/runs/figure7", published / "runs/figure7")
    jobs = planned(built, digits_root, "results/published/gaussian_affinity/figure7.png")
    assert jobs == ["figure results/published/gaussian_affinity/figure7.png"]
    assert snakemake(built, digits_root, "published").returncode == 0
    assert (published / "figure7.pdf").exists()
    assert (built / "results/published/report/gaussian_affinity.html").exists()
    assert not (published / "figure8.png").exists()
    # Once a trial has left a record the report, which shows where it stands, is written anew.
    assert planned(built, digits_root, "published") == []
    record = next((published / "runs/figure7").rglob("record.json"))
    tried = built / "results/published/trials/mine/gaussian_affinity/runs/plane/seed0"
    shutil.copytree(record.parent, tried)
    assert planned(built, digits_root, "published") == ["report results/published/verdicts.json"]


def test_a_job_that_ends_is_a_line_and_the_file_of_the_log_has_more(tmp_path, digits_root):
    folder = copy_suite(tmp_path)
    (folder / "three.smk").write_text(THREE_JOBS)
    done = snakemake(folder, digits_root, "--snakefile", "three.smk", "--", "three")
    assert done.returncode == 0, done.stderr
    said = done.stderr.partition("Job stats:")[2]
    assert sorted(re.findall(r"^\d of 4: .*$", said, re.MULTILINE)) == [
        *(
            f"{place} of 4: one {number}.done"
            for place, number in zip((1, 2, 3), re.findall(r"one (\d)", said), strict=True)
        ),
        "4 of 4: three",
    ]
    assert not re.search(r"Select jobs|Execute|rule one|input:|Finished jobid", said)
    [log] = (folder / ".snakemake/log").glob("*.log")
    assert "output: 1.done" in log.read_text()


def test_snakemake_is_woken_by_ended_jobs_alone(tmp_path, digits_root):
    """Not once a second by a thread for each job that has ended, as its own limit of jobs a second has it."""
    folder = copy_suite(tmp_path)
    (folder / "three.smk").write_text(THREE_JOBS)
    done = snakemake(folder, digits_root, "--snakefile", "three.smk", "--quiet", "all", "--", "three")
    assert done.returncode == 0, done.stderr
    assert "0 timers" in done.stdout


def test_of_runs_configured_alike_one_is_trained_at_a_time(tmp_path, digits_root):
    """The second would wait for the first, and hold its GPUs on a cluster."""
    folder = copy_suite(tmp_path)
    (folder / "noted.smk").write_text(NOTED)
    (folder / "noted.sh").write_text(NOTE)
    runs = ("figure6/0.1/affinity", "figure7/10")
    records = [f"results/smoke/gaussian_affinity/runs/{run}/seed0/record.json" for run in runs]
    done = snakemake(folder, digits_root, "--snakefile", "noted.smk", "--quiet", "all", "--", *records)
    assert done.returncode == 0, done.stderr
    first, second = (line.split()[1] for line in (folder / "order").read_text().splitlines()[::2])
    assert (folder / "order").read_text().split() == ["begins", first, "ends", first, "begins", second, "ends", second]
    assert {first, second} == set(runs)
