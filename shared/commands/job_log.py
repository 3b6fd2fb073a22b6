"""What Snakemake says on standard error, in a line for each job as it ends; its file in `.snakemake/log` has it all."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from snakemake_interface_logger_plugins.common import LogEvent

from shared.commands.failures import LOG, read_from, why

LOGGER, HANDLER = "snakemake.logging", "DefaultStreamHandler"
SELECTING = "Select jobs to execute..."


class LineAJob(logging.Formatter):
    """Says of a job that ended how many have, of how many, its rule and its first file; all else as `given` says it.

    Of a job that failed it adds why, as the job's own log tells.
    """

    def __init__(self, given: logging.Formatter) -> None:
        super().__init__()
        self.given = given
        self.jobs: dict[int, str] = {}
        self.written: dict[Path, int] = {}
        self.ended = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a message is said at all; note the jobs, how long their logs are, and which ended last."""
        event, told = getattr(record, "event", None), vars(record)
        if event is LogEvent.JOB_INFO:
            self.jobs[told["jobid"]] = " ".join([told["rule_name"], *told["output"][:1]])
            self.written |= {log: log.stat().st_size for log in _logs(told["output"])}
        if event is LogEvent.JOB_FINISHED:
            self.ended = self.jobs.get(told["job_id"], "")
        silent = (LogEvent.JOB_INFO, LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED)
        return event not in silent and record.msg != SELECTING

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a job that ended, or what is said otherwise."""
        event, told = getattr(record, "event", None), vars(record)
        if event is LogEvent.PROGRESS:
            return f"{told['done']} of {told['total']}: {self.ended}"
        said = self.given.format(record)
        reason = self._reason(told["output"]) if event is LogEvent.JOB_ERROR else ""
        return f"{said}\n    reason: {reason}" if reason else said

    def _reason(self, files: Iterable[str]) -> str:
        """Return why the job that was to make these files failed, with the log that says so; "" where none does."""
        said = {log: why(read_from(log, self.written.get(log, 0)), ()) for log in _logs(files)}
        return next((f"{reason} ({log})" for log, reason in said.items() if reason), "")


def _logs(files: Iterable[str]) -> list[Path]:
    """Return the logs there are of the job that makes these files: beside them, or beside the folders of the seeds."""
    logs = dict.fromkeys(folder / LOG for file in files for folder in Path(file).parents[:2])
    return [log for log in logs if log.is_file()]


def say_a_line_a_job() -> None:
    """Have standard error say a line a job from here on; a log handler of the user's own is left as it is."""
    for handler in logging.getLogger(LOGGER).handlers:
        if handler.name == HANDLER and handler.formatter is not None:
            line = LineAJob(handler.formatter)
            handler.setFormatter(line)
            handler.addFilter(line.filter)
