"""Tables of ours: the variance that figures 7 and 8 are read by, and open-set rejection."""

from __future__ import annotations

import pandas as pd

from shared.evaluation.spread import mean
from shared.records.records import Records
from shared.reporting.health_marks import mark
from shared.reporting.table import Table, measured

METHODS = {
    "vanilla": "vanilla",
    "center": "center loss",
    "angular": "angular softmax",
    "adversarial": "adversarial",
}
ROWS = {
    "figure7/2": ("2", "vanilla"),
    "figure8/2": ("2", "adversarial"),
    "figure7/3": ("3", "vanilla"),
    "figure8/3": ("3", "adversarial"),
    "figure7/8": ("8", "vanilla"),
    "figure8/8": ("8", "adversarial"),
    "weight/0": ("8", "adversarial, weight 0"),
    "weight/0.1": ("8", "adversarial, weight 0.1"),
    "weight/10": ("8", "adversarial, weight 10"),
    "anchors/redrawn": ("8", "adversarial, anchors redrawn"),
    "anchors/independent": ("8", "adversarial, anchors independent"),
}


def table_variance(records: Records) -> Table:
    """Ours: what figures 7 and 8 are read by, as numbers, with other readings of the training scheme."""
    table = records.table
    others = ["angular_sd", "mean_angle", "between_means", "between_means_smallest", "accuracy"]
    of_training = ["adversarial", "anchors_recognised"]
    chosen = table[(table["benchmark"] == "variance") | table["metric"].isin([*others, *of_training])]
    rows = []
    for run, (classes, training) in ROWS.items():
        values = _by_metric(chosen, run)
        by_class = [mean(seeds) for metric, seeds in values.items() if metric.startswith("second_variance_class")]
        rows.append(
            {
                "Classes": classes,
                "Training": f"{training}{mark(records, [run])}",
                "Second variance": measured(values.get("second_variance", []), digits=3),
                "by class": f"{min(by_class):.3g} to {max(by_class):.3g}" if by_class else "not run",
                "Second share (%)": measured(values.get("second_share", [])),
                "Angular sd": measured(values.get("angular_sd", [])),
                "Mean angle": measured(values.get("mean_angle", [])),
                "Smallest angle": measured(values.get("between_means_smallest", []), 1),
                "Spread": measured(values.get("spread", []), digits=3),
                "Accuracy (%)": measured(values.get("accuracy", [])),
            }
        )
    return Table(
        data=chosen[["run", "seed", "benchmark", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Variance of the embeddings of the test digits within classes, and angles between classes",
        notes=[
            "Mean over seeds ± standard deviation (number of seeds). Second variance: along the second principal "
            "component of a class, in squared units of the embedding, mean over the classes; by class: the least and "
            "the greatest of them. Second share: that variance in percent of the variance along both components, which "
            "no rescaling changes.",
            "Angular sd: root mean square angle to the class's mean direction, in degrees, mean over the classes. Mean "
            "angle: the mean of the same over all images, on which misplaced ones weigh less. Smallest angle: between "
            "the mean directions of two classes. Spread: mean distance of a class mean from the mean of all. In a "
            "collapse, smallest angle and spread go to 0 and the accuracy to chance.",
            "Adversarial: with weight 1 and fixed anchors where nothing else is said. Weight 0: the batches of the "
            "adversarial scheme without its loss. Anchors redrawn: new ones for each update of the classifier, shared "
            "with the adversary; independent: the adversary draws its own.",
        ],
    )


def table_openset(records: Records) -> Table:
    """Ours: rejection of digits that were not trained on, by the angle to the nearest class direction."""
    table = records.table
    others = ["accuracy", "angular_sd", "between_means_smallest"]
    chosen = table[(table["benchmark"] == "open-set") | table["metric"].isin(others)]
    rows = []
    for method, label in METHODS.items():
        values = _by_metric(chosen, f"openset/{method}")
        rows.append(
            {
                "Training": f"{label}{mark(records, [f'openset/{method}'])}",
                "AUROC (%)": measured(values.get("auroc", [])),
                "FPR at 95 % TPR (%)": measured(values.get("fpr_at_95_tpr", [])),
                "Accuracy, known (%)": measured(values.get("accuracy", [])),
                "Angular sd": measured(values.get("angular_sd", [])),
                "Smallest angle": measured(values.get("between_means_smallest", []), 1),
            }
        )
    return Table(
        data=chosen[["run", "seed", "benchmark", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Test digits 6 to 9 told from 0 to 5 by a network trained on 0 to 5",
        notes=[
            "Mean over seeds ± standard deviation (number of seeds). An image is accepted by the cosine between its "
            "embedding (32 dimensions) and the nearest mean direction of a class's training images. AUROC: known "
            "digits against unseen. FPR: the share of unseen digits accepted where 95 % of the known are.",
            "Angular sd and smallest angle, in degrees, as in table_variance, of the known test digits.",
        ],
    )


def _by_metric(table: pd.DataFrame, run: str) -> dict[str, list[float]]:
    """Return the values of a run, one a seed, by metric."""
    of_run = table[table["run"] == run]
    return {str(metric): group["value"].tolist() for metric, group in of_run.groupby("metric")}
