"""What a training job asks a scheduler for, and which jobs there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.commands import needs, workflow
from shared.records.records import read_record
from shared.rehearsal.costs import GPU_PROCESS_MIB, memory_mib
from shared.runs.registry import paper
from tests.conftest import ROOT

JOBS = workflow.training_jobs()


def test_a_run_on_two_gpus_asks_for_the_processors_of_both_its_processes():
    run = paper("discface").run("ms1m/arcface", "full")
    training = run.config.training
    assert (training.gpus, training.threads, training.workers) == (2, 1, 8)
    assert needs.processors(run) == 18
    assert needs.megabytes(run) == memory_mib(run) > 2 * GPU_PROCESS_MIB
    assert JOBS["full/discface/runs/ms1m/arcface/seed0"].gpu(4) == 8


def test_a_run_that_was_published_asks_for_what_its_hardest_seed_took_and_half_as_much_again(monkeypatch):
    monkeypatch.chdir(ROOT)
    folder = Path("results/published/adversarial_variance/runs/figure8/8")
    took = [read_record(path).provenance for path in folder.glob("seed*/record.json")]
    run = paper("adversarial_variance").run("figure8/8", "full")
    assert len(took) > 1
    assert needs.megabytes(run) == pytest.approx(1.5 * max(one.peak_memory_mib for one in took), abs=1)
    assert needs.minutes(run) == pytest.approx(2 * max(one.wall_seconds for one in took) / 60)


def test_by_a_measured_speed_else_as_long_as_is_allowed():
    job = JOBS["full/regular_polytope/runs/figure2/simplex/seed0"]
    config = job.run.config
    images = 60_000 * (config.training.epochs or 0)
    speed = paper("regular_polytope").images_per_second["lenet++"]
    assert job.minutes(10_000) == pytest.approx(needs.START_MINUTES + 2 * images / speed / 60, rel=0.02)
    assert job.minutes(30) == 30
    assert JOBS["full/discface/runs/ms1m/arcface/seed0"].minutes(1440) == 1440


def test_a_seed_that_takes_long_is_a_job_and_else_all_seeds_are_one():
    for folder, job in JOBS.items():
        run = job.run
        assert folder.startswith(f"{run.scale}/{run.paper}/runs/{run.name}")
        assert job.seeds if job.alone else job.seeds == tuple(range(run.seeds))
        made = {f"results/{folder}/{record}" for record in job.records}
        assert made == {str(workflow.RESULTS.record(run.scale, run.paper, run.name, seed)) for seed in job.seeds}
        assert job.arguments.endswith(f" --seed {job.seeds[0]}") == job.alone
    assert not any(job.alone for job in JOBS.values() if job.run.scale == "smoke")
    assert len(JOBS) > len({job.run.name for job in JOBS.values()})


def test_what_is_for_a_laptop_asks_for_no_gpu():
    assert {job.run.config.training.gpus for job in JOBS.values() if job.run.scale != "full"} == {0}


def test_runs_configured_alike_share_each_seed_s_training():
    shared = workflow.shared_trainings(JOBS)
    folders = {
        f"full/gaussian_affinity/runs/{run}" for run in ("table4/squared_l2-gaussian", "figure7/10", "figure8/5")
    }
    found = [places for places in shared.values() if folders <= {place.rpartition("/seed")[0] for place in places}]
    run = paper("gaussian_affinity").run("figure7/10", "full")
    assert len(found) == run.seeds
    for places in shared.values():
        [hashed] = {JOBS[place].run.hash for place in places}
        assert {place for place, job in JOBS.items() if job.run.hash == hashed} >= places
    assert not any("table1/odd-10/affinity" in place for places in shared.values() for place in places)
