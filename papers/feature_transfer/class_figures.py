"""Figures 1, 3 and 4: what few images do to a classifier and to its classes' centers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from papers.feature_transfer.picture_figures import credit
from shared.evaluation.spread import mean
from shared.records.records import Record, Records
from shared.reporting import plane
from shared.reporting.figure import COLOURS, MARKERS, PAGE_WIDTH, Figure, band, drawing
from shared.reporting.table import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure
    from matplotlib.gridspec import GridSpec
    from numpy.typing import NDArray

CLASSES_RUN, UNIT_RUN, CENTERS_RUN = "figure1/softmax", "figure1/unit-weights", "ms1m/metric-l2"
KINDS = {"regular": "regular class", "ur": "UR class", "transferred": "virtual sample of the UR class"}
SIDES = {"largest": "(a) largest classes", "smallest": "(b) smallest classes"}
IN_A_ROW = 4
ESTIMATORS = {"pick_one": "PickOne", "avg_all": "AvgAll", "avg_flip": "AvgFlip"}
DISTANCES = {"intra": "samples of the class", "inter": "centers of other classes"}
EXTENTS = {"min": ":", "mean": "-", "max": "--"}

Arrays = Mapping[str, "NDArray[Any]"]


def figure1(records: Records) -> Figure:
    """Figure 1: class sizes, weight norms, and a regular and a UR class before and after equal weight norms."""
    picture = drawing(3, 2, width=PAGE_WIDTH, height=6.8)
    cast("GridSpec", picture.axes[0].get_gridspec()).set_height_ratios([1, 1.7, 0.6])
    shown = records.first_seeds()
    drawn, notes = _classes(records, shown.get(CLASSES_RUN), picture.axes[:2]), []
    panels = {CLASSES_RUN: "(c) softmax", UNIT_RUN: "(d) weights of length 1, with virtual samples"}
    for column, (name, title) in enumerate(panels.items()):
        upper, lower = picture.axes[2 + column], picture.axes[4 + column]
        upper.set_title(title, fontsize=8)
        run = shown.get(name)
        if run is None:
            plane.not_run(upper)
            plane.not_run(lower)
            continue
        arrays = records.arrays(run.run, run.seed, "two-classes")
        samples = samples_of(arrays, list(KINDS) if name == UNIT_RUN else ["regular", "ur"])
        upper.set_title(f"{title}\n{_norms_and_variances(arrays)}", fontsize=8)
        _draw_plane(upper, samples)
        _draw_sides(lower, samples)
        drawn.append(samples.assign(panel="cd"[column], seed=run.seed))
        notes.append(_chosen(title[:3], run, arrays))
    _name_samples(picture)
    return Figure(
        picture,
        data=pd.concat(drawn, ignore_index=True) if drawn else pd.DataFrame(columns=["panel"]),
        caption=(
            "Figure 1. (a) Images of each class. (b) Norm of each class weight, and its moving median. (c) Training "
            "images of a regular and of a UR class after training with softmax: above, t-SNE of their embeddings; "
            "below, the signed distance of each embedding from the decision boundary of the two classes (dashed), "
            "which t-SNE, not being linear, cannot show. (d) The same with class weights of length 1, and virtual "
            "samples of the UR class: samples of regular classes moved to its center. A sample on the wrong side of "
            "the boundary is hollow."
        ),
        notes=[
            "In the titles of (c) and (d): norm of the class weight, and unbiased variance of the embeddings shown. "
            "Percentages: samples on their own side of the boundary.",
            f"Of several seeds the first is drawn. {' '.join(notes)}".strip(),
        ],
    )


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
    norms.set_title(f"(b) norms of the class weights\nrank correlation with size {correlation}", fontsize=8)
    frame = _by_size(records.arrays(run.run, run.seed, "two-classes"))
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
        axes.set(xlim=(0, len(frame)), xlabel=f"{len(frame):,} classes, from the largest to the smallest")
        axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    outline = [*frame["images"], frame["images"].iloc[-1]]
    sizes.fill_between([*ranks, len(ranks)], outline, step="post", color=COLOURS[0], linewidth=0)
    sizes.set(ylabel="images", ylim=(0, 1.45 * frame["images"].max()))
    share = 100 * (1 - edge / len(frame))
    few = frame["images"][~frame["regular"]].max()
    sizes.text(
        0.98,
        0.95,
        f"shaded: UR classes, {share:.0f}% of all,\nof at most {few} images",
        transform=sizes.transAxes,
        ha="right",
        va="top",
    )
    norms.plot(
        ranks + 0.5,
        frame["norm"],
        ".",
        color=COLOURS[0],
        markersize=4 if len(frame) < 200 else 1.5,
        alpha=0.6,
        markeredgewidth=0,
        rasterized=True,
    )
    window = max(5, len(frame) // 50)
    norms.plot(
        ranks + 0.5, frame["norm"].rolling(window, center=True, min_periods=1).median(), color="black", linewidth=1
    )
    norms.set(ylabel="norm of the class weight", ylim=(0, 1.12 * frame["norm"].max()))


def samples_of(arrays: Arrays, kinds: Sequence[str]) -> pd.DataFrame:
    """Return a row for each sample of the two classes: kind, `x`, `y` by t-SNE, `distance`, `right`.

    `distance` is that from the boundary w_r f = w_u f of the two classes, above 0 where the regular class has the
    greater logit; `right`, whether that is the class of the sample. The losses of these runs have no bias.
    """
    points = np.concatenate([arrays[kind] for kind in kinds]).astype(np.float64)
    kind = np.repeat(kinds, [len(arrays[kind]) for kind in kinds])
    across = arrays["weights"][0].astype(np.float64) - arrays["weights"][1]
    distance = points @ across / max(float(np.linalg.norm(across)), 1e-12)
    x, y = t_sne(points).T
    right = np.where(kind == "regular", distance > 0, distance < 0)
    return pd.DataFrame({"kind": kind, "x": x, "y": y, "distance": distance, "right": right})


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
    text = f"regular / UR: norm {regular:.3g} / {ur:.3g}"
    if min(len(arrays["regular"]), len(arrays["ur"])) > 1:
        spreads = (arrays[kind].var(axis=0, ddof=1, dtype=np.float64).sum() for kind in ("regular", "ur"))
        text += ", variance {:.3g} / {:.3g}".format(*spreads)
    return text


def _draw_plane(axes: Axes, samples: pd.DataFrame) -> None:
    # Last come the few samples, so that the many do not hide them.
    for kind in ("transferred", "regular", "ur"):
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
    axes.set(xlabel="t-SNE 1", ylabel="t-SNE 2")
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
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
    axes.set_xlabel("distance from the boundary (UR class: below 0)")


def _name_samples(picture: Drawing) -> None:
    handles = [
        Line2D([], [], color=COLOURS[index], marker=MARKERS[index], linestyle="none") for index in range(len(KINDS))
    ]
    handles.append(Line2D([], [], color="black", marker="o", markerfacecolor="white", linestyle="none"))
    picture.legend(
        handles, [*KINDS.values(), "on the wrong side"], loc="outside lower center", ncols=len(handles), fontsize=7
    )


def _chosen(panel: str, run: Record, arrays: Arrays) -> str:
    words = [
        f"{name} class {label} with {arrays['sizes'][label]} images ({len(arrays[kind])} shown)"
        for (kind, name), label in zip((("regular", "regular"), ("ur", "UR")), arrays["chosen"], strict=True)
    ]
    return f"{panel}: seed {run.seed}, {' and '.join(words)}."


def figure3(records: Records) -> Figure:
    """Figure 3: the images nearest to the centers of the largest and of the smallest classes."""
    run = records.first_seeds().get(CLASSES_RUN)
    caption = (
        "Figure 3. The training image whose embedding is nearest to its class's mean, of the classes with most images "
        "(a) and of those with least (b). Below each, the number n of images of its class"
    )
    if run is None:
        picture = drawing(1, len(SIDES), width=PAGE_WIDTH, height=1.6)
        for axes, title in zip(picture.axes, SIDES.values(), strict=True):
            axes.set_title(title, fontsize=8)
            plane.not_run(axes)
        return Figure(picture, data=pd.DataFrame(columns=["side"]), caption=f"{caption}.")
    arrays = records.arrays(run.run, run.seed, "nearest-samples")
    rows = -(-len(arrays["largest"]) // IN_A_ROW)
    picture = Drawing(figsize=(PAGE_WIDTH, 0.35 + 1.16 * rows), layout="constrained")
    drawn = []
    halves = cast("Iterable[SubFigure]", picture.subfigures(1, len(SIDES), wspace=0.06))
    for part, (side, title) in zip(halves, SIDES.items(), strict=True):
        found = pd.DataFrame({"class": arrays[f"classes_{side}"], "images": arrays[f"sizes_{side}"]})
        if f"yaws_{side}" in arrays:
            found["yaw"] = np.abs(arrays[f"yaws_{side}"])
        turned = found["yaw"].mean() if "yaw" in found else np.nan
        part.suptitle(title if np.isnan(turned) else f"{title}, mean |yaw| {turned:.0f}°", fontsize=8)
        grid = part.subplots(rows, IN_A_ROW, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, image, (_, row) in zip(grid, arrays[side], found.iterrows(), strict=False):
            axes.imshow(image, cmap="gray", vmin=0, vmax=255)
            words = f"n = {row['images']:.0f}"
            if not np.isnan(row.get("yaw", np.nan)):
                words += f", {row['yaw']:.0f}°"
            axes.text(0.5, -0.04, words, transform=axes.transAxes, ha="center", va="top", fontsize=7)
        drawn.append(found.assign(side=side, seed=run.seed))
    data = pd.concat(drawn, ignore_index=True)
    if "yaw" in data:
        caption += ", and how far the head is turned to either side (|yaw|), where that is known"
    return Figure(
        picture,
        data=data,
        caption=f"{caption}.",
        notes=[
            "The paper's embeddings are those of VGGFace; these are of the network of figure 1, trained with softmax.",
            f"Data: {run.config['data']['name']}. Of several seeds the first is drawn (seed {run.seed}).",
            *credit(run),
        ],
    )


def figure4(records: Records) -> Figure:
    """Figure 4: the error of three estimators of a center, and the distances within and between classes."""
    table = records.table
    table = table[(table["run"] == CENTERS_RUN) & (table["benchmark"] == "center-error")]
    values = {str(name): group.sort_values("seed")["value"].tolist() for name, group in table.groupby("metric")}
    picture = drawing(1, 2, width=PAGE_WIDTH, height=3.1)
    errors, circles = picture.axes
    if "intra_mean" in values:
        _draw_errors(errors, values)
        _draw_circles(circles, values)
    else:
        plane.not_run(errors)
        plane.not_run(circles)
    errors.set_title("(a) error of the estimated center", fontsize=8)
    circles.set_title("(b) distances from the center of a class", fontsize=8)
    return Figure(
        picture,
        data=table[["run", "seed", "metric", "value"]],
        caption=(
            "Figure 4. (a) Distance of a class's center that is estimated from a few images to that of all, by three "
            "estimators; dotted, the mean distance of a sample to its center. (b) The circles, from small to large, "
            "have the least, the mean and the greatest distance from a class's center, of its samples and of the "
            "centers of the other classes, averaged over the classes."
        ),
        notes=[
            "All distances are divided by the inter-class standard deviation, so that errors and distances have one "
            f"unit (the paper divides the error by a variance). Classes: {_counts(values)}.",
            "Mean over the seeds; the band is the 95% t interval where there are several. The center of all images is "
            "their mean; dashed, it is eq. 5 of all images. The network was trained on these images.",
            *(
                ["The yaw of no image is known, so that AvgFlip leaves none out and only adds mirror images."]
                if "yaw_known" in values and not any(values["yaw_known"])
                else []
            ),
        ],
    )


def _draw_errors(axes: Axes, values: Mapping[str, list[float]]) -> None:
    sizes = sorted({int(found[1]) for name in values if (found := re.fullmatch(r"pick_one@(\d+)", name))})
    places = np.arange(len(sizes))
    for index, (estimator, label) in enumerate(ESTIMATORS.items()):
        band(axes, places.tolist(), [values[f"{estimator}@{size}"] for size in sizes], label, index)
        frontal = [values.get(f"{estimator}_frontal@{size}") for size in sizes]
        means = [mean(seeds) for seeds in frontal if seeds]
        if len(means) == len(places):
            axes.plot(places, means, "--", color=COLOURS[index], marker=MARKERS[index], markersize=3, linewidth=0.8)
    axes.axhline(mean(values["intra_mean"]), color="black", linestyle=":", linewidth=1, label="distance of a sample")
    axes.set_xticks(places, [str(size) for size in sizes])
    axes.set(xlabel="images that the center is estimated from", ylabel="error (inter-class standard deviations)")
    axes.plot([], [], "--", color="black", linewidth=0.8, label="all images by eq. 5")
    axes.set_xlim(-0.3, len(sizes) - 0.7)
    axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
    axes.legend(fontsize=7)


def _draw_circles(axes: Axes, values: Mapping[str, list[float]]) -> None:
    """Draw two sets of circles of one scale side by side, each with its radii below."""
    radii = {kind: [mean(values[f"{kind}_{extent}"]) for extent in EXTENTS] for kind in DISTANCES}
    widest = max(max(of_kind) for of_kind in radii.values())
    edge = 0.0
    for index, (kind, label) in enumerate(DISTANCES.items()):
        # A set is as wide as its circles, but no narrower than its words.
        half = max(*radii[kind], 0.6 * widest)
        center = edge + half
        edge += 2 * half + 0.15 * widest
        for radius, style in zip(radii[kind], EXTENTS.values(), strict=True):
            axes.add_patch(
                Circle((center, 0), radius, fill=False, color=COLOURS[index], linestyle=style, linewidth=1.3)
            )
        axes.plot(center, 0, "+", color=COLOURS[index], markersize=5)
        words = ", ".join(f"{radius:.2f}" for radius in radii[kind])
        axes.text(center, -1.1 * widest, f"{label}\n{words}", ha="center", va="top", fontsize=7, color=COLOURS[index])
    axes.set(xlim=(-0.05 * widest, edge), ylim=(-1.6 * widest, 1.1 * widest), aspect="equal")
    axes.set_axis_off()


def _counts(values: Mapping[str, list[float]]) -> str:
    found = sorted({int(count) for count in values.get("classes", [])})
    return ", ".join(f"{count:,}" for count in found) or "none"
