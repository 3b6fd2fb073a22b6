"""The benchmark of training the face networks: what it counts, how it finds a batch, that it runs."""

from __future__ import annotations

import json

import pytest
import torch

from benchmarks.face_training import NETWORKS, Trainer, largest, measured, parsed, peak
from benchmarks.measuring import THREADS, duration, main

TINY = ["--device", "cpu", "--side", "16", "--filters", "2", "--classes", "7", "--batch", "2", "--gemm", "32"]
QUICK = [*TINY, "--steps", "1", "--repetitions", "1", "--threads", "1"]


def test_the_operations_of_a_step_by_hand():
    # One unit a stage, 2 filters, images of 16 x 16, as tests/backbones/test_lresnet_ir.py counts the forward pass; the
    # head has 512 x 7. A step takes three times that, less the gradient of the images, which nobody needs.
    given = parsed(QUICK)
    trainer = Trainer((1, 1, 1, 1), 7, given, torch.device("cpu"))
    stem = 9 * 3 * 2 * 16**2
    forward, inputs, side = stem, 2, 16
    for outputs in (2, 4, 8, 16):
        forward += 9 * inputs * outputs * side**2
        side //= 2
        forward += (9 * outputs**2 + inputs * outputs) * side**2
        inputs = outputs
    forward += 16 * 512 + 512 * 7
    assert trainer.operations() == 2 * (3 * forward - stem)


@pytest.mark.parametrize(("room", "found"), [(64, 64), (100, 64), (8, 8), (7, 0), (10_000, 512)])
def test_batches_are_doubled_until_one_does_not_fit(room, found):
    tried = []

    def fits(batch: int) -> bool:
        tried.append(batch)
        return bool(batch <= room)

    batch = largest(fits, 8, 512)
    assert batch == found
    assert tried == [8 * 2**i for i in range(len(tried))]
    assert tried[-1] == (min(2 * found, 512) if found else 8)


@pytest.mark.parametrize(
    ("name", "rate"),
    [("NVIDIA H100 80GB HBM3", 989e12), ("NVIDIA H100 PCIe", 756e12), ("NVIDIA A100-SXM4-80GB", 312e12)],
)
def test_the_stated_peak_of_a_device(name, rate):
    assert peak(name) == rate
    assert peak("AMD EPYC") is None


def test_a_step_updates_every_parameter():
    trainer = Trainer((1, 1, 1, 1), 7, parsed(QUICK), torch.device("cpu"))
    before = [parameter.detach().clone() for parameter in trainer.optimizer.parameters]
    trainer.step(*trainer.batch(4))
    changed = [not torch.equal(old, new) for old, new in zip(before, trainer.optimizer.parameters, strict=True)]
    assert sum(changed) >= len(changed) - 1  # batch normalisation takes one bias away again


def test_it_runs_and_writes_its_numbers(tmp_path, capsys, monkeypatch):
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)  # so that what is set is undone
    threads = torch.get_num_threads()
    main(measured, parsed([*QUICK, "--threads", str(threads), "--json", str(tmp_path / "speed.json")]))
    shown = capsys.readouterr().out
    result = json.loads((tmp_path / "speed.json").read_text())
    assert result["options"]["batch"] == 2
    assert [one["part"] for one in result["rows"]] == list(NETWORKS)
    for one in result["rows"]:
        assert f"| {one['part']} | {duration(one['seconds'])} |" in shown
        assert one["count"] == 2
        assert one["share"] > 0
        assert "GFLOP an image" in one["note"]


def test_numbers_that_make_no_sense_are_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        parsed(["--batch", "0"])
    assert stopped.value.code == 2
    assert "0 is below 1" in capsys.readouterr().err
