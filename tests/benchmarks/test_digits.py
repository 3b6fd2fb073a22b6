"""The benchmarks of training on digits: what they compare, and that they run; no test here looks at a clock."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import lenet_training
from benchmarks.measuring import Row
from benchmarks.mnist_training import NARROW, OURS, compared, configured, parsed, part_of, schedule
from shared.backbones.prelu import PReLU
from shared.data.formats.idx import read_idx
from shared.data.image_arrays import ImageArrays
from shared.data.sets.mnist import Mnist
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("steps", "available", "epochs", "batches"),
    [(2, 60_000, 1, 2), (468, 60_000, 1, 468), (469, 60_000, 2, 235), (1000, 60_000, 3, 334), (5, 100, 5, 1)],
)
def test_epochs_of_whole_batches_make_the_steps(steps, available, epochs, batches):
    assert schedule(steps, 128, available) == (epochs, batches)


@pytest.mark.parametrize("shift", [0.25, -0.25])
def test_accuracies_are_compared_seed_by_seed(shift):
    direct = {0: 97.0, 1: 98.0, 2: 99.0}
    result = compared({"direct": direct, "fourier": {seed: value + shift for seed, value in direct.items()}})
    assert result["difference"] == pytest.approx(shift)
    assert result["interval"] == pytest.approx((shift, shift))
    assert result["sd"]["direct"] == pytest.approx(1)
    assert result["within_noise"] is True
    assert result["untrained"] == []


def test_a_difference_above_the_spread_of_the_seeds_is_not_called_noise():
    result = compared({"direct": {0: 97.0, 1: 98.0, 2: 99.0}, "fourier": {0: 95.9, 1: 96.9, 2: 97.9}})
    assert result["within_noise"] is False


def test_a_seed_that_did_not_train_leaves_no_verdict():
    result = compared({"direct": {0: 97.0, 1: 10.0}, "fourier": {0: 96.0, 1: 10.0}})
    assert result["untrained"] == [1]
    assert result["within_noise"] is None


def test_the_two_modes_differ_in_the_convolution_alone():
    direct, fourier = (configured("full", mode, 1, epochs=2).config.plain() for mode in OURS.values())
    assert (direct["backbone"].pop("convolution"), fourier["backbone"].pop("convolution")) == ("direct", "fourier")
    assert direct == fourier
    assert direct["training"]["epochs"] == 2
    assert direct["training"]["precision"] == "fp32"
    assert configured("full", NARROW["direct, bf16"], 1, epochs=2).config.training.precision == "bf16"


def test_the_plain_way_reads_the_same_images_from_files():
    images = np.arange(6 * 28 * 28, dtype=np.uint8).reshape(6, 28, 28)
    labels = np.arange(6, dtype=np.uint8)
    with part_of(ImageArrays(images, labels, images[:2], labels[:2], {}), 4) as (part, folder):
        assert np.array_equal(part.train_images, images[:4])
        raw = [read_idx(folder / Mnist.folder / name) for name in Mnist.card.checksums]
    for array, expected in zip(raw, (images[:4], labels[:4], images[:2], labels[:2]), strict=True):
        assert np.array_equal(array, expected)


@pytest.mark.parametrize("option", ["--steps", "--repetitions", "--threads", "--seeds"])
def test_a_count_of_nothing_is_refused(option, capsys):
    with pytest.raises(SystemExit) as stop:
        parsed([option, "0"])
    assert stop.value.code == 2
    assert f"{option}: 0 is below" in capsys.readouterr().err


def run(tmp_path, digits_root, *options: str) -> tuple[str, list[Row]]:
    file = tmp_path / "rows.json"
    script = [sys.executable, str(ROOT / "benchmarks" / "mnist_training.py"), "--scale", "smoke", "--threads", "1"]
    done = subprocess.run(
        [*script, "--data-root", str(digits_root), "--json", str(file), *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, [Row.model_validate(one) for one in json.loads(file.read_text())["rows"]]


def test_the_speed_is_measured_from_end_to_end(tmp_path, digits_root):
    output, (plain, *ours) = run(tmp_path, digits_root, "--steps", "2", "--repetitions", "1")
    assert plain.ratio == (1, 1, 1)
    assert [one.part for one in ours] in ([*OURS], [*OURS, *NARROW])
    for one in ours:
        assert one.count == plain.count
        assert one.ratio == pytest.approx((plain.seconds / one.seconds,) * 3)
        assert one.peak_mib is not None
        assert 100 < one.peak_mib < 10_000
        assert f"| {one.peak_mib:,.0f} |" in output


def test_the_accuracies_are_measured_from_end_to_end(tmp_path, digits_root):
    output, rows = run(tmp_path, digits_root, "--accuracy", "--seeds", "2", "--epochs", "3")
    assert [one.part for one in rows] == ["direct", "fourier"]
    for one in rows:
        values = [float(value) for value in re.findall(r"\d+\.\d+", one.note.split(":")[0])]
        assert len(values) == 2
        assert all(80 < value < 100 for value in values)
    assert "points to direct, 95 % t interval" in rows[1].note
    assert rows[1].note in output


def test_each_mode_of_the_lenet_benchmark_is_measured_beside_the_plain_way(monkeypatch):
    monkeypatch.setattr(lenet_training, "apart", lambda work, *arguments: work(*arguments))
    monkeypatch.setattr(lenet_training, "bf16_is_faster", lambda: True)
    monkeypatch.setattr(lenet_training, "keep_freed_memory", lambda: None)
    given = argparse.Namespace(batch=2, steps=1, repetitions=1, gemm=64)
    plain, *others = lenet_training.measured(given)
    assert [one.part for one in (plain, *others)] == [*lenet_training.MODES, *lenet_training.NARROW]
    for one in others:
        assert one.ratio == pytest.approx((plain.seconds / one.seconds,) * 3)
        assert (one.share or 0) > 0


def test_the_lenet_benchmark_leaves_bf16_out_where_it_is_slower_and_says_so(monkeypatch, capsys):
    monkeypatch.setattr(lenet_training, "apart", lambda *_: (1.0, 1.0))
    monkeypatch.setattr(lenet_training, "bf16_is_faster", lambda: False)
    rows = list(lenet_training.measured(argparse.Namespace(batch=2, steps=1, repetitions=1, gemm=64)))
    assert [one.part for one in rows] == list(lenet_training.MODES)
    assert "bf16 is left out" in capsys.readouterr().out


def test_the_plain_prelu_of_the_lenet_benchmark_is_the_same_function():
    modes = lenet_training.MODES
    plain, ours = (lenet_training.network_of(modes[name]) for name in ("fourier, kept, nn.PReLU", "fourier, kept"))
    kinds = [{type(unit) for unit in network.modules()} & {nn.PReLU, PReLU} for network in (plain, ours)]
    assert kinds == [{nn.PReLU}, {PReLU}]
    images = lenet_training.images_of(3)
    torch.testing.assert_close(plain(images), ours(images))
