"""On a GPU: every scheme trains, stops and goes on with the same bits, and agrees with the processor; every run begins.

`python -m pytest -m gpu` runs these where there is a GPU; elsewhere they are skipped.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from shared.commands.rehearse import alike
from shared.commands.train import train
from shared.records.records import Record, read_record
from shared.records.results import Results
from shared.rehearsal.rehearsal import first_steps
from shared.runs.catalogue import evaluations
from shared.runs.config import Run
from shared.runs.registry import papers
from shared.training.device import prepare
from tests.training.killing import killed_at_a_checkpoint

pytestmark = pytest.mark.gpu

SMOKE = [run for entry in papers().values() for run in entry.runs("smoke").values()]
FULL = [group.runs[0] for group in alike(run for entry in papers().values() for run in entry.runs("full").values())]


def by_scheme() -> list[Run]:
    """Return a run of each scheme."""
    return list({run.config.scheme.name: run for run in reversed(SMOKE)}.values())


def by_benchmark() -> list[Run]:
    """Return runs by which, together, each benchmark is measured that any run is measured by."""
    left = {(run.paper, name) for run in SMOKE for name in run.config.benchmarks}
    chosen = []
    while left:
        best = max(SMOKE, key=lambda run: len(left & {(run.paper, name) for name in run.config.benchmarks}))
        left -= {(best.paper, name) for name in best.config.benchmarks}
        chosen.append(best)
    return chosen


def name(run: Run) -> str:
    return f"{run.paper}/{run.name}"


def with_training(run: Run, **training: Any) -> Run:
    """Return a run on one GPU, unless told otherwise, with some settings of its training changed."""
    update = {"gpus": 1, **training}
    config = run.config.model_copy(update={"training": run.config.training.model_copy(update=update)})
    return replace(run, config=config)


def trained(run: Run, folder: Path, root: Path) -> tuple[Record, list[dict[str, str]]]:
    """Train the first seed of a run; return its record and its curve."""
    results = Results(folder)
    train(run, 0, results, root)
    path = results.record(run.scale, run.paper, run.name, 0)
    return read_record(path), list(csv.DictReader((path.parent / "curve.csv").read_text().splitlines()))


@pytest.mark.parametrize("run", by_scheme(), ids=lambda run: run.config.scheme.name)
def test_each_scheme_goes_on_with_the_same_bits(run, tmp_path, digits_root):
    run = with_training(run, checkpoint_steps=7)
    whole, curve = trained(run, tmp_path / "whole", digits_root)
    for _ in range(2):
        with killed_at_a_checkpoint():
            trained(run, tmp_path / "killed", digits_root)
    resumed, same_curve = trained(run, tmp_path / "killed", digits_root)
    assert "cpu" not in whole.provenance.device.lower()
    assert resumed.provenance.weights_sha256 == whole.provenance.weights_sha256
    assert resumed.metrics == whole.metrics
    assert [row["loss"] for row in same_curve] == [row["loss"] for row in curve]


@pytest.mark.parametrize("run", by_scheme(), ids=lambda run: run.config.scheme.name)
def test_each_scheme_begins_as_on_the_processor(run, tmp_path, digits_root):
    """Before many roundings come in: the loss of the first epoch, within a hundredth."""
    if getattr(run.config.backbone, "dropout", 0):
        pytest.skip("dropout is drawn by the device's own generator")
    losses = [
        float(trained(with_training(run, gpus=gpus), tmp_path / str(gpus), digits_root)[1][0]["loss"])
        for gpus in (0, 1)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.01)


@pytest.mark.parametrize(("precision", "within"), [("bf16", 0.05), ("tf32", 0.01)])
def test_a_narrower_precision_is_near_to_fp32_and_told(tmp_path, digits_root, precision, within):
    if precision == "tf32" and not torch.cuda.is_tf32_supported():
        pytest.skip("this GPU has no TF32")
    run = next(run for run in SMOKE if run.config.scheme.name == "classification")
    losses = []
    for told in ("fp32", precision):
        record, curve = trained(with_training(run, precision=told), tmp_path / told, digits_root)
        losses.append(float(curve[0]["loss"]))
        assert record.provenance.precision == told
    assert losses[1] == pytest.approx(losses[0], rel=within)


def errors(precision: str) -> list[float]:
    """Return the relative errors of a convolution and of a product of noise, as a run of a precision computes them.

    Steps of two let cuDNN take no algorithm that rounds transforms of the images too.
    """
    device, _hold = prepare(with_training(SMOKE[0], precision=precision).config.training)
    noise = torch.Generator().manual_seed(0)
    images, filters = (torch.randn(*shape, generator=noise) for shape in ((32, 16, 32, 32), (32, 16, 3, 3)))
    rows, columns = (torch.randn(*shape, generator=noise) for shape in ((512, 144), (144, 512)))
    convolution = partial(torch.nn.functional.conv2d, stride=2)
    found = []
    for operation, numbers in ((convolution, (images, filters)), (torch.mm, (rows, columns))):
        exact = operation(*(tensor.double() for tensor in numbers))
        computed = operation(*(tensor.to(device) for tensor in numbers)).cpu()
        found.append(float((computed - exact).norm() / exact.norm()))
    return found


def test_single_precision_is_ieee_754s_and_tf32_is_not():
    assert max(errors("fp32")) < 1e-6
    if torch.cuda.is_tf32_supported():
        assert min(errors("tf32")) > 1e-5
    assert max(errors("fp32")) < 1e-6


@pytest.mark.parametrize("run", by_benchmark(), ids=name)
def test_each_benchmark_is_measured(run, tmp_path, digits_root):
    record, _ = trained(with_training(run), tmp_path, digits_root)
    assert set(record.metrics) | set(record.skipped) == set(evaluations(run, run.config.benchmarks))
    assert record.metrics


@pytest.mark.parametrize("run", FULL, ids=name)
def test_the_first_steps_of_every_run_have_a_deterministic_form(run):
    torch.use_deterministic_algorithms(True)
    torch.cuda.reset_peak_memory_stats()
    position = first_steps(run, torch.device("cuda"))
    assert position.step > 0
    assert torch.cuda.max_memory_allocated() > 0
