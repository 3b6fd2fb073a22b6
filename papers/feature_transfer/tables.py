"""The tables of the paper, and one of ours, each a function from its records."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from shared.records.records import Records
from shared.reporting.comparison import SEEDS, Ours, Place, comparison, difference, evaluated, of_tests, tidy
from shared.reporting.table import Table

SPLITS = {
    "10K0K": (10_000, 0),
    "10K10K": (10_000, 10_000),
    "10K30K": (10_000, 30_000),
    "10K50K": (10_000, 50_000),
    "60K0K": (60_000, 0),
}
"""How many regular and how many UR classes each split has in the paper."""

METHODS = {"softmax": "sfmx", "metric-l2": "sfmx+m-L2", "ftl": "FTL (Ours)"}
"""The methods, each a step from the one before; feature transfer needs UR classes."""

SPACES = "g: rich features; f: features."
OF_FACES = " LFW: accuracy; IJB-A: TAR at FAR, and identification;"
OF_HELD_OUT = (
    " Reg. and UR: rank-1 accuracy of held-out images of regular and of UR classes, by the nearest class center or, "
    "with FC, by the classifier."
)
COLUMNS = f"{SPACES}{OF_FACES}{OF_HELD_OUT}"
BENCHMARKS: Mapping[str, Place] = {
    "LFW g": ("lfw-rich", "accuracy"),
    "LFW f": ("lfw", "accuracy"),
    "IJB-A FAR .01": ("ijb-a", "tar@1e-2"),
    "IJB-A FAR .001": ("ijb-a", "tar@1e-3"),
    "IJB-A Rank-1": ("ijb-a", "rank1"),
    "IJB-A Rank-5": ("ijb-a", "rank5"),
}
HELD_OUT: Mapping[str, Place] = {
    "MS1M Reg.": ("nearest-center", "rank1_regular"),
    "MS1M UR": ("nearest-center", "rank1_ur"),
}
HELD_OUT_BY_RICH = Ours(
    {
        "MS1M Reg., g": ("nearest-center-rich", "rank1_regular"),
        "MS1M UR, g": ("nearest-center-rich", "rank1_ur"),
        "MS1M Reg., FC": ("nearest-center", "rank1_regular_fc"),
        "MS1M UR, FC": ("nearest-center", "rank1_ur_fc"),
    },
    "The columns of MS1M by g and by FC are ours: the paper prints g on LFW alone, and what FC finds nowhere.",
)
ELSEWHERE = {
    "faces-drawn": ("Drawn", "faces drawn by this suite", "people trained on"),
    "emnist-selection": ("EMNIST", "handwritten characters", "characters trained on (in 10K0K the UR ones are not)"),
    "omniglot": ("Omniglot", "handwritten characters of many alphabets", "characters trained on"),
}
"""What is trained on at lite scale, in place of the paper's faces: its name in a table, and what it is of."""

IJB_A: Mapping[str, Place] = {
    "FAR 0.01": ("ijb-a", "tar@1e-2"),
    "FAR 0.001": ("ijb-a", "tar@1e-3"),
    "Rank-1": ("ijb-a", "rank1"),
    "Rank-5": ("ijb-a", "rank5"),
    "Rank-10": ("ijb-a", "rank10"),
}
ONE_SHOT: Mapping[str, Place] = {"Base": ("one-shot", "rank1_base"), "Novel": ("one-shot", "coverage")}
NOVEL_BY_RANK = Ours(
    {"Novel, rank-1": ("one-shot", "rank1_novel")},
    "The column Novel, rank-1 is ours.",
)


def table1(records: Records) -> Table:
    """Table 1: five splits by three methods, on LFW, IJB-A and held-out images of MS-Celeb-1M."""
    rows = {f"{split}, {METHODS[method]}": f"table1/{split}/{method}" for split in SPLITS for method in _methods(split)}
    columns, ours = _of_held_out(records)
    return comparison(
        records,
        "table1",
        rows,
        {**BENCHMARKS, **columns},
        "Table 1. Accuracy (%) by how many classes are regular and how many under-represented (UR)",
        heading="Training set, method",
        notes=[COLUMNS, *_sizes(records)],
        ours=ours,
    )


def table2(records: Records) -> Table:
    """Table 2: one-shot recognition."""
    rows = {
        "MCSM [45]": None,
        "Cheng et al. [5]": None,
        "Choe et al. [6]": None,
        "UP [11]": None,
        "Hybrid [44]": None,
        "DM [33]": None,
        **{label: f"one-shot/{method}" for method, label in METHODS.items()},
    }
    elsewhere = _elsewhere(records)
    return comparison(
        records,
        "table2",
        rows,
        dict.fromkeys(ONE_SHOT) if elsewhere else ONE_SHOT,
        "Table 2. One-shot recognition (%)",
        first=("Ext", "#Models"),
        notes=[
            "Base: rank-1 accuracy on base classes; Novel: coverage of the images of novel classes at a precision of "
            "0.99. Ext: external data. The rows sfmx and sfmx+m-L2 are ours."
        ],
        ours=one_shot_on(elsewhere) if elsewhere else NOVEL_BY_RANK,
    )


def table3(records: Records) -> Table:
    """Table 3: verification on LFW, trained on all of MS-Celeb-1M."""
    rows = {
        "L-Softmax [25]": None,
        "VGG Face [28]": None,
        "DeepID2 [36]": None,
        "NormFace [40]": None,
        "CenterLoss [42]": None,
        "SphereFace [24]": None,
        "RangeLoss [50]": None,
        "ArcFace [8]": None,
        "FaceNet [32]": None,
        "CosFace [41]": None,
        "sfmx": "ms1m/softmax",
        "sfmx+L2": "ms1m/l2",
        "sfmx+m-L2 (Ours)": "ms1m/metric-l2",
        "FTL (Ours)": "ms1m/ftl",
    }
    return comparison(
        records,
        "table3",
        rows,
        {"Acc": ("lfw", "accuracy")},
        "Table 3. Verification accuracy (%) on LFW",
        ours=_held_out_elsewhere(records),
    )


def table4(records: Records) -> Table:
    """Table 4: verification and identification on IJB-A, trained on all of MS-Celeb-1M."""
    rows = {
        "PAMs [26]": None,
        "DR-GAN [37]": None,
        "FF-GAN [48]": None,
        "TA [7]": None,
        "TPE [31]": None,
        "NAN [46]": None,
        "sfmx": "ms1m/softmax",
        "sfmx+m-L2 (Ours)": "ms1m/metric-l2",
        "FTL (Ours)": "ms1m/ftl",
        "FTL + MP (Ours)": "ms1m/ftl",
        "FTL + MP + TA (Ours)": "ms1m/ftl",
    }
    instead = {"FTL + MP (Ours)": "ijb-a-media", "FTL + MP + TA (Ours)": "ijb-a-adapted"}
    on_ijb_a = {"ijb-a", *instead.values()} & {benchmark for benchmark, _ in evaluated(records)}
    return comparison(
        records,
        "table4",
        rows,
        IJB_A,
        "Table 4. Verification (TAR at FAR) and identification (%) on IJB-A",
        decimals=1,
        notes=[
            "MP: media pooling; TA: template adaptation; both are ways to compare templates of one network, that of "
            "FTL (Ours)." + (" Measured is a mean over the ten splits of IJB-A." if on_ijb_a else "")
        ],
        ours=_held_out_elsewhere(records),
        instead=instead,
    )


def table_gain(records: Records) -> Table:
    """Ours: m-L2 against softmax, and feature transfer against m-L2, on each split, paired over the seeds."""
    columns, ours = _of_held_out(records)
    places = {name: place for name, place in {**BENCHMARKS, **columns, **ours.columns}.items() if place is not None}
    rows, tests = [], []
    for split in SPLITS:
        methods = _methods(split)
        for base, method in pairwise(methods):
            for name, place in places.items():
                found = difference(records, f"table1/{split}/{base}", f"table1/{split}/{method}", place)
                if found is None:
                    continue
                tests.append(found.test.test)
                step = {"Training set": split, "Base": METHODS[base], "Method": METHODS[method], "Metric": name}
                rows.append(step | found.cells())
    header = ["Training set", "Base", "Method", "Metric", "Base (measured)", "Method (measured)"]
    return Table(
        data=tidy(records, list(places.values())),
        display=pd.DataFrame(rows or [dict.fromkeys(header, "not run")]),
        caption="Each step against the one before (%), paired over the seeds",
        notes=[
            f"{SEEDS} Difference: method minus base, mean over the seeds that both have; a seed is the same start of "
            "the network.",
            of_tests(tests),
            COLUMNS if any(place in evaluated(records) for place in BENCHMARKS.values()) else f"{SPACES}{OF_HELD_OUT}",
            *_sizes(records),
        ],
    )


def _methods(split: str) -> list[str]:
    """Return the methods that the paper trains on a split, each followed by the step from it."""
    _, few = SPLITS[split]
    return [method for method in METHODS if few or method != "ftl"]


def held_out_on(data: str) -> Ours:
    """Return the columns of held-out images of a set of `ELSEWHERE`, by its name in the configuration."""
    name, kind, classes = ELSEWHERE[data]
    benchmarks = {"f": ("nearest-center", ""), "g": ("nearest-center-rich", ""), "FC": ("nearest-center", "_fc")}
    return Ours(
        {
            f"{name} {column}, {by}": (benchmark, f"rank1_{classes_of}{suffix}")
            for by, (benchmark, suffix) in benchmarks.items()
            for column, classes_of in (("Reg.", "regular"), ("UR", "ur"))
        },
        f"Columns of {name} are ours: the same training on {kind}, and rank-1 accuracy of held-out images of the "
        f"{classes}, by the nearest center of f and of g, and by FC. They are not to be compared with the "
        "printed numbers.",
    )


def one_shot_on(data: str) -> Ours:
    """Return the columns of one-shot recognition on a set of `ELSEWHERE`, by its name in the configuration."""
    name, kind, _ = ELSEWHERE[data]
    columns: dict[str, Place] = {
        f"{name} Base": ("one-shot", "rank1_base"),
        f"{name} Novel": ("one-shot", "coverage"),
        f"{name} Novel, rank-1": ("one-shot", "rank1_novel"),
    }
    note = (
        f"Columns of {name} are ours: the same training on {kind}. They are not to be compared with the printed "
        "numbers."
    )
    if data == "omniglot":
        columns[f"{name} trials"] = ("one-shot-trials", "accuracy")
        note += (
            " Trials: the twenty of its owners, each of twenty characters, of alphabets that are not trained on; how "
            "many drawings are nearest, by the cosine of f, to that of the same character by another person."
        )
    return Ours(columns, note)


def _elsewhere(records: Records) -> str | None:
    """Return the name of the set of `ELSEWHERE` that runs were trained on, or None where it is the paper's own."""
    names = (record.config["data"]["name"] for record in records.first_seeds().values())
    return next((name for name in names if name in ELSEWHERE), None)


def _held_out_elsewhere(records: Records) -> Ours | None:
    elsewhere = _elsewhere(records)
    return None if elsewhere is None else held_out_on(elsewhere)


def _of_held_out(records: Records) -> tuple[Mapping[str, Place | None], Ours]:
    """Return the columns of held-out images of MS-Celeb-1M, not measured elsewhere, and those of ours."""
    ours = _held_out_elsewhere(records)
    return (HELD_OUT, HELD_OUT_BY_RICH) if ours is None else (dict.fromkeys(HELD_OUT), ours)


def _sizes(records: Records) -> list[str]:
    """Return a note on the sizes of the splits where they are not those of the paper."""
    divisions: dict[str, Mapping[str, Any]] = {}
    for name, record in records.first_seeds().items():
        division = record.config["data"].get("sampling", {}).get("under_represented")
        if division is not None and name.startswith("table1/"):
            divisions[name.split("/")[1]] = division
    sizes = {split: (divisions[split]["regular"], divisions[split]["few"]) for split in SPLITS if split in divisions}
    if all(SPLITS[split] == of_split for split, of_split in sizes.items()):
        return []
    listed = "; ".join(f"{split} {regular:,} and {few:,}" for split, (regular, few) in sizes.items())
    images = dict.fromkeys(
        f"Of a UR class {division['images']} images are trained on; held out are {division['test_images']} images of "
        "each of {:,} regular and {:,} UR classes.".format(*division["tested"])
        for division in divisions.values()
    )
    return [f"Here the splits have so many regular and UR classes: {listed}. {' '.join(images)}"]
