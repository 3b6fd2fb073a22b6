"""The verdicts of a whole paper, as they are written to a file."""

from __future__ import annotations

import json

import pandas as pd

from shared.runs.reference import read_reference
from shared.verdicts.verdicts import judge
from tests.conftest import ROOT
from tests.verdicts.samples import ERROR, records


def test_the_verdicts_of_the_real_paper_are_json_and_cover_everything() -> None:
    reference = read_reference(ROOT / "papers/gaussian_affinity/reference.yaml")
    splits = ("standard", "odd-10", "even-10", "odd-25", "even-25")
    table = pd.concat(
        [
            records({f"table1/{split}/affinity": [99.5, 99.55, 99.6] for split in splits}),
            records({f"table1/{split}/affinity": [0.5, 0.45, 0.4] for split in splits}, ERROR),
            records({f"table1/{split}/softmax": [0.9, 0.95, 0.85] for split in splits}, ERROR),
        ]
    )
    found = judge(reference, table, "full").as_dict()
    assert json.loads(json.dumps(found, allow_nan=False))["scale"] == "full"
    assert len(found["values"]) == len(reference.values)
    cells = {(cell["target"], cell["row"], cell["column"]): cell for cell in found["values"]}
    standard = cells["table1", "Stand. split", "Affinity Loss"]
    assert (standard["printed"], standard["verdict"], standard["decimals"]) == (99.6, "matched", 1)
    assert cells["table1", "10% of odd digits", "Affinity Loss"]["verdict"] == "better"
    assert cells["table1", "10% of odd digits", "CoSen CNN [24]"]["verdict"] == "quoted"
    assert cells["table3", "Affinity Loss", "LFW"]["verdict"] == "not run"
    assert cells["text", "folds", "DIL"]["verdict"] == "setting"
    claims = {claim["id"]: claim for claim in found["claims"]}
    assert (claims["GA-C9"]["verdict"], claims["GA-C9"]["kind"]) == ("matched", "lower")
    assert claims["GA-C9b"]["verdict"] == "matched"
    assert claims["GA-C1"]["verdict"] == "not run"
    assert claims["GA-C11a"]["verdict"] == "not run"
    assert claims["GA-C22"]["verdict"] == "not runnable"
    assert {"printed", "spread", "mean", "sd", "n", "interval", "difference", "tolerance", "where"} <= set(standard)
