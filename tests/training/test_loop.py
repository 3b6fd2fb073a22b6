"""The training loop: deterministic, resumable to the bit after a real kill, and loud on a non-finite loss."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shared.errors import UserError
from shared.runs.config import Run, Training
from shared.runs.registry import paper
from shared.training.batches import Images, ImageTensor, Normalisation
from shared.training.checkpoint import Checkpoints
from shared.training.loop import error, fit, learning_rate_factor
from shared.training.termination import Stopped

RUNS = """\
defaults:
  data: {name: mnist-5k, sampling: {per_class: 100, held_out: 0.2}}
  backbone: {name: small-cnn, filters: [4, 4, 4], embedding: 8, dropout: 0.2}
  loss: {name: affinity, sigma: 10, margin: 0.5, prototypes: 2}
  scheme: {name: classification}
  optimizer: {name: sgd, learning_rate: 0.02, momentum: 0.9}
  training: {epochs: 3, batch_size: 8, checkpoint_steps: 10, gpus: 0, milestones: [0.5], translate: 2}
  benchmarks: [mnist-test]
  keep_features: [test]
runs:
  only/{level}: {level: {one: {}}}
targets:
  table1: {kind: table, title: None, runs: ["only/*"]}
no_optimum: {"only/*": to look for it takes longer than the training}
"""


class Line:
    """A scheme with one weight, whose loss is scripted: it says after which step the loss is no longer finite."""

    def __init__(self, breaks_at: int | None = None) -> None:
        self.weight, self.breaks_at = 0.0, breaks_at
        self.rates: list[float] = []
        self.seen: list[list[int]] = []
        self.held_out_errors: list[float] = []

    def batches(self, images: Images, batch_size: int, seed: int, epoch: int, start: int):
        yield from images.epoch(batch_size, seed, epoch, start)

    def step(self, *batch: torch.Tensor) -> dict[str, torch.Tensor]:
        self.weight += 1
        self.seen.append(batch[1].tolist())
        broken = self.breaks_at is not None and self.weight >= self.breaks_at
        return {"loss": torch.tensor(float("nan") if broken else 1.0)}

    def set_learning_rate(self, factor: float) -> None:
        self.rates.append(factor)

    def embed(self, batches):
        return torch.cat([batch.flatten(1) for batch in batches])

    def predict(self, embeddings: torch.Tensor) -> torch.Tensor:
        wrong = round(self.held_out_errors.pop(0) * len(embeddings) / 100)
        labels = torch.arange(len(embeddings))
        return torch.where(torch.arange(len(embeddings)) < wrong, -1, labels)

    def state(self):
        return {"weight": self.weight}

    def restore(self, state) -> None:
        self.weight = state["weight"]


def numbered(count: int) -> ImageTensor:
    images = np.zeros((count, 1, 1), np.uint8)
    return ImageTensor(images, np.arange(count), Normalisation(0.0, 1.0), torch.device("cpu"))


def store(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints", {}, 0)


def taken_up(checkpoints: Checkpoints) -> dict[str, Any]:
    saved = checkpoints.load()
    assert saved is not None
    return saved


def test_what_is_measured_along_training_is_kept_as_plain_numbers(tmp_path):
    measure = {"benchmark/metric": np.float64(0.5)}
    fit(Line(), numbered(10), Training(epochs=1, batch_size=5), 0, store(tmp_path), measure=lambda: dict(measure))
    assert taken_up(store(tmp_path))["position"]["curve"][0]["benchmark/metric"] == 0.5


def test_each_epoch_sees_every_image_once_in_an_order_of_its_own(tmp_path):
    scheme = Line()
    fit(scheme, numbered(10), Training(epochs=2, batch_size=4), 0, store(tmp_path))
    epochs = [[label for batch in part for label in batch] for part in (scheme.seen[:3], scheme.seen[3:])]
    assert [sorted(epoch) for epoch in epochs] == [list(range(10))] * 2
    assert epochs[0] != epochs[1]
    assert [len(batch) for batch in scheme.seen] == [4, 4, 2] * 2


def test_the_order_is_decided_by_the_seed_alone(tmp_path):
    orders = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        scheme = Line()
        fit(scheme, numbered(20), Training(epochs=1, batch_size=4), seed, store(tmp_path / name))
        orders.append(scheme.seen)
    assert orders[0] == orders[1] != orders[2]


def test_the_learning_rate_decays_at_its_milestones(tmp_path):
    scheme = Line()
    training = Training(epochs=2, batch_size=1, milestones=(0.5, 0.75), decay=0.1)
    fit(scheme, numbered(4), training, 0, store(tmp_path))
    assert scheme.rates == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    assert learning_rate_factor(Training(epochs=1, batch_size=1), 0.99) == 1


def test_a_scheme_may_end_before_the_last_step(tmp_path):
    class Ending(Line):
        @property
        def ended(self) -> bool:
            return self.weight >= 3

    scheme = Ending()
    position = fit(scheme, numbered(10), Training(epochs=9, batch_size=5), 0, store(tmp_path))
    assert (position.step, position.epoch, position.ended, scheme.weight) == (3, 2, True, 3)
    assert [row["step"] for row in position.curve] == [2, 3]
    # Taken up at its end, it does not go on.
    assert fit(Ending(), numbered(10), Training(epochs=9, batch_size=5), 0, store(tmp_path)).step == 3


def test_early_stopping_waits_for_its_patience_and_keeps_the_best_epoch(tmp_path):
    scheme = Line()
    scheme.held_out_errors = [50, 20, 30, 20, 10]
    training = Training(epochs=9, batch_size=5, patience=2)
    position = fit(scheme, numbered(10), training, 0, store(tmp_path), held_out=numbered(10))
    assert position.epoch == 4
    assert position.best_epoch == 2
    assert position.best_error == 20
    assert scheme.weight == 4  # two batches an epoch, the weights of the second
    assert [row["held_out_error"] for row in position.curve] == [50, 20, 30, 20]


def test_the_weights_of_the_best_epoch_are_kept_though_training_changes_them_in_place(tmp_path):
    class InPlace(Line):
        def __init__(self) -> None:
            super().__init__()
            self.tensor = torch.zeros(())

        def step(self, *batch: torch.Tensor) -> dict[str, torch.Tensor]:
            self.tensor += 1
            return super().step(*batch)

        def state(self):
            return {"weight": self.weight, "tensor": self.tensor}

        def restore(self, state) -> None:
            super().restore(state)
            self.tensor.copy_(state["tensor"])

    scheme = InPlace()
    scheme.held_out_errors = [50, 20, 30, 40]
    training = Training(epochs=9, batch_size=5, patience=2)
    position = fit(scheme, numbered(10), training, 0, store(tmp_path), held_out=numbered(10))
    assert (position.best_epoch, scheme.weight, scheme.tensor.item()) == (2, 4, 4)


def test_a_training_ends_with_its_last_epoch_though_its_patience_does_not(tmp_path):
    scheme = Line()
    scheme.held_out_errors = [20, 50, 50]
    training = Training(epochs=3, batch_size=5, patience=5)
    position = fit(scheme, numbered(10), training, 0, store(tmp_path), held_out=numbered(10))
    assert (len(position.curve), position.best_epoch, scheme.weight) == (3, 1, 2)


def test_a_scheme_that_draws_its_own_batches_has_its_curve_weighted_by_their_sizes(tmp_path):
    class Uneven(Line):
        def batches(self, images, batch_size, seed, epoch, start):
            yield from [(torch.zeros(6), torch.zeros(6)), (torch.zeros(2), torch.zeros(2))][start:]

        def step(self, *batch):
            return super().step(*batch) | {"size": torch.tensor(float(len(batch[0])))}

    position = fit(Uneven(), numbered(4), Training(epochs=2, batch_size=2), 0, store(tmp_path))
    assert [row["size"] for row in position.curve] == [(6 * 6 + 2 * 2) / 8] * 2


def test_a_term_of_some_steps_is_a_mean_over_these(tmp_path):
    class Sometimes(Line):
        def step(self, *batch):
            terms = super().step(*batch)
            return terms | {"rare": torch.tensor(self.weight)} if self.weight > 2 else terms

    position = fit(Sometimes(), numbered(4), Training(epochs=2, batch_size=2), 0, store(tmp_path))
    first, second = position.curve
    assert "rare" not in first
    assert second["rare"] == pytest.approx((3 + 4) / 2)


def test_a_checkpoint_from_before_terms_were_counted_each_is_taken_up(tmp_path):
    checkpoints = store(tmp_path)
    training = Training(epochs=2, batch_size=2, checkpoint_steps=1)
    with pytest.raises(UserError):
        fit(Line(breaks_at=4), numbered(6), training, 0, checkpoints)
    saved = taken_up(checkpoints)
    counts = saved["position"].pop("counts")
    assert set(counts) <= {"loss"}
    saved["position"]["samples"] = counts.get("loss", 0)
    checkpoints.save(saved)
    position = fit(Line(), numbered(6), training, 0, checkpoints)
    assert [row["loss"] for row in position.curve] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("breaks_at", "told"), [(1, "epoch 1, by step 3"), (25, "epoch 3, by step 27"), (30, "epoch 3, by step 30")]
)
def test_a_non_finite_loss_ends_training_and_keeps_the_last_good_checkpoint(tmp_path, breaks_at, told):
    scheme, checkpoints = Line(breaks_at), store(tmp_path)
    training = Training(epochs=3, batch_size=1, checkpoint_steps=3)
    with pytest.raises(UserError, match=rf"the loss is no longer finite \({told}\)") as raised:
        fit(scheme, numbered(10), training, 0, checkpoints)
    if breaks_at == 1:
        assert "no checkpoint was written yet" in str(raised.value)
        return
    assert str(checkpoints.newest) in str(raised.value)
    saved = taken_up(checkpoints)
    assert saved["scheme"]["weight"] < breaks_at
    assert saved["scheme"]["weight"] >= breaks_at - 1 - training.checkpoint_steps


def test_a_loss_that_is_no_longer_finite_is_noticed_before_the_epoch_ends(tmp_path):
    scheme = Line(breaks_at=3)
    with pytest.raises(UserError, match="by step 20"):
        fit(scheme, numbered(100), Training(epochs=1, batch_size=1), 0, store(tmp_path))
    assert scheme.weight == 20


def test_what_a_benchmark_cannot_measure_changes_no_loss_of_the_curve(tmp_path):
    class Rising(Line):
        def step(self, *batch: torch.Tensor) -> dict[str, torch.Tensor]:
            super().step(*batch)
            return {"loss": torch.tensor(self.weight)}

    training = Training(epochs=2, batch_size=1)
    position = fit(Rising(), numbered(2), training, 0, store(tmp_path), measure=lambda: {"far/tar": float("nan")})
    assert [row["loss"] for row in position.curve] == [1.5, 3.5]


def test_sigterm_saves_a_checkpoint_and_stops(tmp_path):
    class Terminated(Line):
        def step(self, *batch):
            if self.weight == 4:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().step(*batch)

    checkpoints = store(tmp_path)
    with pytest.raises(Stopped):
        fit(Terminated(), numbered(10), Training(epochs=1, batch_size=1), 0, checkpoints)
    assert taken_up(checkpoints)["position"]["batch"] == 5


def test_what_a_measurement_drew_before_it_was_broken_off_is_drawn_again(tmp_path):
    def measure() -> dict[str, float]:
        torch.rand(3)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        return {}

    checkpoints, before = store(tmp_path), torch.get_rng_state()
    with pytest.raises(Stopped):
        fit(Line(), numbered(10), Training(epochs=1, batch_size=5), 0, checkpoints, measure=measure)
    assert torch.equal(taken_up(checkpoints)["generators"]["cpu"], before)


def test_a_stopped_command_says_so_and_goes_on_later(small, started, shared):
    process = started(*TRAIN, "stopped", cwd=small)
    while not list((small / "stopped").rglob("checkpoint.pt")):
        time.sleep(0.01)
    process.terminate()
    log = process.communicate()[1]
    assert process.returncode == 143, log
    assert log.splitlines()[-1] == "only/one seed 0: stopped; the same command goes on from here"
    again = shared(*TRAIN, "stopped", cwd=small, check=True)
    assert "step 300/300" in again.stderr


def test_a_training_taken_up_goes_on_with_the_batches_that_were_left(tmp_path):
    whole = Line()
    training = Training(epochs=2, batch_size=3, checkpoint_steps=2)
    fit(whole, numbered(10), training, 7, store(tmp_path / "whole"))
    checkpoints = store(tmp_path / "broken")
    broken = Line(breaks_at=7)
    with pytest.raises(UserError):
        fit(broken, numbered(10), training, 7, checkpoints)
    done = int(taken_up(checkpoints)["scheme"]["weight"])
    resumed = Line()
    position = fit(resumed, numbered(10), training, 7, checkpoints)
    assert broken.seen[:done] + resumed.seen == whole.seen
    assert [row["loss"] for row in position.curve] == [1.0, 1.0]


def test_normalisation_is_exact():
    images = np.random.default_rng(0).integers(0, 256, (50, 7, 5), dtype=np.uint8)
    found = Normalisation.of(images)
    assert found.mean == pytest.approx((images / 255).mean(), abs=1e-12)
    assert found.std == pytest.approx((images / 255).std(), abs=1e-12)
    tensor = ImageTensor(images, np.zeros(50, np.int64), found, torch.device("cpu"))
    batch = tensor.normalised(slice(None))
    assert batch.shape == (50, 1, 7, 5)
    # Four roundings of numbers up to 3.5 to 24 bits come to 8e-7 at most; the sum adds nothing to that in float64.
    assert float(batch.double().mean()) == pytest.approx(0, abs=1e-6)
    assert float(batch.double().std(correction=0)) == pytest.approx(1, abs=1e-6)


def test_error_is_the_percentage_of_wrong_predictions():
    scheme = Line()
    scheme.held_out_errors = [30]
    assert error(scheme, numbered(10)) == pytest.approx(30)


@pytest.fixture
def small(suite):
    (suite / "papers/gaussian_affinity/runs.yaml").write_text(RUNS)
    return suite


TRAIN = ("train", "gaussian_affinity", "only/one", "--scale", "full", "--results")


def _train(suite: Path, digits_root: Path, results: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "shared", *TRAIN, results],
        cwd=suite,
        env={**os.environ, "REPLICATION_DATA": str(digits_root)},
        stderr=subprocess.PIPE,
        text=True,
    )


def _outcome(suite: Path, results: str) -> tuple[dict[str, object], bytes, str]:
    folder = suite / results / "full/gaussian_affinity/runs/only/one/seed0"
    record = json.loads((folder / "record.json").read_text())
    assert record["provenance"]["steps"] == 300
    bits = {"weights": record["provenance"]["weights_sha256"], "metrics": record["metrics"]}
    return bits, (folder / "features-test.npz").read_bytes(), (folder / "curve.csv").read_text()


def test_killed_mid_epoch_and_resumed_ends_with_the_same_bits(small, digits_root, shared):
    shared(*TRAIN, "whole", cwd=small, check=True)
    kills = 0
    for after in (13, 140):
        process = _train(small, digits_root, "killed")
        while process.poll() is None:
            checkpoints = list((small / "killed").rglob("checkpoint.pt"))
            if checkpoints:
                step = _step(checkpoints[0])
                if step is not None and step >= after:
                    process.send_signal(signal.SIGKILL)
                    break
            time.sleep(0.002)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        step = _step(next((small / "killed").rglob("checkpoint.pt")))
        assert step is not None
        kills += step % 100 != 0
    assert kills, "no kill came in the middle of an epoch"
    assert not list((small / "killed").rglob("record.json"))

    shared(*TRAIN, "killed", cwd=small, check=True)
    assert _outcome(small, "killed") == _outcome(small, "whole")


def _step(path: Path) -> int | None:
    """Return the step of a checkpoint by its own reader, None while it is being replaced."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    payload = content.split(b"\n", 2)[2]
    return int(torch.load(io.BytesIO(payload), weights_only=True)["position"]["step"])


def test_the_same_seed_gives_the_same_bits_and_another_does_not(small, digits_root, shared):
    hashes = []
    for results, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        arguments = ("train", "gaussian_affinity", "only/one", "--scale", "full", "--seed", seed)
        shared(*arguments, "--results", results, cwd=small, check=True)
        record = next((small / results).rglob("record.json"))
        hashes.append(json.loads(record.read_text())["provenance"]["weights_sha256"])
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_log_gets_plain_lines(small, digits_root, shared):
    done = shared("train", "gaussian_affinity", "only/one", "--scale", "full", cwd=small, check=True)
    lines = done.stderr.splitlines()
    assert "\r" not in done.stderr
    assert lines[-1].startswith("gaussian_affinity only/one seed 0: epoch 3, step 300/300, loss ")
    assert "images/s" in lines[-1]


@pytest.mark.parametrize(
    "where", ["shared.training.loop:_end_epoch", "shared.data.drawn:draw", "shared.records.recording:write_record"]
)
def test_sigterm_at_any_moment_ends_with_143(small, digits_root, where):
    code = f"""
import importlib, os, signal, sys
module, name = {where!r}.split(":")
module = importlib.import_module(module)
inner = getattr(module, name)

def asked(*given, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    return inner(*given, **options)

setattr(module, name, asked)
from shared.commands.cli import main
main(["train", "gaussian_affinity", "only/one", "--scale", "smoke", "--results", "results"])
"""
    environment = {**os.environ, "REPLICATION_DATA": str(digits_root)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=small, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 143, done.stderr
    assert "Traceback" not in done.stderr
    assert not list((small / "results").rglob("*.partial"))
    assert not list((small / "results").rglob("record.json"))


def test_two_processes_never_write_one_run_at_once(small, started):
    first, second = (started(*TRAIN, "results", cwd=small) for _ in range(2))
    logs = [process.communicate()[1] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert sum("waiting for another process that trains the same weights" in log for log in logs) == 1
    assert sum("step 300/300" in log for log in logs) == 1


def test_a_last_batch_of_one_image_is_refused_before_batch_normalisation_meets_it():
    config = smoke_run("table3/softmax").config
    scheme = config.scheme.build(config, (1, 8, 8), 3, torch.device("cpu"))
    images = ImageTensor(
        np.zeros((9, 8, 8), np.uint8), np.zeros(9, np.int64), Normalisation(0.0, 1.0), torch.device("cpu")
    )
    with pytest.raises(UserError, match=r"9 images in batches of 4 leave a last batch of one, .* training\.batch_size"):
        next(scheme.batches(images, 4, 0, 0, 0))
    assert len(list(scheme.batches(images, 5, 0, 0, 0))) == 2


def smoke_run(name: str) -> Run:
    return paper("gaussian_affinity").run(name, "smoke")


TWO = """
device = type("Two", (), {"there": lambda gpus: 2})
"""
SLOW = """
import os as _os

_error = error


def error(*given):
    if _os.environ.get("SLOW") and parallel.rank() == 0:
        Path("evaluating").touch()
        time.sleep(300)
    return _error(*given)
"""


@pytest.fixture
def by_two(small, digits_root):
    """Start a training in the suite that two processes share, which the command starts; slow to evaluate, or not."""
    for name, more in (("launch", TWO), ("loop", SLOW)):
        with (small / f"shared/training/{name}.py").open("a") as module:
            module.write(more)

    def start(results: str, **environment: str) -> subprocess.Popen[str]:
        known = {**os.environ, "REPLICATION_DATA": str(digits_root), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "shared", *TRAIN, results]
        return subprocess.Popen(command, cwd=small, env=known | environment, stderr=subprocess.PIPE, text=True)

    return start


@pytest.mark.slow
def test_two_processes_end_soon_while_the_first_evaluates_and_the_second_waits(small, by_two):
    process = by_two("stopped", SLOW="1")
    deadline = time.monotonic() + 300
    while not (small / "evaluating").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.terminate()
    began = time.monotonic()
    said = process.communicate(timeout=60)[1]
    assert time.monotonic() - began < 10, said
    assert process.returncode == 143
    assert said.count("only/one seed 0: stopped; the same command goes on from here") == 2
    assert "Traceback" not in said
    assert list((small / "stopped").rglob("checkpoint.pt"))
    assert not list((small / "stopped").rglob("record.json"))
    for results in ("stopped", "whole"):
        process = by_two(results)
        assert process.communicate()[1].count("step 300/300") == 2
        assert process.returncode == 0
    assert _outcome(small, "stopped") == _outcome(small, "whole")
