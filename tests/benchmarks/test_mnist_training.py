"""The speed benchmark: its arithmetic, and that it runs; no test here looks at a clock."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.mnist_training import (
    GEMM_SIZE,
    compared,
    configured,
    in_turn,
    paired,
    parsed,
    part_of,
    schedule,
    summary,
    training_flops,
)
from shared.data.formats.idx import read_idx
from shared.data.image_arrays import ImageArrays
from shared.data.sets.mnist import Mnist
from tests.conftest import ROOT


def test_the_flops_of_a_small_network_counted_by_hand():
    convolutions = 28 * 28 * 25 * 1 * 2, 14 * 14 * 25 * 2 * 3, 7 * 7 * 25 * 3 * 4
    linear = 3 * 3 * 4 * 5 + 5 * 10
    assert training_flops((2, 3, 4), 5) == 2 * (3 * (sum(convolutions) + linear) - convolutions[0])


def test_the_flops_are_those_that_torch_counts_in_the_trained_network():
    import torch

    config = configured("full", "direct", 1, 1).config
    backbone = config.backbone.build(1, 28, 28)
    network = nn.Sequential(backbone, nn.Linear(backbone.dimension, 10))
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(3, 1, 28, 28)).sum().backward()
    assert training_flops((32, 64, 128), 128) * 3 == counter.get_total_flops()


@pytest.mark.parametrize(
    ("steps", "available", "epochs", "batches"),
    [(2, 60_000, 1, 2), (468, 60_000, 1, 468), (469, 60_000, 2, 235), (1000, 60_000, 3, 334), (5, 100, 5, 1)],
)
def test_epochs_of_whole_batches_make_the_steps(steps, available, epochs, batches):
    assert schedule(steps, 128, available) == (epochs, batches)


def test_ratios_are_taken_pair_by_pair_before_their_median():
    assert paired([10, 40, 90], [10, 20, 30]) == (2, 1, 3)
    assert paired([1, 100, 1], [1, 50, 0.25]) == (2, 1, 4)  # medians of each column would give 1
    with pytest.raises(ValueError, match="shorter"):
        paired([1, 2], [1])


def test_a_summary_relates_each_block_to_the_others_of_its_repetition():
    seconds = {"plain": [4.0, 8.0, 6.0], "direct": [2.0, 2.0, 2.0], "gemm": [1.0, 1.0, 1.0]}
    row = summary(seconds, "direct", images=100, steps=10, flops=GEMM_SIZE**3 // 100)
    assert row == {
        "images_per_second": 50,
        "ms_per_step": 200,
        "ratio": 3,
        "ratio_min": 2,
        "ratio_max": 4,
        "gemm_share": pytest.approx(0.25),
    }


def test_all_parts_take_turns_and_the_first_round_does_not_count():
    calls = []

    def part(name: str):
        def measure() -> float:
            calls.append(name)
            return float(len(calls))

        return measure

    assert in_turn({"a": part("a"), "b": part("b")}, 2) == {"a": [3, 5], "b": [4, 6]}
    assert calls == ["a", "b"] * 3


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
    direct, fourier = (configured("full", mode, 1, 2).config.plain() for mode in ("direct", "fourier"))
    assert (direct["backbone"].pop("convolution"), fourier["backbone"].pop("convolution")) == ("direct", "fourier")
    assert direct == fourier
    assert direct["training"]["epochs"] == 2
    assert direct["training"]["precision"] == "fp32"


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


def run(tmp_path, digits_root, *options: str) -> tuple[str, dict[str, Any]]:
    file = tmp_path / "numbers.json"
    script = [sys.executable, str(ROOT / "benchmarks" / "mnist_training.py"), "--scale", "smoke", "--threads", "1"]
    done = subprocess.run(
        [*script, "--data-root", str(digits_root), "--json", str(file), *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text())


def test_the_speed_is_measured_from_end_to_end(tmp_path, digits_root):
    output, numbers = run(tmp_path, digits_root, "--steps", "2", "--repetitions", "1")
    assert numbers["steps"] == 2
    assert {name: len(seconds) for name, seconds in numbers["seconds"].items()} == dict.fromkeys(
        ("plain", "direct", "fourier", "gemm"), 1
    )
    assert numbers["modes"]["plain"]["ratio"] == 1
    for mode in ("direct", "fourier"):
        row = numbers["modes"][mode]
        assert row["ratio"] == pytest.approx(numbers["seconds"]["plain"][0] / numbers["seconds"][mode][0])
        assert 100 < row["peak_mib"] < 10_000
        assert f"{row['peak_mib']:.0f} MiB" in output


def test_the_accuracies_are_measured_from_end_to_end(tmp_path, digits_root):
    output, numbers = run(tmp_path, digits_root, "--accuracy", "--seeds", "2", "--epochs", "3")
    direct, fourier = numbers["accuracy"]["direct"], numbers["accuracy"]["fourier"]
    assert direct.keys() == fourier.keys() == {"0", "1"}
    assert all(80 < value < 100 for value in (*direct.values(), *fourier.values()))
    assert f"{numbers['difference']:+.3f} points" in output


def test_the_lenet_benchmark_runs_and_compares_with_the_plain_way():
    command = [sys.executable, "benchmarks/lenet_training.py", "--batch", "4", "--steps", "1", "--repetitions", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [line[:14].strip() for line in lines[1:]] == ["plain", "fourier", "plain, kept", "fourier, kept"]
    assert lines[1].endswith("1.00 (1.00 to 1.00)")
