"""The command line: what it prints, and what it says to wrong input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.commands.cli import main
from shared.commands.processes import require_whole
from tests.conftest import ROOT

GA = "gaussian_affinity"
SUITE = [sys.executable, "-m", "shared"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["list", "--paper", "gausian_affinity"], "did you mean 'gaussian_affinity'?"),
        (["train", "gaussian", "table1/standard/softmax", "--scale", "smoke"], "there is no paper 'gaussian'"),
        (["train", GA, "table1/standard/softmx", "--scale", "smoke"], "did you mean 'table1/standard/softmax'?"),
        (["train", GA, "table1/standard/softmax", "--scale", "smok"], "did you mean 'smoke'?"),
        (["train", GA, "table1/standard/softmax", "--scale", "published"], "there is no scale 'published' here"),
        (["train", GA, "table1/standard/softmax", "--scale", "smoke", "--seed", "-1"], "a seed is a whole number"),
        (["render", GA, "tabel1", "--scale", "smoke"], "did you mean 'table1'?"),
        (["render", GA, "table1", "--scale", "smoke"], "make it with: python -m shared train gaussian_affinity"),
        (["evaluate", GA, "figure7/10", "mnist-tst", "--scale", "smoke"], "did you mean 'mnist-test'?"),
        (["evaluate", "discface", "casia/0.2", "following", "--scale", "smoke"], "name benchmarks in along_training"),
        (["evaluate", GA, "figure7/10", "mnist-test", "--scale", "smoke"], "is not trained at scale 'smoke'"),
        (["evaluate", GA, "figure7/10", "dermofit-test", "--scale", "smoke"], "'dermofit-test' measures no run of"),
        (
            ["evaluate", GA, "figure7/10", "lfw", "--scale", "smoke"],
            "is trained on mnist-5k, and 'lfw' measures no run",
        ),
        (["optimum", "feature_transfer", "ms1m/ftl", "--scale", "full"], "its stages take turns with different losses"),
        (["status", "--scale", "big"], "there is no scale 'big' here"),
        (["report", "--scale", ""], "there is no scale '' here"),
        (["train", GA, "figure7/10", "--scale", "smoke", "--share", "0"], "--share 0: give a number above zero."),
        (["queue", "--scale", "smoke", "--hours", "0"], "--hours 0.0: give a number above zero."),
        (["queue", "--scale", "smoke", "--hours", "nan"], "--hours nan: give a number above zero."),
        (["queue", "--scale", "smoke", "--cores", "-1"], "--cores -1: give a number above zero."),
        (["queue", "--scale", "smoke", "--gpus", "0"], "--gpus 0: give a number above zero."),
        (["try", "trials/focal.yaml", "--hours", "-2"], "--hours -2.0: give a number above zero."),
        (["try", "trials/focal.yaml", "--cores", "0"], "--cores 0: give a number above zero."),
        (["check", "shared", "--processes", "0"], "--processes 0: give a number above zero."),
        (["rehearse", "--scale", "full", "--processes", "-1"], "--processes -1: give a number above zero."),
        (["list", "--paper", ""], "there is no paper ''"),
        (["fetch", "--scale", "smoke", "--paper", ""], "there is no paper ''"),
        (["queue", "--scale", "smoke", "--paper", ""], "there is no paper ''"),
        (["queue", "--scale", "smoke", "--target", ""], "--target names a target of one paper; say which by --paper."),
        (
            ["status", "--scale", "smoke", "--target", "x"],
            "--target names a target of one paper; say which by --paper.",
        ),
    ],
)
def test_what_a_user_can_mend_is_one_sentence_and_status_2(shared, tmp_path, arguments, says):
    done = shared(*arguments, "--results", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr
    if "python -m shared train" in says or "is not trained" in says:
        assert f" --results {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("record.json"))


@pytest.mark.parametrize(
    "arguments",
    [[], ["trian"], ["train"], ["train", GA], ["train", GA, "figure7/10"], ["list", "--papers", GA, "--what"]],
)
def test_wrong_usage_is_status_2_too(shared, arguments):
    done = shared(*arguments)
    assert done.returncode == 2
    assert "usage: python -m shared" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["report", "--scale", "smoke", "--results", "/dev/null/x"], "/dev/null/x"),
        (["train", GA, "figure7/10", "--scale", "smoke", "--results", "/dev/null/x"], "/dev/null/x"),
        (["train", GA, "figure7/10", "--scale", "smoke", "--seed", str(2**64)], "of at most 64 bits"),
    ],
)
def test_what_the_system_refuses_is_one_sentence_and_status_2(shared, arguments, says):
    done = shared(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_full_disk_is_one_sentence_and_the_same_command_goes_on_when_there_is_room(shared, tmp_path, digits_root):
    train = ["train", GA, "figure7/10", "--scale", "smoke", "--results"]
    shared(*train, str(tmp_path / "other"), check=True)
    environment = {**os.environ, "REPLICATION_DATA": str(digits_root), "PYTHONDONTWRITEBYTECODE": "1"}
    full = subprocess.run(
        ["bash", "-c", 'trap "" XFSZ; ulimit -f 40; exec "$@"', "_", *SUITE, *train, str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == 2
    assert re.search(r"^error: .*: file too large; free some room", full.stderr, re.MULTILINE)
    assert not list(tmp_path.rglob("*partial*"))
    shared(*train, str(tmp_path), check=True)
    here, other = (
        json.loads(next((tmp_path / folder / f"smoke/{GA}").rglob("record.json")).read_text())
        for folder in ("", "other")
    )
    assert here["provenance"]["weights_sha256"] == other["provenance"]["weights_sha256"]


def test_an_output_that_is_full_or_knows_no_greek(shared):
    for asked in ("list", "--help"):
        with Path("/dev/full").open("w") as output:
            full = subprocess.run(
                [*SUITE, asked], cwd=ROOT, stdout=output, stderr=subprocess.PIPE, text=True, check=False
            )
        assert (full.returncode, len(full.stderr.splitlines())) == (2, 1)
        assert "no space left on device" in full.stderr
    closed = subprocess.run(
        ["sh", "-c", '"$0" "$@" >&-', *SUITE, "list"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (closed.returncode, closed.stderr) == (0, "")
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    plain = subprocess.run([*SUITE, "list"], cwd=ROOT, env=ascii_only, capture_output=True, text=True, check=False)
    assert (plain.returncode, plain.stderr) == (0, "")
    assert r"\u03c3" in plain.stdout


@pytest.mark.parametrize(
    "gone", ["2>&1 >/dev/null | true", "2>&1 | true", "2>/dev/full", ">/dev/full", ">&- 2>&-"], ids=range(5)
)
def test_work_is_done_whatever_becomes_of_what_it_prints(gone, tmp_path, digits_root):
    train = [*SUITE, "train", GA, "figure7/10", "--scale", "smoke", "--seed", "0", "--results", str(tmp_path)]
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {gone}', "_", *train],
        cwd=ROOT,
        env={**os.environ, "REPLICATION_DATA": str(digits_root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert len(list(tmp_path.rglob("record.json"))) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "3"},
        {"RANK": "3"},
        {"WORLD_SIZE": "two"},
        {"RANK": "2", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "1"},
    ],
    ids=" ".join,
)
def test_processes_that_no_torchrun_started_are_told_so(said, monkeypatch, capsys, tmp_path):
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["train", GA, "figure7/10", "--scale", "smoke", "--results", str(tmp_path)])
    assert ended.value.code == 2
    assert "in the environment: no torchrun has started this process so; unset " in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_does_not_train_works_alone_whatever_a_launcher_says(shared, tmp_path, monkeypatch):
    run, options = (GA, "figure7/10"), ("--scale", "smoke", "--results", str(tmp_path))
    shared("train", *run, *options, check=True)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    measured = shared("evaluate", *run, "mnist-test", *options)
    assert (measured.returncode, measured.stderr) == (0, "")
    rehearsed = shared("rehearse", "--paper", "adversarial_variance", *options, "--processes", "1")
    assert (rehearsed.returncode, rehearsed.stdout.splitlines()[-1].split(": ")[1]) == (0, "0 problems")


def test_one_process_and_those_of_torchrun_go_on(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "1"}.items():
        monkeypatch.setenv(name, value)
    require_whole()
    torchrun = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    for name, value in torchrun.items():
        monkeypatch.setenv(name, value)
    require_whole()


def test_pictures_are_drawn_whatever_the_environment_would_show_them_with():
    drawing = [sys.executable, "-c", "import shared.commands, matplotlib; print(matplotlib.get_backend())"]
    environment = {**os.environ, "MPLBACKEND": "nonsense"}
    done = subprocess.run(drawing, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "agg\n")


def test_a_broken_runs_file_is_named_with_its_line(shared, suite):
    path = suite / "papers" / GA / "runs.yaml"
    path.write_text(path.read_text().replace("epochs:", "epoch:", 1))
    done = shared("list", cwd=suite)
    assert done.returncode == 2
    assert re.search(r"runs\.yaml:\d+: training\.epoch: unknown key; did you mean 'epochs'\?", done.stderr)


def test_an_altered_data_set_is_named_and_nothing_is_left_behind(shared, tmp_path):
    folder = tmp_path / "data" / "mnist-5k" / "raw"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03")
    arguments = ("--results", str(tmp_path / "results"), "--data-root", str(tmp_path / "data"))
    done = shared("train", GA, "figure7/10", "--scale", "smoke", *arguments)
    assert done.returncode == 2
    assert str(folder / "train-images-idx3-ubyte") in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "results").rglob("record.json"))


def test_list_names_papers_targets_and_runs(shared):
    done = shared("list", "--paper", GA)
    assert done.returncode == 0
    assert "gaussian_affinity: Gaussian Affinity for Max-margin Class Imbalanced Learning" in done.stdout
    assert re.search(r"^  table table1 +\d+ runs  Evaluations on imbalanced MNIST$", done.stdout, re.MULTILINE)
    assert "  run table1/odd-10/affinity" in done.stdout
    assert "  run " not in shared("list").stdout


def test_consistency_says_which_claims_the_printed_numbers_bear_out(shared):
    done = shared("consistency", "--paper", "discface")
    assert done.returncode == 0
    assert "DF-C6: matched" in done.stdout.splitlines()
    assert "DF-C10e: contradicted, DF-E8" in done.stdout.splitlines()
    assert re.search(r"\d+ claims are all in print: \d+ matched, 2 not, .*, 0 unexplained$", done.stdout)


def test_status_says_what_is_left_and_what_it_takes(shared, tmp_path):
    asked = ("status", "--scale", "full", "--results", str(tmp_path / "none"), "--data-root", str(tmp_path / "data"))
    done = shared(*asked)
    assert done.returncode == 0
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    left = r"fetches +(\d+)/\1 +[\d.]+ +[\d.]+ +1 +[\d.]+  fetches or makes mnist"
    assert re.fullmatch(rf"{GA}/table1 +{left}", lines[f"{GA}/table1"])
    faces = lines["adversarial_variance/figure4"]
    assert re.search(r"needs data +15/15 .* needs casia-webface-pair$", faces)
    withdrawn = lines["discface/table3"]
    assert re.search(r"needs data +21/21 +[\d.]+ +[\d.]+ +2 .* needs ms1mv2 \(no longer offered\); ", withdrawn)
    assert "without the benchmarks on" in withdrawn
    assert "megaface (no longer offered)" in withdrawn
    assert "not known" not in done.stdout
    advice = shared(*asked, "--paper", "discface").stdout
    assert "data set megaface (MegaFace and FaceScrub; " in advice
    assert "its owner gives it on request" in advice


def test_train_evaluate_and_train_again(shared, tmp_path):
    run = (GA, "figure7/10")
    options = ("--scale", "smoke", "--results", str(tmp_path))
    shared("train", *run, *options, "--seed", "0", check=True)
    record = next(tmp_path.rglob("record.json"))
    before = record.read_text()
    done = shared("evaluate", *run, "mnist-test", *options, "--seed", "0", check=True)
    accuracy = re.search(r"mnist-test/accuracy (\S+)", done.stdout)
    assert accuracy is not None
    recorded = json.loads(before)["metrics"]["mnist-test"]["accuracy"]
    assert float(accuracy.group(1)) == pytest.approx(recorded)
    again = shared("train", *run, *options, "--seed", "0", check=True)
    assert re.search(r"figure7/10 seed 0: was trained already; its record is in .*/seed0$", again.stderr.strip())
    assert "step" not in again.stderr  # taken from its last checkpoint, not trained again
    hashes = [re.search(r'"weights_sha256": "(\w+)"', text) for text in (before, record.read_text())]
    assert hashes[0] is not None
    assert hashes[1] is not None
    assert hashes[0].group(1) == hashes[1].group(1)

    [folder] = {path.parent for path in tmp_path.rglob("checkpoint*.pt")}
    folder.rename(tmp_path / "elsewhere")
    gone = shared("evaluate", *run, "mnist-test", *options, "--seed", "0")
    assert gone.returncode == 2
    assert f"no weights are to be read in {folder}; to train them again remove {record}, then run" in gone.stderr
    (tmp_path / "elsewhere").rename(folder)

    nothing = shared("evaluate", *run, "noisy-labels", *options, "--seed", "0")
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert nothing.stderr.startswith("error: noisy-labels measures nothing of figure7/10; ")
    assert not list(tmp_path.rglob("noisy-labels.json"))

    # A record from before health, and what code measured which benchmark, were told.
    content = json.loads(before)
    del content["health"], content["skipped"], content["provenance"]["evaluation"]
    record.write_text(json.dumps(content))
    older = shared("evaluate", *run, "mnist-test", *options, "--seed", "0", check=True)
    assert older.stdout == done.stdout
    checkpoints = list(tmp_path.rglob("checkpoint*.pt"))
    for path in checkpoints:
        whole = path.read_bytes()
        assert whole.startswith(b"replications checkpoint 2\n")
        path.write_bytes(whole.replace(b"checkpoint 2", b"checkpoint 1", 1))
    refused = shared("evaluate", *run, "mnist-test", *options, "--seed", "0")
    assert refused.returncode == 2
    assert "it does not begin as a checkpoint of this version" in refused.stderr
    assert refused.stderr.splitlines()[-1].startswith("error: figure7/10, seed 0, has its record, but no weights ")
    assert "Traceback" not in refused.stderr
    assert json.loads(record.read_text()) == content


def test_the_optimum_of_a_run(shared):
    said = shared("optimum", "adversarial_variance", "figure7/2", "--scale", "full")
    assert said.returncode == 0, said.stderr
    assert "loss of knowing nothing 0.693147" in said.stdout
    assert "accuracy 100.00 %" in said.stdout


def test_an_optimum_that_does_not_classify_is_refused_unless_declared(monkeypatch):
    from shared.commands.optimum import RefusedError, lines
    from shared.runs.registry import Paper, papers

    entry, run = papers()[GA], "figure2/affinity-m1"
    assert list(lines(entry, run, "full"))[-1].startswith("declared to fail: in two dimensions R of weight 1")
    monkeypatch.setattr(Paper, "optimum_fails", lambda *_: None)
    with pytest.raises(RefusedError, match="give the reason under optimum_fails"):
        list(lines(entry, run, "full"))
