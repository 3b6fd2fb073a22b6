"""What is to be said of a record that was made by other code than the present."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, get_args

from shared.records.fingerprint import evaluation_code, training_code
from shared.records.records import Record
from shared.records.shown_equal import ShownEqual
from shared.runs.catalogue import benchmarks
from shared.runs.config import Run
from shared.runs.reference import TRAINING

OlderCode = Literal[
    "",
    "older code, shown to train the same bits",
    "older code, shown to train the same bits at smoke scale",
    "measured with older code",
    "trained with older code",
]
OLDER_CODE: tuple[OlderCode, ...] = get_args(OlderCode)
"""From the best to the gravest."""
MEANINGS: dict[OlderCode, str] = {
    "older code, shown to train the same bits": "The code was changed since, and both were shown to leave the same "
    "weights, metrics and kept arrays.",
    "older code, shown to train the same bits at smoke scale": "The same, but shown by short trainings on few images.",
    "measured with older code": "The code that measures was changed since; that it would tell the same is not shown.",
    "trained with older code": "The code that trains was changed since; that it would train the same is not shown.",
}


class HasRuns(Protocol):
    """A paper, or what else has runs at a scale by name."""

    def runs(self, scale: str) -> Mapping[str, Run]: ...  # noqa: D102


def older_code(record: Record, paper: HasRuns, shown: ShownEqual) -> OlderCode:
    """Return the gravest that is to be said of the code that trained a record and that measured its benchmarks."""
    run, small = (paper.runs(scale).get(record.run) for scale in (record.scale, "smoke"))
    if run is None:
        return "trained with older code"
    made = record.provenance
    names = ("", *(name for name in record.metrics if name != TRAINING))
    said = (_of(made.evaluation.get(name, made.code), name, run, small, shown) for name in names)
    return max(said, key=OLDER_CODE.index)


def _of(code: str, benchmark: str, run: Run, small: Run | None, shown: ShownEqual) -> OlderCode:
    """Return what is to be said of the code that measured a benchmark of a run, or trained it where that is "".

    In older records one fingerprint stands for a run's code at every scale, so that it may be known equal at smoke
    scale alone.
    """
    present = _present(run, benchmark)
    if code == present:
        return ""
    if shown.equal(code, present):
        return "older code, shown to train the same bits"
    if small is not None and shown.equal(code, _present(small, benchmark)):
        return "older code, shown to train the same bits at smoke scale"
    return "measured with older code" if benchmark else "trained with older code"


def _present(run: Run, benchmark: str) -> str:
    if not benchmark:
        return training_code(run)
    return evaluation_code(run, benchmark) if benchmark in benchmarks(run.paper) else "no longer there"
