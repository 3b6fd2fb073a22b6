"""What runs take is known of every run, without torch, and is what their rehearsals found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import UserError
from shared.rehearsal import costs, rehearsed
from shared.runs.config import Run
from shared.runs.registry import SMOKE, TRAINED_SCALES, paper, papers

EVERY = [run for entry in papers().values() for scale in TRAINED_SCALES for run in entry.runs(scale).values()]
LARGE = [run for run in EVERY if run.scale != SMOKE]


def measured_nowhere(run: Run) -> Run:
    assert run.config.backbone.name not in paper(run.paper).images_per_second
    return run


def test_every_run_has_been_rehearsed_and_no_other_is_kept():
    assert {rehearsed.burden(run) for run in LARGE} <= set(rehearsed.known()) <= set(map(rehearsed.burden, EVERY))


def test_hours_and_memory_of_every_run_are_known():
    for run in EVERY:
        hours = costs.hours(run)
        assert hours is not None
        assert 0 < hours < 1000
        assert costs.memory_mib(run) > costs.START_MIB
        assert run.scale == SMOKE or rehearsed.rehearsed(run)


def test_hours_are_operations_by_what_a_device_does():
    run = measured_nowhere(paper("discface").run("ms1m/arcface", "full"))
    found = rehearsed.rehearsed(run)
    assert found is not None
    training = run.config.training
    assert training.gpus == 2
    images = costs.steps(run) * training.batch_size
    seconds = images * found.training_flops / (2 * 0.5 * 1e12 * 100)
    device = costs.gpu("100,400,1000", 0.5)
    assert costs.hours(run, device) == pytest.approx((costs.START_SECONDS + seconds) / 3600)
    faster = costs.hours(run, costs.gpu("200,400,1000", 0.5))
    assert faster is not None
    assert faster < (costs.START_SECONDS + seconds) / 3600


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_each_precision_has_a_peak_of_its_own(monkeypatch, precision):
    run = measured_nowhere(paper("discface").run("ms1m/arcface", "full"))
    found = rehearsed.rehearsed(run)
    assert found is not None
    monkeypatch.setattr(costs, "rehearsed", lambda _: found)
    training = run.config.training.model_copy(update={"precision": precision})
    hours = costs.hours(replace(run, config=run.config.model_copy(update={"training": training})))
    peak = {"fp32": 19.5, "tf32": 156, "bf16": 312}[precision]
    images = costs.steps(run) * training.batch_size
    seconds = images * found.training_flops / (2 * 0.3 * 1e12 * peak)
    assert hours == pytest.approx((costs.START_SECONDS + seconds) / 3600)


def test_a_measured_speed_counts_before_operations():
    run = paper("gaussian_affinity").run("table1/standard/softmax", "full")
    speed = paper("gaussian_affinity").images_per_second["small-cnn"]
    images = costs.steps(run) * run.config.training.batch_size
    assert costs.hours(run) == pytest.approx((costs.START_SECONDS + images / speed) / 3600)


@pytest.mark.parametrize(
    ("name", "run", "images"),
    [
        ("gaussian_affinity", "table1/standard/softmax", 60_000),
        ("gaussian_affinity", "table1/odd-10/softmax", 33_000),
        ("regular_polytope", "search/epochs/8", 8_333),
        ("discface", "figure4/cosface", 4 * 362),
    ],
)
def test_an_epoch_has_the_images_that_the_sampling_leaves(name, run, images):
    assert costs.training_images(paper(name).run(run, "lite")) == pytest.approx(images, rel=1e-3)


def test_several_gpus_share_the_images_and_have_the_rest_each():
    held = rehearsed.Memory(weights=10, gradients=10, optimizer=10, activations=80, embedding=60, peak=120)
    assert [held.on(devices) for devices in (1, 2, 4)] == [120, 90, 75]


@pytest.mark.parametrize("peak", ["fast", "1,2", "1,2,3,4", "0,1,2", "1e-320,1,1", "nan,1,1", "inf,1,1"])
def test_a_peak_that_is_none_is_refused_with_an_example(peak):
    with pytest.raises(UserError, match=rf"^--peak {peak}: give three numbers as 19\.5,156,312, each from"):
        costs.gpu(peak, None)


@pytest.mark.parametrize("share", [-1.0, 0.0, 1e-320, 2.0, float("nan")])
def test_a_share_by_which_nothing_is_ever_done_is_refused(share):
    with pytest.raises(UserError, match=rf"^--share {share:g}: give the share of the peak .*, from 0\.001 to 1\.$"):
        costs.gpu(None, share)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a": 1}', b'{"a": {}, "a": {}}'])
def test_a_damaged_file_of_what_was_found_is_named(tmp_path, content):
    path = tmp_path / "rehearsed.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"^{path}: it is not what rehearsals found; restore it"):
        rehearsed.known(path)


@pytest.mark.parametrize(("hours", "said"), [(2.04, "2.0 hours"), (0.5, "30 minutes"), (0.001, "1 minute")])
def test_less_than_an_hour_is_told_in_minutes(hours, said):
    assert costs.in_words(hours) == said
