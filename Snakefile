"""Every table and figure of every paper, at every scale, and the reports: generic rules, driven by the registry."""

import re
import shlex
import sys
from pathlib import Path

from shared.commands import job_server
from shared.commands import workflow as suite
from shared.records.fingerprint import report_code, target_code

# `python -m shared try` says by `--config trial=...` which runs of a loss of one's own there are beside the papers'.
JOBS = suite.training_jobs(config.get("trial"))
# A file run by itself starts at once; what it does is done by the server, which has imported all, where there is one.
COMMAND = shlex.join([sys.executable, "-IS", str(Path(job_server.__file__).with_name("job.py"))])
# `--config without=emnist-balanced` waits for no run that is trained on what cannot be had; commas between several.
WITHOUT = suite.data_sets_named(str(config.get("without", "")))


def matching(names):
    """Return a pattern that matches the given names and nothing else."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


wildcard_constraints:
    scale=matching(suite.SCALES),
    paper=matching(suite.papers()),


onstart:
    job_server.serve_this_process()


rule all:
    input:
        "results/smoke/report/index.html",


# One job trains all seeds of a run, since each start of torch costs seconds: so a rule for each choice of seeds.
for seeds in sorted({run.asked_seeds for run in JOBS.values()}):

    rule:
        name:
            suite.training_rule(seeds)
        output:
            [f"results/{{job}}/seed{seed}/record.json" for seed in seeds],
        log:
            "results/{job}/train.log",
        wildcard_constraints:
            job=matching(job for job, run in JOBS.items() if run.asked_seeds == seeds),
        params:
            configuration=lambda wildcards: suite.configuration(JOBS[wildcards.job]),
            arguments=lambda wildcards: suite.arguments(JOBS[wildcards.job]),
        threads: lambda wildcards: JOBS[wildcards.job].config.training.threads
        resources:
            gpu=lambda wildcards: JOBS[wildcards.job].config.training.gpus,
        shell:
            "{COMMAND} train {params.arguments} > {log:q} 2>&1"


rule evaluate:
    input:
        "results/{scale}/{paper}/runs/{run}/seed{seed}/record.json",
    output:
        "results/{scale}/{paper}/runs/{run}/seed{seed}/benchmarks/{benchmark}.json",
    resources:
        gpu=1,
    shell:
        "{COMMAND} evaluate {wildcards.paper} {wildcards.run} {wildcards.benchmark}"
        " --scale {wildcards.scale} --seed {wildcards.seed}"


rule table:
    input:
        lambda wildcards: suite.target_records(wildcards.scale, wildcards.paper, wildcards.target, WITHOUT),
    output:
        multiext("results/{scale}/{paper}/{target}", ".csv", ".md", ".tex"),
    wildcard_constraints:
        target=r"table\w+",
    params:
        code=lambda wildcards: target_code(wildcards.paper),
    shell:
        "{COMMAND} render {wildcards.paper} {wildcards.target} --scale {wildcards.scale}"


rule figure:
    input:
        lambda wildcards: suite.target_records(wildcards.scale, wildcards.paper, wildcards.target, WITHOUT),
    output:
        multiext("results/{scale}/{paper}/{target}", ".png", ".pdf", ".csv"),
    wildcard_constraints:
        target=r"figure\w+",
    params:
        code=lambda wildcards: target_code(wildcards.paper),
    shell:
        "{COMMAND} render {wildcards.paper} {wildcards.target} --scale {wildcards.scale}"


rule report:
    input:
        lambda wildcards: suite.report_files(wildcards.scale, WITHOUT),
    output:
        "results/{scale}/verdicts.json",
        "results/{scale}/report/index.html",
    params:
        code=report_code(),
    shell:
        "{COMMAND} report --scale {wildcards.scale}"


for scale in suite.SCALES:

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
