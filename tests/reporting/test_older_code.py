"""What the report says of a record by the code that trained and that measured it."""

from __future__ import annotations

import datetime

import pytest

from shared.records.fingerprint import evaluation_code, training_code
from shared.records.records import Record
from shared.records.shown_equal import Comparison, Pair, ShownEqual
from shared.reporting.older_code import older_code
from shared.runs.registry import paper
from tests.records.samples import record

GA = paper("gaussian_affinity")
RUN = "table1/odd-10/affinity"
FULL, SMOKE = (GA.run(RUN, scale) for scale in ("full", "smoke"))
TRAINED, MEASURED = training_code(FULL), evaluation_code(FULL, "mnist-test")
OLD = "0" * 12


def made(code: str, **evaluation: str) -> Record:
    provenance = record().provenance.model_copy(update={"code": code, "evaluation": evaluation})
    return record(RUN).model_copy(update={"provenance": provenance})


def shown(*pairs: tuple[str, str]) -> ShownEqual:
    return ShownEqual(
        comparisons=(
            Comparison(
                commits=("a" * 40, "b" * 40),
                scale="smoke",
                machine="a processor",
                packages={},
                date=datetime.date(2026, 1, 2),
                pairs=tuple(Pair(codes=pair, runs=1) for pair in pairs),
            ),
        )
    )


@pytest.mark.parametrize(
    ("entry", "pairs", "said"),
    [
        (made(TRAINED, **{"mnist-test": MEASURED}), [], ""),
        (made(OLD, **{"mnist-test": MEASURED}), [], "trained with older code"),
        (made(TRAINED, **{"mnist-test": OLD}), [], "measured with older code"),
        (
            made(OLD, **{"mnist-test": MEASURED}),
            [(OLD, TRAINED)],
            "older code, shown to train the same bits",
        ),
        (made(OLD), [(OLD, TRAINED)], "measured with older code"),
        (made(OLD), [(OLD, TRAINED), (OLD, MEASURED)], "older code, shown to train the same bits"),
        (
            made(OLD),
            [(OLD, training_code(SMOKE)), (OLD, evaluation_code(SMOKE, "mnist-test"))],
            "older code, shown to train the same bits at smoke scale",
        ),
    ],
)
def test_what_is_said_of_a_record(entry, pairs, said):
    assert training_code(SMOKE) != TRAINED
    assert older_code(entry, GA, shown(*pairs)) == said


def test_a_run_or_a_benchmark_that_is_no_more_is_of_older_code():
    gone = made(TRAINED).model_copy(update={"run": "gone"})
    assert older_code(gone, GA, ShownEqual()) == "trained with older code"
    entry = made(TRAINED, **{"mnist-test": MEASURED})
    entry.metrics["gone"] = {"error": 1.0}
    assert older_code(entry, GA, ShownEqual()) == "measured with older code"
