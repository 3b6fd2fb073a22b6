"""What is said of a job that failed: the reason that it left in its log, and none of an earlier attempt."""

from __future__ import annotations

import logging

from snakemake_interface_logger_plugins.common import LogEvent

from shared.commands.job_log import LineAJob


def test_the_reason_of_a_failure_is_what_this_attempt_wrote(tmp_path):
    said = LineAJob(logging.Formatter("%(message)s"))
    log = tmp_path / "train.log"
    log.write_text("error: the first reason.\n")

    def told(event: LogEvent) -> str:
        record = logging.makeLogRecord({"msg": "failed", "event": event})
        vars(record).update(jobid=1, rule_name="train", output=[str(tmp_path / "seed0/record.json")])
        said.filter(record)
        return said.format(record)

    told(LogEvent.JOB_INFO)
    assert told(LogEvent.JOB_ERROR) == "failed"
    with log.open("a") as file:
        file.write("error: the second reason.\n")
    assert told(LogEvent.JOB_ERROR) == f"failed\n    reason: the second reason. ({log})"
