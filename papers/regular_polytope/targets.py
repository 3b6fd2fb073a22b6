"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import degrees
from string import digits
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from papers.regular_polytope.polytope import Name, angle, dimension
from shared.data.formats.emnist import CHARACTERS
from shared.records.records import Records
from shared.reporting.figure import PAGE_WIDTH, Figure
from shared.reporting.table import Table, measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

POLYTOPES: tuple[Name, ...] = ("simplex", "orthoplex", "cube")
CLASSES = {"mnist": digits, "emnist": CHARACTERS}
VARIATIONS: dict[Name, dict[str, str]] = {
    "simplex": {
        "fixed, eq. 9, continued at pi": "continuation/at-pi",
        "fixed, eq. 9, as printed": "continuation/none",
    },
    "cube": {f"fixed, eq. 9, m = {share} phi": f"margin/{share}" for share in (0.75, 0.5, 0.25)},
}
"""What is run of one polytope alone, in addition."""
POINTS = 2_000
SWATCH = 0.12
"""The height in inches of the strip that tells the colours of the classes."""
SCATTER = (
    f"In each panel the column's coordinate runs across and the row's up, for {POINTS:,} {{images}} images drawn at "
    "random, or all if they are fewer; of their coordinates the largest 0.5% may lie outside. Seed {seed}."
)
AT_LENGTH = "drawn at the mean length of the embeddings"


@dataclass(frozen=True)
class _Matrix:
    """A scatter-plot matrix: which embeddings it shows, and its title."""

    run: str
    title: str
    split: Literal["train", "test"] = "test"
    normalised: bool = False


def figure2(records: Records) -> Figure:
    """Figure 2: embeddings of the test digits with fixed classifiers, without normalisation and margin."""
    matrices = [_Matrix(f"figure2/{polytope}", f"d-{polytope}") for polytope in POLYTOPES]
    return _scatter_plots(
        records,
        [matrices],
        classes=digits,
        size=(PAGE_WIDTH, 3.3),
        widths=[9, 7, 6],
        caption=(
            "Figure 2. Embeddings of the test digits with fixed classifiers, without normalisation and margin. "
            f"Circles: the vertices, {AT_LENGTH}."
        ),
    )


def figure4(records: Records) -> Figure:
    """Figure 4: embeddings of the test digits with the margin, fixed classifiers beside learnable ones."""
    return _scatter_plots(
        records,
        [
            [
                _Matrix(f"figure4/{polytope}/{classifier}", f"d-{polytope}, {classifier}")
                for classifier in ("fixed", "learnable")
            ]
            for polytope in POLYTOPES
        ],
        classes=digits,
        size=(PAGE_WIDTH, 11.2),
        caption=(
            "Figure 4. Embeddings of the test digits with the additive angular margin: fixed classifiers (left) and "
            "learnable ones of the same dimension (right). "
            f"Circles: the vertices, diamonds: the learned weights, {AT_LENGTH}."
        ),
    )


def figure5(records: Records) -> Figure:
    """Figure 5: embeddings of the test characters with the margin, the fixed cube beside a learnable classifier."""
    return _scatter_plots(
        records,
        [
            [
                _Matrix(f"emnist/{name}", title)
                for name, title in (("fixed", "d-cube, fixed"), ("learnable", "learnable"))
            ]
        ],
        classes=CHARACTERS,
        size=(PAGE_WIDTH, 4.5),
        caption=(
            "Figure 5. Embeddings of EMNIST's test characters in six dimensions with the additive angular margin. "
            f"Circles: the vertices of the cube, diamonds: the learned weights, {AT_LENGTH}. "
            "No palette tells 47 classes apart; neighbours in the strip below differ in lightness."
        ),
    )


def figure6(records: Records) -> Figure:
    """Figure 6: normalised embeddings of the fixed cube, training characters above test characters."""
    return _scatter_plots(
        records,
        [
            [_Matrix("emnist/fixed", "training images", "train", normalised=True)],
            [_Matrix("emnist/fixed", "test images", "test", normalised=True)],
        ],
        classes=CHARACTERS,
        size=(4.8, 9.9),
        caption=(
            "Figure 6. Embeddings of EMNIST's characters with the fixed cube, normalised. Circles: the vertices, whose "
            "coordinates are all 0.41 or -0.41."
        ),
    )


def _scatter_plots(
    records: Records,
    rows: Sequence[Sequence[_Matrix]],
    *,
    classes: str,
    size: tuple[float, float],
    caption: str,
    widths: Sequence[float] | None = None,
) -> Figure:
    """Draw rows of scatter-plot matrices above a strip that tells the colours of the classes, one character each."""
    picture = Drawing(figsize=size, layout="constrained")
    row_height = (size[1] - SWATCH) / len(rows)
    grid = picture.add_gridspec(
        len(rows) + 1,
        len(rows[0]),
        width_ratios=widths,
        height_ratios=[*[row_height] * len(rows), SWATCH],
    )
    palette = _palette(len(classes))
    seeds = {name: run.seed for name, run in records.first_seeds().items()}
    drawn = []
    for row, matrices in enumerate(rows):
        for column, matrix in enumerate(matrices):
            axes = picture.add_subplot(grid[row, column])
            axes.set_title(matrix.title, fontsize=8)
            if matrix.run in seeds:
                points = _points(records, matrix, seeds[matrix.run], classes)
                _draw(axes, points, dict(zip(classes, palette, strict=True)))
                drawn.append(points)
            else:
                axes.text(0.5, 0.5, "not run", transform=axes.transAxes, ha="center")
                axes.set_axis_off()
    strip = picture.add_subplot(grid[-1, :])
    strip.imshow([palette], aspect="auto")
    strip.set_xticks(range(len(classes)), list(classes), fontsize=7)
    strip.tick_params(length=0)
    strip.set_yticks([])
    strip.grid(visible=False)
    strip.spines[:].set_visible(False)
    data = pd.concat(drawn) if drawn else pd.DataFrame(columns=["run"])
    splits = dict.fromkeys({"train": "training", "test": "test"}[matrix.split] for row in rows for matrix in row)
    shown = ", ".join(map(str, sorted({seeds[matrix.run] for row in rows for matrix in row if matrix.run in seeds})))
    notes = [SCATTER.format(images=" and as many ".join(splits), seed=shown or "none")]
    return Figure(picture, data=data, caption=caption, notes=notes)


def _palette(classes: int) -> NDArray[np.float64]:
    """Return colours [classes, 3]: safe for colour-blind readers where there are few, else hues of equal steps."""
    import seaborn as sns  # noqa: PLC0415 - costs the tables' jobs a second

    if classes <= 10:
        return np.array(sns.color_palette("colorblind", classes))
    by_lightness = [sns.husl_palette(classes, s=0.95, l=lightness) for lightness in (0.45, 0.62, 0.78)]
    return np.array([by_lightness[number % 3][number] for number in range(classes)])


def _points(records: Records, matrix: _Matrix, seed: int, classes: str) -> pd.DataFrame:
    """Return some embeddings and all class vectors, a row each: run, seed, split, what it is, class and coordinates.

    The class vectors, of unit length, are stretched to the mean length of the embeddings.
    """
    arrays = records.features[matrix.run, seed].load(matrix.split)
    chosen = np.random.default_rng(0).permutation(len(arrays["labels"]))[:POINTS]
    embeddings = arrays["embeddings"].astype(np.float64)
    lengths = np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    vectors = arrays["class_vectors"].astype(np.float64)[:, 0]
    vectors = vectors if matrix.normalised else vectors * lengths.mean()
    shown = (embeddings / lengths if matrix.normalised else embeddings)[chosen]
    coordinates = np.vstack([shown, vectors])
    labels = [*arrays["labels"].astype(int)[chosen], *range(len(vectors))]
    learnable = matrix.run.endswith("learnable")
    frame = pd.DataFrame(coordinates.round(4), columns=[f"f{index + 1}" for index in range(coordinates.shape[1])])
    frame.insert(0, "class", [classes[label] for label in labels])
    frame.insert(0, "what", ["image"] * len(shown) + ["learned weight" if learnable else "vertex"] * len(vectors))
    frame.insert(0, "split", matrix.split)
    frame.insert(0, "seed", seed)
    frame.insert(0, "run", matrix.run)
    return frame


def _draw(axes: Axes, frame: pd.DataFrame, colours: dict[str, NDArray[np.float64]]) -> None:
    """Draw a scatter-plot matrix into one axes, panel (i, j) in the unit square around (j, i).

    All panels have the same range, which is symmetric and holds all but the largest coordinates. Figure 4 has 244
    panels, and an axes for each would take long to lay out.
    """
    columns = [name for name in frame.columns if name.startswith("f") and name[1:].isdigit()]
    image = frame["what"] == "image"
    points, vectors = frame[image][columns].to_numpy(), frame[~image][columns].to_numpy()
    limit = 1.15 * max(np.quantile(np.abs(points), 0.995), np.abs(vectors).max())
    d = len(columns)
    across, up = np.nonzero(~np.eye(d, dtype=bool))

    def placed(coordinates: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        inside = np.where(np.abs(coordinates) <= limit, coordinates, np.nan) / limit / 2
        return inside[:, across] + across, up - inside[:, up]

    x, y = placed(points)
    shades = np.stack([colours[name] for name in frame[image]["class"]])
    axes.scatter(
        x.ravel(), y.ravel(), s=0.7, c=np.repeat(shades, len(across), axis=0), alpha=0.6, linewidths=0, rasterized=True
    )
    marker = "D" if (frame["what"] == "learned weight").any() else "o"
    x, y = placed(vectors)
    axes.plot(
        x.ravel(), y.ravel(), marker, color="black", fillstyle="none", markersize=1.4 + 5 / d, markeredgewidth=0.5
    )
    for index, name in enumerate(columns):
        axes.text(index, index, f"$f_{{{name[1:]}}}$", ha="center", va="center", backgroundcolor="white")
    axes.set(xlim=(-0.5, d - 0.5), ylim=(d - 0.5, -0.5), aspect="equal")
    axes.set_xlabel(f"each panel ±{limit:.3g}", fontsize=7)
    axes.set_xticks(range(d), [])
    axes.set_yticks(range(d), [])
    edges = np.arange(d + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="#9a9a9a", linewidth=0.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set(visible=True, color="#9a9a9a", linewidth=0.5)


def table_accuracy(records: Records) -> Table:
    """Return the accuracies of section 4, which are in the text: fixed and learnable, as printed and as measured."""
    rows = []
    for data, polytope, stem in [
        *(("MNIST", name, f"figure4/{name}") for name in POLYTOPES),
        ("EMNIST", "cube", "emnist"),
    ]:
        label = f"{data}, {polytope}"
        row = {"Data, polytope": label, "d": str(dimension(polytope, len(CLASSES[data.lower()])))}
        for classifier in ("fixed", "learnable"):
            values = _values(records, f"{stem}/{classifier}", f"{data.lower()}-test", "accuracy")
            row[f"{classifier} (printed)"] = records.printed("table_accuracy", label, classifier)
            row[f"{classifier} (measured)"] = measured(values)
        rows.append(row)
    return Table(
        data=_tidy(records, ["accuracy"]),
        display=pd.DataFrame(rows),
        caption="Test accuracy (%) with the additive angular margin, fixed and learnable classifiers",
        notes=[
            "For MNIST the paper prints one pair and does not say for which polytope; it stands in all three rows.",
            "Measured: mean over seeds ± standard deviation (number of seeds).",
        ],
    )


def table_geometry(records: Records) -> Table:
    """Ours: how compact and how far apart the classes are, against the closed form, for every run."""
    listed: list[tuple[str, Name, str, str]] = []
    for polytope in POLYTOPES:
        runs = {
            "fixed, eq. 6": f"figure2/{polytope}",
            "fixed, eq. 8": f"normalised/{polytope}",
            "fixed, eq. 9": f"figure4/{polytope}/fixed",
            **VARIATIONS.get(polytope, {}),
            "learnable, eq. 9": f"figure4/{polytope}/learnable",
        }
        listed += [("MNIST", polytope, classifier, run) for classifier, run in runs.items()]
    listed += [("EMNIST", "cube", f"{name}, eq. 9", f"emnist/{name}") for name in ("fixed", "learnable")]
    columns = {
        "images to vector, mean (measured)": ("angles", "vector_angle"),
        "worst (measured)": ("angles", "vector_angle_worst"),
        "training images, mean (measured)": ("training-angles", "vector_angle"),
        "class mean to vector (measured)": ("angles", "mean_to_vector"),
        "nearest class means (measured)": ("angles", "between_means_smallest"),
        "all class means, mean (measured)": ("angles", "between_means"),
    }
    rows = []
    for data, polytope, classifier, run in listed:
        d = dimension(polytope, len(CLASSES[data.lower()]))
        values = {
            column: measured(_values(records, run, benchmark, metric), decimals=1)
            for column, (benchmark, metric) in columns.items()
        }
        accuracy = measured(_values(records, run, f"{data.lower()}-test", "accuracy"))
        rows.append(
            {"Polytope": f"{data}, {polytope}, d = {d}", "Classifier": classifier}
            | values
            | {"closed form": f"{degrees(angle(polytope, d)):.1f}", "accuracy, % (measured)": accuracy}
        )
    metrics = list(dict.fromkeys([metric for _, metric in columns.values()] + ["between_vectors_smallest", "accuracy"]))
    return Table(
        data=_tidy(records, metrics),
        display=pd.DataFrame(rows),
        caption="Angles (degrees) of the embeddings: compactness and separation against the closed form",
        notes=[
            "Vector: the vertex, or the learned weight, of the class. Test images, where nothing else is said.",
            "Closed form: the angle between connected vertices (eqs. 10 to 12), to which the nearest class means of a "
            "fixed classifier come as images come to their vertices, at 0 degrees. It is the greatest that so many "
            "directions can have for the simplex and the orthoplex, not for the cube (RP-E19).",
            "Measured: mean over seeds ± standard deviation (number of seeds).",
        ],
    )


def _values(records: Records, run: str, benchmark: str, metric: str) -> list[float]:
    table = records.metric(benchmark, metric)
    values: list[float] = table[table["run"] == run].sort_values("seed")["value"].tolist()
    return values


def _tidy(records: Records, metrics: Iterable[str]) -> pd.DataFrame:
    table = records.table
    return table[table["metric"].isin(list(metrics))][["run", "seed", "benchmark", "metric", "value"]]
