"""Every table and figure of every paper, at every scale, and the reports: generic rules, driven by the registry."""

import re
import shlex
import sys
from pathlib import Path

from shared.commands import job_log, job_server, running
from shared.commands.workflow import Asked
from shared.records.fingerprint import report_code, target_code
from shared.records.results import SUFFIXES
from shared.runs.registry import SCALES

running.hold_folder()
suite = Asked()
suite.require_settings(config)
# `python -m shared try` says by `--config trial=...` which runs of a loss of one's own there are beside the papers'.
JOBS = suite.training_jobs(config.get("trial"))
# A file run by itself starts at once; what it does is done by the server, which has imported all, where there is one.
# With `--config image=replications.sif` and Apptainer (README), it is run by the image's Python.
IN_IMAGE = suite.in_image(config, [str(means) for means in workflow.deployment_settings.deployment_method])
PYTHON = "python" if IN_IMAGE else sys.executable
COMMAND = shlex.join([PYTHON, "-IS", str(Path(job_server.__file__).with_name("job.py"))])
# `--config without=emnist-balanced` waits for no run that is trained on what cannot be had; commas between several.
WITHOUT = suite.data_sets_named(config, "without")
# `--config longest=720` asks a cluster for no more than so many minutes a job.
LONGEST = suite.count(config, "longest", suite.LONGEST_MINUTES)
# `--config runs_per_gpu=4` lets so many small runs share a GPU of this machine; `--resources gpu=` goes on to say GPUs.
SHARES = suite.count(config, "runs_per_gpu", 1)
if "gpu" in workflow.global_resources:
    workflow.global_resources["gpu"] = SHARES * int(workflow.global_resources["gpu"].value)


# Of the jobs that share a training one is started at a time: others would wait for its lock, and hold GPUs meanwhile.
SHARED = suite.shared_trainings(JOBS)
for training in SHARED:
    workflow.global_resources[training] = 1


def matching(names):
    """Return a pattern that matches the given names and nothing else."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


wildcard_constraints:
    # What is no scale or no paper is answered by the functions that are asked for its files.
    scale="[^/]+",
    paper="[^/]+",


# Cheap: drawn where Snakemake runs, on a cluster too.
localrules:
    table,
    figure,
    report,


if IN_IMAGE:

    container: config["image"]


onstart:
    if not (workflow.output_settings.verbose or workflow.output_settings.printshellcmds):
        job_log.say_a_line_a_job()
    # Its default, 100 jobs a second, has Snakemake 9 look for jobs once more in every second that follows, for each time
    # it has looked (a thread each): at the end of a long workflow it does nothing else.
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit is not None and limit.max_jobs == 100:
        workflow.scheduler.job_rate_limiter = None
    # A cluster's jobs are processes of their own, and have their GPUs to themselves.
    if workflow.local_exec and not IN_IMAGE:
        job_server.serve_this_process()
    elif SHARES > 1 and not workflow.local_exec:
        sys.exit("error: runs_per_gpu is for the GPUs of one machine; leave it out on a cluster.")


rule all:
    input:
        "results/smoke/report/index.html",


# A rule for each choice of seeds that a job trains.
for name, jobs in suite.kinds_of_jobs(JOBS).items():

    rule:
        name:
            name
        output:
            [f"results/{{job}}/{record}" for record in next(iter(jobs.values())).records],
        wildcard_constraints:
            job=matching(jobs),
        params:
            configuration=lambda wildcards: suite.configuration(JOBS[wildcards.job].run),
            arguments=lambda wildcards: JOBS[wildcards.job].arguments,
        threads: lambda wildcards: suite.needs.processors(JOBS[wildcards.job].run)
        resources:
            gpu=lambda wildcards: JOBS[wildcards.job].gpu(SHARES),
            share=lambda wildcards: SHARES if JOBS[wildcards.job].shares_a_gpu else 1,
            nodes=1,
            mem_mb=lambda wildcards, attempt: attempt * suite.needs.megabytes(JOBS[wildcards.job].run),
            runtime=lambda wildcards: JOBS[wildcards.job].minutes(LONGEST),
            # Two minutes before the limit (Slurm may do it a minute earlier) a training saves and stops; retried, it
            # goes on from there.
            slurm_extra="--signal=TERM@120",
            **{
                training: lambda wildcards, folders=folders: 1 if wildcards.job in folders else None
                for training, folders in SHARED.items()
                if folders & jobs.keys()
            },
        # The command takes the shell's place, so that who waits for the shell waits for it, when both get a signal. The
        # log is not given by `log:`, since Snakemake would remove it before each attempt, with what ended the last.
        shell:
            "exec {COMMAND} train {params.arguments} --share {resources.share} --requeue"
            " >> results/{wildcards.job:q}/train.log 2>&1"


rule evaluate:
    input:
        "results/{scale}/{paper}/runs/{run}/seed{seed}/record.json",
    output:
        "results/{scale}/{paper}/runs/{run}/seed{seed}/benchmarks/{benchmark}.json",
    threads: lambda wildcards: suite.needs.processors(suite.run(wildcards))
    resources:
        gpu=lambda wildcards: SHARES * min(1, suite.run(wildcards).config.training.gpus),
        nodes=1,
        mem_mb=lambda wildcards, attempt: attempt * suite.needs.megabytes(suite.run(wildcards)),
        runtime=LONGEST,
    shell:
        "exec {COMMAND} evaluate {wildcards.paper} {wildcards.run} {wildcards.benchmark}"
        " --scale {wildcards.scale} --seed {wildcards.seed}"


for kind, suffixes in SUFFIXES.items():

    rule:
        name:
            kind
        input:
            lambda wildcards: suite.waited_for(wildcards.scale, wildcards.paper, wildcards.target, WITHOUT),
        output:
            multiext("results/{scale}/{paper}/{target}", *(f".{suffix}" for suffix in suffixes)),
        wildcard_constraints:
            target=kind + r"\w+",
        params:
            code=lambda wildcards: target_code(wildcards.paper),
            measured_apart=lambda wildcards: suite.measured_apart(
                suite.target_records(wildcards.scale, wildcards.paper, wildcards.target, WITHOUT)
            ),
        shell:
            "{COMMAND} render {wildcards.paper} {wildcards.target} --scale {wildcards.scale} > /dev/null"


rule report:
    input:
        lambda wildcards: suite.report_files(wildcards.scale, WITHOUT),
    output:
        "results/{scale}/verdicts.json",
        "results/{scale}/report/index.html",
    params:
        code=report_code(),
        measured_apart=lambda wildcards: suite.measured_apart(suite.report_files(wildcards.scale, WITHOUT)),
        tried=lambda wildcards: suite.tried(wildcards.scale),
    shell:
        "{COMMAND} report --scale {wildcards.scale} > /dev/null"


# A name that is none of the rules' is answered with the nearest of them.
rule unknown:
    input:
        lambda wildcards: suite.unknown(wildcards.name),
    output:
        "{name}",
    wildcard_constraints:
        name=r"\w+",


for scale in SCALES:

    rule:
        name:
            scale
        input:
            f"results/{scale}/report/index.html",

    for paper in suite.papers():

        rule:
            name:
                f"{scale}_{paper}"
            input:
                suite.target_files(scale, paper, WITHOUT),
