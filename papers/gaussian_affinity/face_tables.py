"""Table 3 and the numbers in the text of section 4.3: verification of faces."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from papers.gaussian_affinity.names import STAND_INS
from shared.records.records import Records
from shared.reporting.comparison import SEEDS, printed_cell
from shared.reporting.health_marks import mark
from shared.reporting.table import Table, measured

VIDEO_AND_STILLS = {"lfw": "LFW", "ytf": "YTF"}
OTHER_FACES = {"agedb-30": "AgeDB30", "cfp-ff": "CFP-FF", "cfp-fp": "CFP-FP"}


def table3(records: Records) -> Table:
    """Table 3: verification accuracy on LFW and YTF; what is quoted, printed and measured side by side."""
    methods = [value.row for value in records.reference.values if (value.target, value.column) == ("table3", "LFW")]
    benchmarks = VIDEO_AND_STILLS | _characters(records)
    rows = []
    for method in [*methods, "Softmax"]:
        own = {"Affinity Loss": "affinity", "Softmax": "softmax"}.get(method)
        row = {"Methods": method}
        for column in ("#Models", "Train Data"):
            row[column] = "" if method == "Softmax" else printed_cell(records, "table3", method, column)
        for benchmark, label in benchmarks.items():
            if benchmark in VIDEO_AND_STILLS:
                printed = "" if method == "Softmax" else printed_cell(records, "table3", method, label)
                row[f"{label} (quoted)"] = "" if own else printed
                row[f"{label} (printed)"] = printed if own else ""
            row[f"{label} (measured)"] = _verification(records, benchmark, own) if own else ""
        rows.append(row)
    return Table(
        data=_face_values(records, benchmarks),
        display=pd.DataFrame(rows),
        caption="Table 3. Face verification accuracy (%)",
        notes=[SEEDS, *_on_characters(benchmarks)],
    )


def table_text(records: Records) -> Table:
    """Section 4.3, text: verification accuracy on AgeDB-30, CFP-FF and CFP-FP, which the paper prints in no table."""
    benchmarks = OTHER_FACES | _characters(records)
    rows = [
        {
            "Benchmark": label,
            "Affinity (printed)": printed_cell(records, "table_text", label, "Affinity Loss")
            if name in OTHER_FACES
            else "",
            "Affinity (measured)": _verification(records, name, "affinity"),
            "Softmax (measured)": _verification(records, name, "softmax"),
        }
        for name, label in benchmarks.items()
    ]
    return Table(
        data=_face_values(records, benchmarks),
        display=pd.DataFrame(rows),
        caption="Face verification accuracy (%) printed in the text of section 4.3",
        notes=[SEEDS, *_on_characters(benchmarks)],
    )


def _characters(records: Records) -> dict[str, str]:
    """Return the benchmark on characters that stands in for faces, if it was run."""
    return {} if records.metric("unseen-pairs", "accuracy").empty else {"unseen-pairs": "Characters"}


def _on_characters(benchmarks: Iterable[str]) -> list[str]:
    return [STAND_INS["omniglot"]] if "unseen-pairs" in benchmarks else []


def _verification(records: Records, benchmark: str, loss: str) -> str:
    table = records.metric(benchmark, "accuracy")
    chosen = table[table["loss"] == loss].sort_values("seed")
    return measured(chosen["value"].tolist(), mark=mark(records, chosen["run"]))


def _face_values(records: Records, benchmarks: Iterable[str]) -> pd.DataFrame:
    table = records.table
    chosen = table[table["benchmark"].isin(list(benchmarks)) & (table["metric"] == "accuracy")]
    return chosen[["run", "seed", "loss", "benchmark", "metric", "value"]]
