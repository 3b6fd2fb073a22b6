"""Tables 1 to 5: verification and identification of faces."""

from __future__ import annotations

import pandas as pd

from papers.discface.comparison import CHARACTERS, FAR, ON_CHARACTERS, comparison
from shared.records.records import Records
from shared.reporting.comparison import DASH, SEEDS, evaluated, shown, tidy
from shared.reporting.table import Table

WEIGHTS = ("0", "0.2", "0.4", "0.6", "0.8", "1")
VERIFICATION = {
    "LFW": ("lfw", "accuracy"),
    "CFP-FP": ("cfp-fp", "accuracy"),
    "AgeDB-30": ("agedb-30", "accuracy"),
    "CALFW": ("calfw", "accuracy"),
    "CPLFW": ("cplfw", "accuracy"),
}
SURVEILLANCE = {
    "TAR @ FAR 10%": ("qmul-survface", "tar@1e-1"),
    "TAR @ FAR 1%": ("qmul-survface", "tar@1e-2"),
    "TAR @ FAR 0.1%": ("qmul-survface", "tar@1e-3"),
    "Accuracy": ("qmul-survface", "accuracy"),
}
LARGE = {
    "CPLFW": ("cplfw", "accuracy"),
    "IJB-B": ("ijb-b", "tar@1e-5"),
    "IJB-C": ("ijb-c", "tar@1e-5"),
    "MF Id.": ("megaface", "rank1"),
    "MF Ver.": ("megaface", "tar@1e-6"),
}


def table1(records: Records) -> Table:
    """Table 1: verification on QMUL-SurvFace."""
    rows = {
        "DeepID2 [38]": None,
        "FaceNet [3]": None,
        "SphereFace [6]": None,
        "Center Loss [4]": None,
        "CosFace": "qmul/cosface",
        "Cos-DiscFace": "qmul/cos-discface",
        "Softmax": "qmul/softmax",
        "Soft-DiscFace": "qmul/soft-discface",
    }
    caption = "Table 1. Verification (%) on QMUL-SurvFace, λ = 1"
    return comparison(records, "table1", rows, SURVEILLANCE, caption, decimals=1)


def table2(records: Records) -> Table:
    """Table 2: verification accuracy on five sets, trained on CASIA-WebFace and on MS1MV2."""
    rows = {
        "FaceNet [3]": None,
        "OE-CNNs [39]": None,
        "Center Loss [4]": None,
        "NormFace [5]": None,
        "SphereFace [6]": None,
        "RegularFace [9]": None,
        "AMSoftmax [13]": None,
        "PFE-AMSoftmax [40]": None,
        "CosFace": "casia/0",
        "Cos-DiscFace": "casia/0.2",
        "Ring Loss [27]": None,
        "AdaptiveFace [41]": None,
        "CosFace [7]": None,
        "ArcFace [8]": "ms1m/arcface",
        "Arc-DiscFace": "ms1m/arc-discface",
    }
    caption = "Table 2. Verification accuracy (%) on LFW, CFP-FP, AgeDB-30, CALFW and CPLFW"
    note = "ArcFace is quoted in this table; what is measured beside it is the run of table 3."
    return comparison(records, "table2", rows, VERIFICATION, caption, first=("Dataset",), notes=[note])


def table3(records: Records) -> Table:
    """Table 3: CPLFW, IJB-B, IJB-C and MegaFace, trained on MS1MV2."""
    rows = {
        "ArcFace": "ms1m/arcface",
        "Arc-Center Loss": "ms1m/arc-center",
        "Arc-Contrastive Loss": "ms1m/arc-contrastive",
        "Arc-Triplet Loss": "ms1m/arc-triplet",
        "Arc-DiscFace": "ms1m/arc-discface",
        "ArcFace, batches of pairs": "ms1m/arcface-paired",
        "Arc-DiscFace, batches of pairs": "ms1m/arc-discface-paired",
    }
    caption = "Table 3. CPLFW, IJB-B, IJB-C and MegaFace (%)"
    notes = [
        "CPLFW: accuracy; IJB-B and IJB-C: TAR at FAR 1e-5; MF Id.: rank-1 identification; MF Ver.: TAR at FAR 1e-6.",
        "The contrastive and the triplet loss are trained on batches of pairs of images of one class. The last two "
        "rows are ours, their controls: on the same batches without such a loss.",
    ]
    return comparison(records, "table3", rows, LARGE, caption, notes=notes)


def table4(records: Records) -> Table:
    """Table 4: IJB-C after training on a long-tailed set."""
    rows = {
        "ArcFace": "ms1m-lt/arcface",
        "Arc-Center Loss": "ms1m-lt/arc-center",
        "Arc-DiscFace": "ms1m-lt/arc-discface",
    }
    columns = {f"FAR {far}": ("ijb-c", f"tar@{far}") for far in FAR}
    caption = "Table 4. TAR (%) on IJB-C after training on long-tailed data"
    return comparison(records, "table4", rows, columns, caption)


def table5(records: Records) -> Table:
    """Table 5: Cos-DiscFace trained on CASIA-WebFace with λ from 0 to 1."""
    order = ("LFW", "AgeDB-30", "CFP-FP", "CPLFW", "CALFW")
    asked = {name: VERIFICATION[name] for name in order} | CHARACTERS
    printed = {(value.row, value.column): value for value in records.reference.values if value.target == "table5"}
    there = evaluated(records)
    weights = [weight for weight in WEIGHTS if f"casia/{weight}" in records.runs] or list(WEIGHTS)
    rows = []
    for name, (benchmark, metric) in asked.items():
        if name in CHARACTERS and (benchmark, metric) not in there:
            continue
        row = {"Benchmark": name}
        for weight in WEIGHTS:
            value = printed.get((name, f"λ = {float(weight)}"))
            row[f"λ = {weight} (printed)"] = "–" if value is None or value.value is None else f"{value.value:.2f}"
            if weight in weights:
                row[f"λ = {weight} (measured)"] = shown(records, f"casia/{weight}", benchmark, metric)
        rows.append(row)
    return Table(
        data=tidy(records, list(asked.values())),
        display=pd.DataFrame(rows),
        caption="Table 5. Cos-DiscFace by λ, in percent; λ = 0 is CosFace",
        notes=[SEEDS, DASH, *([ON_CHARACTERS] if not there.isdisjoint(CHARACTERS.values()) else [])],
    )
