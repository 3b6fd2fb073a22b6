"""Figures 1, 3 and 4: what few images do to a classifier and to its classes' centers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from papers.feature_transfer.picture_figures import credit
from shared.evaluation.spread import mean
from shared.records.forms import Form
from shared.records.records import Record, Records
from shared.reporting import plane
from shared.reporting.data_names import data_note
from shared.reporting.figure import COLOURS, MARKERS, PAGE_WIDTH, PAIR_WIDTH, Figure, band, drawing, pairs
from shared.reporting.health_marks import mark
from shared.reporting.table import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.gridspec import GridSpec
    from numpy.typing import NDArray

CLASSES_RUN, UNIT_RUN, CENTERS_RUN = "figure1/softmax", "figure1/unit-weights", "ms1m/metric-l2"
NEAREST_RUN = "figure3/softmax"
TRANSFER_RUN = "table1/10K50K/ftl"
CLASSIFIERS = {
    "softmax": "table1/10K50K/softmax",
    "weights of length 1": "table1/10K50K/unit-weights",
    "FTL": TRANSFER_RUN,
}
RECALLS = {"regular classes": ("rank1_regular_fc", 0), "UR classes": ("rank1_ur_fc", 1)}
FEWEST = 30
"""Of fewer samples t-SNE shows little but its perplexity."""
KINDS = {"regular": "regular class", "ur": "UR class", "transferred": "virtual sample\nof the UR class"}
SIDES = {"largest": "(a) largest classes", "smallest": "(b) smallest classes"}
TWO_CLASSES = Form(
    {
        **{"sizes": "C", "norms": "C", "few": "", "chosen": "2", "weights": "2 d"},
        **{"regular": "R d", "ur": "U d", "transferred": "T? d"},
    },
    indices={"chosen": "C"},
)
NEAREST = Form(
    {
        name.format(side=side): axes
        for side in SIDES
        for name, axes in {
            "{side}": f"{side} H W ...",
            "classes_{side}": side,
            "sizes_{side}": side,
            "yaws_{side}": side,
        }.items()
    },
    unknown=[f"yaws_{side}" for side in SIDES],
)
IN_A_ROW = 8
BETWEEN, BELOW = 0.05, 0.55
"""Between two faces of a row, and below each for its words, in sides of a face."""
ESTIMATORS = {"pick_one": "PickOne", "avg_all": "AvgAll", "avg_flip": "AvgFlip"}
SPACES = {"f": "center-error", "g": "center-error-rich"}
DISTANCES = {"intra": "samples\nof the class", "inter": "means of\nother classes"}
DISTANCE_COLOURS = {"intra": COLOURS[3], "inter": COLOURS[4]}
EXTENTS: Mapping[str, Literal[":", "-", "--"]] = {"min": ":", "mean": "-", "max": "--"}
EXTENT_NAMES = ("least", "mean", "greatest")

Arrays = Mapping[str, "NDArray[Any]"]


def figure1(records: Records) -> Figure:
    """Figure 1: class sizes, weight norms, and a regular and a UR class with and without equal weight norms."""
    picture = drawing(3, 3, width=PAGE_WIDTH, height=5.6)
    cast("GridSpec", picture.axes[0].get_gridspec()).set_height_ratios([1, 1.5, 0.6])
    sizes, norms, key, *planes, recall = picture.axes[:6]
    sides = picture.axes[6:]
    shown = records.first_seeds()
    drawn, notes = _classes(records, shown.get(CLASSES_RUN), (sizes, norms)), []
    panels = {CLASSES_RUN: "(c) softmax", UNIT_RUN: "(d) weights of length 1,\nwith virtual samples"}
    for (name, label), upper, lower in zip(panels.items(), planes, sides[:2], strict=True):
        title = f"{label}{mark(records, [name])}"
        upper.set_title(title, fontsize=8)
        run = shown.get(name)
        if run is None:
            plane.not_run(upper)
            plane.not_run(lower)
            continue
        arrays = records.arrays(run.run, run.seed, "two-classes", TWO_CLASSES)
        samples = samples_of(arrays, list(KINDS) if name == UNIT_RUN else ["regular", "ur"])
        upper.set_title(f"{title}\n{_norms_and_variances(arrays)}", fontsize=8)
        _draw_plane(upper, samples)
        _draw_sides(lower, samples)
        drawn.append(samples.assign(panel=label[1], seed=run.seed))
        notes.append(_chosen(title[:3], run, arrays))
    drawn += _transferred(records, shown.get(TRANSFER_RUN), sides[-1], notes)
    drawn += _recall(records, recall)
    _name_samples(key)
    return Figure(
        picture,
        data=pd.concat(drawn, ignore_index=True) if drawn else pd.DataFrame(columns=["panel"]),
        caption=(
            "Figure 1. (a) Images of each class. (b) Norm of each class weight, and its moving median. (c) Training "
            "images of a regular and of a UR class after training with softmax: above, t-SNE of their embeddings; "
            "below, the signed distance of each embedding from the decision boundary of the two classes (dashed), "
            "which t-SNE, not being linear, cannot show. Of fewer than 30 samples the plane above is that of this "
            "distance and of the first principal component across it. (d) The same with class weights of length 1, and "
            "virtual samples of the UR class: samples of regular classes moved to its center. A sample on the wrong "
            "side of the boundary is hollow. Ours are (e), the distances after feature transfer (FTL), and (f), how "
            "many held-out images of either kind FC gives to their class, trained on 10K50K."
        ),
        notes=[
            "In the titles of (c) and (d): norm of the class weight, and unbiased variance of the embeddings shown. "
            "Percentages: samples on their own side of the boundary.",
            f"{data_note(shown.values())} Of several seeds the first is drawn, but for (f), the mean over the seeds. "
            f"{' '.join(notes)}".strip(),
        ],
    )


def _transferred(records: Records, run: Record | None, axes: Axes, notes: list[str]) -> list[pd.DataFrame]:
    """Draw panel (e), and return what is drawn in it."""
    axes.set_title("(e) after FTL, on 10K50K", fontsize=8)
    if run is None:
        plane.not_run(axes)
        return []
    arrays = records.arrays(run.run, run.seed, "two-classes", TWO_CLASSES)
    samples = samples_of(arrays, ["regular", "ur"])
    _draw_sides(axes, samples)
    notes.append(_chosen("(e)", run, arrays))
    return [samples.assign(panel="e", seed=run.seed)]


def _recall(records: Records, axes: Axes) -> list[pd.DataFrame]:
    """Draw panel (f), and return what is drawn in it."""
    axes.set_title("(f) held-out images that\nFC gives to their class", fontsize=8)
    parts = []
    for kind, (metric, index) in RECALLS.items():
        table = records.metric("nearest-center", metric)
        values = {name: table[table["run"] == run]["value"].tolist() for name, run in CLASSIFIERS.items()}
        if not all(values.values()):
            continue
        band(axes, range(len(values)), list(values.values()), kind, index)
        rows = [(name, kind, value) for name, of_run in values.items() for value in of_run]
        parts.append(pd.DataFrame(rows, columns=["classifier", "kind", "recall"]).assign(panel="f"))
    if not parts:
        plane.not_run(axes)
        return []
    axes.set_xticks(range(len(CLASSIFIERS)), [name.replace(" of", "\nof") for name in CLASSIFIERS])
    axes.set(xlim=(-0.3, len(CLASSIFIERS) - 0.7), ylabel="%")
    axes.margins(y=0.15)
    axes.legend(fontsize=7)
    return parts


def _classes(records: Records, run: Record | None, panels: Sequence[Axes]) -> list[pd.DataFrame]:
    """Draw panels (a) and (b) of a run, and return what is drawn in them."""
    sizes, norms = panels
    sizes.set_title("(a) class sizes", fontsize=8)
    norms.set_title("(b) norms of the class weights", fontsize=8)
    if run is None:
        plane.not_run(sizes)
        plane.not_run(norms)
        return []
    found = records.metric("two-classes", "norm_correlation")
    correlation = measured(found[found["run"] == run.run]["value"].tolist())
    norms.set_title(f"(b) norms of the class weights\nrank correlation with size\n{correlation}", fontsize=8)
    frame = _by_size(records.arrays(run.run, run.seed, "two-classes", TWO_CLASSES))
    _draw_classes(panels, frame)
    return [frame.assign(panel="ab", seed=run.seed)]


def _by_size(arrays: Arrays) -> pd.DataFrame:
    """Return a row for each class, from the largest to the smallest: class, images, norm, and whether it is regular."""
    frame = pd.DataFrame({"class": range(len(arrays["sizes"])), "images": arrays["sizes"], "norm": arrays["norms"]})
    frame = frame.sort_values("images", ascending=False, kind="stable").reset_index(drop=True)
    return frame.assign(regular=frame["images"] > int(arrays["few"]))


def _draw_classes(panels: Sequence[Axes], frame: pd.DataFrame) -> None:
    """Draw the sizes and the norms of all classes in one order, in which the UR classes are shaded."""
    ranks = np.arange(len(frame))
    edge = int(frame["regular"].sum())
    sizes, norms = panels
    for axes in panels:
        axes.axvspan(edge, len(frame), color=COLOURS[1], alpha=0.1, linewidth=0)
        axes.set(xlim=(0, len(frame)), xlabel=f"{len(frame):,} classes, from the largest")
        axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    outline = [*frame["images"], frame["images"].iloc[-1]]
    sizes.fill_between([*ranks, len(ranks)], outline, step="post", color=COLOURS[0], linewidth=0)
    sizes.set(ylabel="images", ylim=(0, 1.08 * frame["images"].max()))
    share = 100 * (1 - edge / len(frame))
    few = frame["images"][~frame["regular"]].max()
    sizes.set_title(f"(a) class sizes; shaded: UR,\n{share:.0f}% of all, of at most {few} images", fontsize=8)
    norms.plot(
        ranks + 0.5,
        frame["norm"],
        ".",
        color=COLOURS[0],
        markersize=4 if len(frame) < 200 else 1.5,
        alpha=0.6,
        markeredgewidth=0,
        rasterized=True,
        label="a class",
    )
    window = max(5, len(frame) // 50)
    median = frame["norm"].rolling(window, center=True, min_periods=1).median()
    norms.plot(ranks + 0.5, median, color="black", linewidth=1, label=f"median of {window}")
    # The legend stands above the norms, among which the mark in it would look like one.
    low, high = norms.get_ylim()
    norms.set(ylabel="norm", ylim=(low, high + 0.25 * (high - low)))
    norms.legend(
        fontsize=7, ncols=2, loc="upper center", columnspacing=0.8, handlelength=1, handletextpad=0.4, borderpad=0.2
    )


def samples_of(arrays: Arrays, kinds: Sequence[str]) -> pd.DataFrame:
    """Return a row for each sample of the two classes: kind, `x`, `y`, `plane`, `distance`, `right`.

    `distance` is that from the boundary w_r f = w_u f of the two classes, above 0 where the regular class has the
    greater logit; `right`, whether that is the class of the sample. The losses of these runs have no bias. `x` and `y`
    are by t-SNE or, of few real samples, the distance and the first principal component across it; `plane` says which.
    """
    points = np.concatenate([arrays[kind] for kind in kinds]).astype(np.float64)
    kind = np.repeat(kinds, [len(arrays[kind]) for kind in kinds])
    across = arrays["weights"][0].astype(np.float64) - arrays["weights"][1]
    normal = across / max(float(np.linalg.norm(across)), 1e-12)
    distance = points @ normal
    few = int((kind != "transferred").sum()) < FEWEST
    x, y = (distance, _across(points, normal)) if few else t_sne(points).T
    right = np.where(kind == "regular", distance > 0, distance < 0)
    return pd.DataFrame(
        {"kind": kind, "x": x, "y": y, "plane": "boundary" if few else "t-SNE", "distance": distance, "right": right}
    )


def _across(points: NDArray[np.float64], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first principal component [N] of what points [N, d] have orthogonal to a unit vector [d]."""
    rest = points - np.outer(points @ normal, normal)
    rest -= rest.mean(axis=0)
    _, _, directions = np.linalg.svd(rest, full_matrices=False)
    first = rest @ directions[0]
    return np.asarray(first * np.sign(directions[0, np.abs(directions[0]).argmax()]), np.float64)


def t_sne(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return t-SNE [N, 2] of points [N, d], N from 3 on; the paper states no settings.

    It starts from the principal components, with a perplexity of 30, or (N - 1) / 3 of few points. The gradient is
    exact, since that of Barnes and Hut depends on the threads.
    """
    from sklearn.manifold import TSNE  # noqa: PLC0415 - costs the jobs of other targets two seconds

    fit = TSNE(perplexity=min(30.0, (len(points) - 1) / 3), init="pca", method="exact", random_state=0)
    return np.asarray(fit.fit_transform(points), np.float64)


def _norms_and_variances(arrays: Arrays) -> str:
    regular, ur = np.linalg.norm(arrays["weights"], axis=1)
    text = f"norm, regular / UR: {regular:.3g} / {ur:.3g}"
    if min(len(arrays["regular"]), len(arrays["ur"])) > 1:
        spreads = (arrays[kind].var(axis=0, ddof=1, dtype=np.float64).sum() for kind in ("regular", "ur"))
        text += "\nvariance: {:.3g} / {:.3g}".format(*spreads)
    return text


def _draw_plane(axes: Axes, samples: pd.DataFrame) -> None:
    # Last come the few samples, so that the many do not hide them.
    for kind in ("regular", "transferred", "ur"):
        own = samples[samples["kind"] == kind]
        index = list(KINDS).index(kind)
        for right, fill in ((True, COLOURS[index]), (False, "white")):
            part = own[own["right"] == right]
            axes.scatter(
                part["x"],
                part["y"],
                s=16,
                marker=MARKERS[index],
                facecolors=fill,
                edgecolors=COLOURS[index],
                linewidths=0.8,
                alpha=0.8,
            )
    if (samples["plane"] == "t-SNE").all():
        axes.set(xlabel="t-SNE 1", ylabel="t-SNE 2")
        axes.tick_params(labelbottom=False, labelleft=False, length=0)
    else:
        axes.axvline(0, color="black", linestyle="--", linewidth=1)
        axes.set(xlabel="distance from the boundary", ylabel="principal component across it")
    axes.set_aspect("equal", adjustable="datalim")


def _draw_sides(axes: Axes, samples: pd.DataFrame) -> None:
    kinds = [kind for kind in KINDS if kind in set(samples["kind"])]
    names = []
    for place, kind in enumerate(kinds):
        own = samples[samples["kind"] == kind]
        axes.plot(own["distance"], np.full(len(own), -place), "|", color=COLOURS[place], markersize=9, alpha=0.6)
        short = {"regular": "regular", "ur": "UR", "transferred": "virtual"}[kind]
        names.append(f"{short}, {100 * own['right'].mean():.0f}%")
    axes.axvline(0, color="black", linestyle="--", linewidth=1)
    axes.set_yticks(-np.arange(len(kinds)), names)
    axes.set_ylim(-len(kinds) + 0.4, 0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("distance from boundary\n(UR class: below 0)")


def _name_samples(key: Axes) -> None:
    """Say in a panel of its own, which has nothing else, what the markers of (c) and (d) are."""
    handles = [
        Line2D([], [], color=COLOURS[index], marker=MARKERS[index], linestyle="none") for index in range(len(KINDS))
    ]
    handles.append(Line2D([], [], color="black", marker="o", markerfacecolor="white", linestyle="none"))
    key.legend(handles, [*KINDS.values(), "on the wrong side"], loc="center", fontsize=8)
    key.set_axis_off()


def _chosen(panel: str, run: Record, arrays: Arrays) -> str:
    words = [
        f"{name} class {label} with {arrays['sizes'][label]} images ({len(arrays[kind])} shown)"
        for (kind, name), label in zip((("regular", "regular"), ("ur", "UR")), arrays["chosen"], strict=True)
    ]
    return f"{panel}: seed {run.seed}, {' and '.join(words)}."


def figure3(records: Records) -> Figure:
    """Figure 3: the images nearest to the centers of the largest and of the smallest classes."""
    run = records.first_seeds().get(NEAREST_RUN)
    caption = (
        "Figure 3. The training image whose embedding is nearest to its class's mean, of the classes with most images "
        "(a) and of those with least (b). Below each, the number n of images of its class"
    )
    if run is None:
        picture = pairs(len(SIDES), height=1.2)
        for axes, title in zip(picture.axes, SIDES.values(), strict=True):
            axes.set_title(title, fontsize=8)
            plane.not_run(axes)
        return Figure(picture, data=pd.DataFrame(columns=["side"]), caption=f"{caption}.")
    arrays = records.arrays(run.run, run.seed, "nearest-samples", NEAREST)
    rows = -(-len(arrays["largest"]) // IN_A_ROW)
    side = (PAIR_WIDTH - 0.1) / (IN_A_ROW * (1 + BETWEEN))
    picture = drawing(len(SIDES), width=PAIR_WIDTH, height=len(SIDES) * (rows * side * (1 + BELOW) + 0.25))
    drawn = []
    for axes, (kind, title) in zip(picture.axes, SIDES.items(), strict=True):
        found = pd.DataFrame({"class": arrays[f"classes_{kind}"], "images": arrays[f"sizes_{kind}"]})
        if f"yaws_{kind}" in arrays:
            found["yaw"] = np.abs(arrays[f"yaws_{kind}"])
        turned = found["yaw"].mean() if "yaw" in found else np.nan
        axes.set_title(title if np.isnan(turned) else f"{title}, mean |yaw| {turned:.0f}°", fontsize=8)
        _draw_faces(axes, arrays[kind], [_said_of(row) for _, row in found.iterrows()])
        drawn.append(found.assign(side=kind, seed=run.seed))
    data = pd.concat(drawn, ignore_index=True)
    if "yaw" in data:
        caption += ", and how far the head is turned to either side (|yaw|), where that is known"
    return Figure(
        picture,
        data=data,
        caption=f"{caption}.",
        notes=[
            "The paper's embeddings are those of VGGFace; these are of CASIA-Net, trained with softmax.",
            f"{data_note([run])} Of several seeds the first is drawn (seed {run.seed}).",
            *credit(run),
        ],
    )


def _said_of(row: pd.Series[Any]) -> str:
    """Return how many images a class has, and how far the head that is shown is turned, where that is known."""
    yaw = row.get("yaw", np.nan)
    return f"n = {row['images']:.0f}" + ("" if np.isnan(yaw) else f"\n{yaw:.0f}°")


def _draw_faces(axes: Axes, images: NDArray[Any], words: Sequence[str]) -> None:
    """Draw square images, a few in a row, each with words below it."""
    for place, (image, said) in enumerate(zip(images, words, strict=True)):
        left, top = place % IN_A_ROW * (1 + BETWEEN), place // IN_A_ROW * (1 + BELOW)
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=(left, left + 1, top + 1, top))
        axes.text(left + 0.5, top + 1.03, said, ha="center", va="top", fontsize=7)
    rows = -(-len(images) // IN_A_ROW)
    axes.set(xlim=(0, IN_A_ROW * (1 + BETWEEN) - BETWEEN), ylim=(rows * (1 + BELOW), 0))
    axes.set_axis_off()


def figure4(records: Records) -> Figure:
    """Figure 4: the error of three estimators of a center, and the distances within and between classes."""
    table = records.table
    table = table[(table["run"] == CENTERS_RUN) & table["benchmark"].isin(SPACES.values())]
    picture = pairs(3, height=2.4)
    *errors, circles = picture.axes
    of_space = {space: _by_metric(table[table["benchmark"] == name]) for space, name in SPACES.items()}
    for letter, axes, (space, values) in zip("ab", errors, of_space.items(), strict=True):
        axes.set_title(f"({letter}) error of the center, of {space}", fontsize=7)
        if "intra_mean" in values:
            _draw_errors(axes, values)
        else:
            plane.not_run(axes)
    circles.set_title("(c) distances from a center, of f", fontsize=7)
    if "intra_mean" in of_space["f"]:
        _draw_circles(circles, of_space["f"])
    else:
        plane.not_run(circles)
    return Figure(
        picture,
        data=table[["run", "seed", "benchmark", "metric", "value"]],
        caption=(
            "Figure 4. Distance of a class's center that is estimated from a few images, by three estimators, to the "
            "mean of the images of the class that were not drawn, and, dashed, to their center by eq. 5, by features f "
            "(a) and rich features g (b); the level line is the mean distance of a sample to the mean of its class. (c)"
            " Circles with the least, the mean and the greatest distance from a class's mean, of its samples and of the"
            " means of the other classes, averaged over the classes."
        ),
        notes=[
            "All distances are divided by the inter-class standard deviation, so that errors and distances have one "
            f"unit (the paper divides the error by a variance). Classes: {_counts(of_space['f'])}, each with at least "
            "twice as many images as are drawn at most.",
            "Mean over the seeds; the band is the 95% t interval where there are several. An error includes that of "
            "the mean of the images not drawn. The network was trained on these images. "
            f"{data_note(run for name, run in records.first_seeds().items() if name == CENTERS_RUN)}",
            *(
                ["The yaw of no image is known, so that AvgFlip leaves none out and only adds mirror images."]
                if "yaw_known" in of_space["f"] and not any(of_space["f"]["yaw_known"])
                else []
            ),
        ],
    )


def _by_metric(table: pd.DataFrame) -> dict[str, list[float]]:
    """Return the values over the seeds of each metric of one run and benchmark."""
    return {str(name): group.sort_values("seed")["value"].tolist() for name, group in table.groupby("metric")}


def _draw_errors(axes: Axes, values: Mapping[str, list[float]]) -> None:
    sizes = sorted({int(found[1]) for name in values if (found := re.fullmatch(r"pick_one@(\d+)", name))})
    places = np.arange(len(sizes))
    for index, (estimator, label) in enumerate(ESTIMATORS.items()):
        band(axes, places.tolist(), [values[f"{estimator}@{size}"] for size in sizes], label, index)
        to_center = [mean(values[name]) for size in sizes if (name := f"{estimator}_eq5@{size}") in values]
        axes.plot(places[: len(to_center)], to_center, "--", color=COLOURS[index], linewidth=1)
    axes.axhline(mean(values["intra_mean"]), color=DISTANCE_COLOURS["intra"], linewidth=1, label="a sample")
    axes.set_xticks(places, [str(size) for size in sizes])
    axes.set(xlabel="images drawn of a class", ylabel="distance (inter-class SD)")
    axes.set_xlim(-0.3, len(sizes) - 0.7)
    axes.set_ylim(0, 1.45 * axes.get_ylim()[1])
    axes.legend(fontsize=7, ncols=2, loc="upper center", columnspacing=0.8, handlelength=1.2)


def _draw_circles(axes: Axes, values: Mapping[str, list[float]]) -> None:
    """Draw two sets of circles of one scale, one above the other, each with its radii beside it, and a key."""
    radii = {kind: [mean(values[f"{kind}_{extent}"]) for extent in EXTENTS] for kind in DISTANCES}
    widest = max(max(of_kind) for of_kind in radii.values())
    edge = 0.0
    for kind, label in DISTANCES.items():
        half = max(radii[kind])
        # A set is as high as its circles, but no lower than its words.
        center = edge - max(half, 0.65 * widest)
        edge = center - max(half, 0.65 * widest) - 0.12 * widest
        for radius, style in zip(radii[kind], EXTENTS.values(), strict=True):
            axes.add_patch(
                Circle((0, center), radius, fill=False, color=DISTANCE_COLOURS[kind], linestyle=style, linewidth=1.3)
            )
        axes.plot(0, center, "+", color=DISTANCE_COLOURS[kind], markersize=5)
        words = "\n".join(f"{name} {radius:.2f}" for name, radius in zip(EXTENT_NAMES, radii[kind], strict=True))
        axes.text(1.12 * widest, center, f"{label}\n{words}", va="center", fontsize=7)
    axes.set(xlim=(-1.05 * widest, 3.1 * widest), ylim=(edge, 0.12 * widest), aspect="equal")
    axes.set_axis_off()
    key = [Line2D([], [], color="black", linestyle=style, linewidth=1.3) for style in EXTENTS.values()]
    axes.legend(
        key, EXTENT_NAMES, fontsize=7, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 0), columnspacing=1,
        handlelength=1.8,
    )  # fmt: skip


def _counts(values: Mapping[str, list[float]]) -> str:
    found = sorted({int(count) for count in values.get("classes", [])})
    return ", ".join(f"{count:,}" for count in found) or "none"
