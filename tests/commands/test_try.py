"""`try`: the README's loss and sampler from their files to their reports, and what is refused before."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from shared.commands.cli import main
from shared.commands.own_contract import keep_contract
from shared.commands.trial_workflow import Sources
from shared.commands.workflow import training_jobs
from shared.errors import UserError
from shared.records.results import Results
from shared.records.trials import Attempt
from shared.runs.config import Run
from shared.training.own_order import OwnOrderScheme
from tests.conftest import ROOT, copy_suite

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^    python -m shared (try \.\./mine/(my_\w+)\.yaml .*)$", re.MULTILINE)


@pytest.fixture
def mine(tmp_path):
    """The files of the README's worked examples, in a folder outside a copy of the suite."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, text in re.findall(r"^`(my_\w+\.\w+)`:\n\n```\w+\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(text)
    return folder


@pytest.mark.slow
def test_the_loss_of_the_readme_goes_from_its_file_to_its_report(mine, shared):
    suite = mine.parent / "suite"
    suite.mkdir()
    copy_suite(suite)
    command = next(line for line, name in COMMAND.findall(README) if name == "my_loss")
    stopped = shared(*command.split(), "--hours", "0.001", cwd=suite)
    assert stopped.returncode == 143, stopped.stderr
    assert "the time is over; the same command goes on from here" in stopped.stdout
    done = shared(*command.split(), cwd=suite)
    assert done.returncode == 0, done.stderr
    folder = suite / "results/smoke/trials/my_loss"
    records = [json.loads(path.read_bytes()) for path in folder.rglob("record.json")]
    assert sorted((record["run"], record["seed"]) for record in records) == [
        (f"retained/{share}", seed) for share in ("0.025", "0.1", "1") for seed in (0, 1)
    ]
    assert all(record["config"]["loss"]["settings"] == {"margin": 0.5} for record in records)
    assert {len(record["config"]["loss"]["source"]) for record in records} == {64}
    page = (folder / "report/index.html").read_text(encoding="utf-8")
    assert "These numbers are no evidence." in page
    assert page.count("no record of affinity") == 3
    compared = json.loads((folder / "trial.json").read_bytes())["comparisons"]
    assert {row["experiment"].removeprefix("gaussian_affinity/") for row in compared} == {
        record["run"] for record in records
    }
    assert "6 trainings of other losses are not there" not in done.stdout
    assert "12 trainings of other losses are not there" in done.stdout


TROUBLE = """
import torch
from torch import nn


class Trouble(nn.Module):
    def __init__(self, dimension, classes):
        super().__init__()
        self.linear, self.rare, self.dimension = nn.Linear(dimension, classes), False, dimension

    def inform(self, counts, progress):
        self.rare = bool(counts.min() < 0.5 * counts.max())

    def forward(self, embedding, labels):
        loss = nn.functional.cross_entropy(self.scores(embedding), labels)
        if self.dimension > 3 and self.rare:
            raise RuntimeError("too few images")
        return {"loss": loss * float("nan") if self.dimension > 3 else loss}

    def scores(self, embedding):
        return self.linear(embedding)

    def class_vectors(self):
        return self.linear.weight.detach().unsqueeze(1)
"""


@pytest.mark.slow
def test_what_fails_or_does_not_stay_finite_is_told_and_stops_no_other(mine, shared):
    (mine / "trouble.py").write_text(TROUBLE)
    (mine / "trouble.yaml").write_text("loss: trouble:Trouble\n")
    suite = mine.parent / "suite"
    suite.mkdir()
    copy_suite(suite)
    command = "try ../mine/trouble.yaml --paper gaussian_affinity --target figure2 figure6 --scale smoke --seeds 1"
    # A Snakemake that was killed left its locks.
    (suite / ".snakemake/locks").mkdir(parents=True)
    (suite / ".snakemake/held").touch()
    folder = suite / "results/smoke/trials/trouble"
    places = [f"gaussian_affinity/runs/{name}/seed0" for name in ("plane", "retained/1")]
    lock = "".join(f"results/smoke/trials/trouble/{place}/record.json\n" for place in places)
    (suite / ".snakemake/locks/0.output.lock").write_text(lock)
    done = shared(*command.split(), cwd=suite)
    assert done.returncode == 2, done.stderr
    assert "4 experiments, 4 of 4 trainings to do" in done.stdout
    assert re.search(r"[12] of 4: gaussian_affinity/plane seed 0$", done.stdout, re.MULTILINE)
    assert "gaussian_affinity/retained/1 seed 0: the loss is no longer finite (epoch 1" in done.stdout
    line = 1 + TROUBLE[: TROUBLE.index("raise")].count("\n")
    for share in ("0.1", "0.025"):
        where = f"{mine}/trouble.py:{line}: RuntimeError: too few images"
        assert f"failed: gaussian_affinity/retained/{share} seed 0: {where} (results/smoke/" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("error: 2 trainings failed")
    assert not re.search("snakemake|CalledProcessError|Traceback", done.stdout + done.stderr, re.IGNORECASE)
    assert sorted(path.parent for path in folder.rglob("record.json")) == [folder / place for place in places]
    page = (folder / "report/index.html").read_text(encoding="utf-8")
    assert "trouble: not finite: the loss is no longer finite" in page
    again = shared(*command.split(), cwd=suite)
    assert again.returncode == 2
    assert "4 experiments, 2 of 4 trainings to do" in again.stdout


def test_each_seed_of_a_trial_is_a_job_with_a_log_of_its_own(mine, monkeypatch):
    monkeypatch.chdir(mine.parent)
    trial = {"file": str(mine / "my_loss.yaml"), "scale": "smoke", "seeds": 2, "others": False}
    jobs = {place: job for place, job in training_jobs(trial).items() if place.startswith("smoke/trials/my_loss/")}
    place = "smoke/trials/my_loss/gaussian_affinity/runs/plane"
    assert {job for job in jobs if job.startswith(place)} == {f"{place}/seed0", f"{place}/seed1"}
    assert all(job.records == ("record.json",) for job in jobs.values())


def test_a_source_that_changed_meanwhile_is_named(mine):
    sources = Sources.of(attempt(mine, "my_loss.yaml"))
    sources.require_same()
    path = mine / "my_loss.py"
    path.write_text(path.read_text() + "# later\n")
    with pytest.raises(UserError, match=r"my_loss\.py changed meanwhile; give the command again"):
        sources.require_same()
    path.unlink()
    with pytest.raises(UserError, match=r"my_loss\.py changed meanwhile"):
        sources.require_same()


def attempt(mine: Path, name: str) -> Attempt:
    found = Attempt.of(mine / name, "smoke", 2, Results(mine.parent / "results"))
    return found.among(["gaussian_affinity"], ["figure6"])


def test_the_sampler_of_the_readme_keeps_its_contract_and_gives_every_class_as_often(mine, digits_root):
    found = attempt(mine, "my_sampler.yaml")
    keep_contract(found.trial, found.experiments)
    run = next(run for run in found.runs() if run.name == "retained/0.025")
    assert run.config.loss.name == "softmax"
    labels = labels_of_an_epoch(run, digits_root)
    shares = [labels.count(label) / len(labels) for label in range(10)]
    # Drawn evenly: of 512 images the standard deviation of a share is 0.013; without, that of a reduced digit is 0.005.
    assert all(0.05 < share < 0.15 for share in shares)


def labels_of_an_epoch(run: Run, root: Path) -> list[int]:
    import torch

    from shared.data.drawn import draw
    from shared.training.setup import Setup

    setup = Setup(run, 0, draw(run.config.data, 0, root), torch.device("cpu"))
    assert isinstance(setup.scheme, OwnOrderScheme)
    whole = [labels for _, labels in setup.scheme.batches(setup.images["train"], 32, 0, 0, 0)]
    taken_up = [labels for _, labels in setup.scheme.batches(setup.images["train"], 32, 0, 0, 2)]
    assert all(torch.equal(one, other) for one, other in zip(whole[2:], taken_up, strict=True))
    return torch.cat(whole).tolist()


def refused(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["try", *arguments])
    assert ended.value.code == 2
    said: str = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


def test_a_loss_that_breaks_the_contract_is_refused_in_one_sentence_before_anything_is_trained(mine, capsys):
    path = mine / "my_loss.py"
    path.write_text(path.read_text().replace("        return self.linear(embedding)", "        return -embedding"))
    results = mine.parent / "results"
    said = refused(capsys, str(mine / "my_loss.yaml"), "--scale", "smoke", "--results", str(results))
    assert "my_loss:RareMargin breaks the contract of losses: " in said
    assert not results.exists()


@pytest.mark.parametrize(
    ("changed", "to", "said"),
    [
        ("my_loss:RareMargin", "my_loss:RareMargins", "there is no 'RareMargins'; did you mean 'RareMargin'?"),
        ("my_loss:RareMargin", "my_los:RareMargin", "my_los.py: there is no such module for 'my_los:RareMargin'"),
        ("margin: 0.5", "margn: 0.5", "there is no option 'margn'; did you mean 'margin'?"),
        ("options:", "option:", "unknown key; did you mean 'options'?"),
        ("options:", "set: {training.epochs: 9}\noptions:", "'training.epochs' is the experiment's"),
        ("options:", "set: {optimizer.rate: 9}\noptions:", "optimizer.rate: unknown key"),
        ("options:", "search: {options.margin: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]}\noptions:", "the budget"),
    ],
)
def test_what_the_file_says_wrongly_is_one_sentence(mine, capsys, changed, to, said):
    path = mine / "my_loss.yaml"
    path.write_text(path.read_text().replace(changed, to))
    assert said in refused(capsys, str(path), "--target", "figure6", "--scale", "smoke")


@pytest.mark.parametrize(
    "asked", ["search: {options.margn: [1, 2]}", "weight: {set: options.margn, to: [1, 2]}", "options: {margn: 1}"]
)
def test_an_option_that_the_loss_does_not_have_is_found_before_anything_is_trained(mine, capsys, asked):
    (mine / "my_loss.yaml").write_text(f"loss: my_loss:RareMargin\n{asked}\n")
    results = mine.parent / "results"
    arguments = (str(mine / "my_loss.yaml"), "--target", "figure6", "--scale", "smoke", "--results", str(results))
    assert "there is no option 'margn'; did you mean 'margin'?" in refused(capsys, *arguments)
    assert not results.exists()


def test_a_loss_is_built_for_the_classes_and_the_length_of_every_experiment(mine, capsys):
    path = mine / "my_loss.py"
    path.write_text(path.read_text().replace("super().__init__()", "super().__init__()\n        assert classes < 10"))
    said = refused(capsys, str(mine / "my_loss.yaml"), "--target", "figure2", "--scale", "smoke")
    assert f"my_loss.RareMargin(2, 10, margin=0.5) raises AssertionError, at {path}:10; mend it." in said


def test_a_breach_says_how_to_see_it_with_the_class_itself(mine, capsys):
    path = mine / "my_loss.py"
    path.write_text(path.read_text().replace("cross_entropy(self", "cross_entropy(torch.nan * self"))
    said = refused(capsys, str(mine / "my_loss.yaml"), "--target", "figure2", "--scale", "smoke")
    assert "finite: the loss is nan; see loss(torch.randn(12, 3), torch.arange(12) % 4), " in said
    assert said.endswith(", where loss = my_loss.RareMargin(3, 4, margin=0.5)\n")


def test_levels_of_a_weight_where_there_is_no_curve_are_answered_with_the_targets_that_have_one(mine, capsys):
    with (mine / "my_loss.yaml").open("a") as file:
        file.write("weight: {set: options.margin, to: [0.1, 1]}\n")
    found = attempt(mine, "my_loss.yaml")
    keep_contract(found.trial, found.experiments)
    assert capsys.readouterr().out.endswith("the levels of options.margin; there is one of figure3, table5\n")


def test_a_second_phase_is_a_scheme_of_the_suite_where_the_usual_one_stands(mine):
    (mine / "my_loss.yaml").write_text("loss: {name: softmax}\nset: {scheme: {name: decoupled, retraining: 0.25}}\n")
    found = attempt(mine, "my_loss.yaml")
    assert {run.config.plain()["scheme"]["retraining"] for run in found.runs()} == {0.25}
    everywhere = {entry.paper for entry in found.among([], []).experiments}
    assert "gaussian_affinity" in everywhere
    assert "feature_transfer" in everywhere  # its figure 5 alone, whose scheme is the usual one
    assert {entry.name for entry in found.among(["feature_transfer"], []).experiments} == {"plane"}


def test_a_file_is_not_named_as_a_method_of_the_papers(mine, capsys):
    path = (mine / "my_loss.yaml").rename(mine / "softmax.yaml")
    assert "'softmax' is the name of a method" in refused(capsys, str(path), "--scale", "smoke")


def test_an_unknown_target_is_answered_with_the_nearest(mine, capsys):
    said = refused(capsys, str(mine / "my_loss.yaml"), "--target", "figur6", "--scale", "smoke")
    assert "did you mean 'figure6'?" in said


def test_a_target_without_experiments_is_answered_with_those_that_have_some(mine, capsys):
    asked = [str(mine / "my_loss.yaml"), "--target", "figure7", "--scale", "smoke"]
    said = refused(capsys, *asked, "--paper", "adversarial_variance", "regular_polytope")
    assert "no experiment is of a target 'figure7'; of adversarial_variance there are figure3, figure8, table_" in said
    assert "; of regular_polytope there are figure4, figure5\n" in said


def test_a_changed_module_is_a_changed_run(mine):
    before = {run.name: run.hash for run in attempt(mine, "my_loss.yaml").runs()}
    path = mine / "my_loss.py"
    path.write_text(path.read_text().replace("** 0.25", "** 0.5"))
    after = {run.name: run.hash for run in attempt(mine, "my_loss.yaml").runs()}
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)


def test_a_module_beside_it_that_it_imports_is_part_of_it(mine):
    (mine / "helper.py").write_text("POWER = 0.25\n")
    path = mine / "my_loss.py"
    path.write_text("from helper import POWER\n" + path.read_text())
    before = attempt(mine, "my_loss.yaml").runs()[0].hash
    (mine / "helper.py").write_text("POWER = 0.5\n")
    assert attempt(mine, "my_loss.yaml").runs()[0].hash != before


def test_the_run_differs_from_the_papers_own_in_its_loss_alone(mine):
    found = attempt(mine, "my_loss.yaml")
    for experiment in found.experiments:
        [run], [place] = found.trial.runs(experiment, 2), experiment.places
        own, theirs = run.config.plain(), place.config.plain()
        assert own.pop("loss")["name"] == "my_loss:RareMargin"
        assert theirs.pop("loss")["name"] == "affinity"
        assert own == theirs


def test_settings_are_searched_on_held_out_training_images_alike_in_every_experiment(mine):
    path = mine / "my_loss.yaml"
    path.write_text(
        "loss: my_loss:RareMargin\nsearch: {options.margin: [0.1, 1], optimizer.learning_rate: [0.01, 0.03]}\n"
    )
    found = attempt(mine, "my_loss.yaml")
    runs = found.runs()
    assert len(runs) == 3 * 4
    for run in runs:
        assert run.seeds == 1
        assert run.config.benchmarks == ("held-out",)
        assert run.config.plain()["data"]["sampling"]["held_out"] == 0.2
    plain = [run.config.plain() for run in runs[:4]]
    settings = [(config["loss"]["settings"]["margin"], config["optimizer"]["learning_rate"]) for config in plain]
    assert settings == [(0.1, 0.01), (0.1, 0.03), (1, 0.01), (1, 0.03)]
