"""Tables of ours: the variance that figures 7 and 8 are read by, shared anchors, open-set rejection, and a search."""

from __future__ import annotations

import itertools

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
}
UNSEEN = {"digits": "digits 0 to 5, 6 to 9", "characters": "22 characters, 25 others"}
"""What the runs of open-set rejection are trained on, and what they have not seen."""
ANCHORS = {"anchors/shared": "shared", "anchors/independent": "independent"}
OF_ADVERSARY = ["adversarial", "adversary", "adversary_accuracy", "adversary_two_way"]
SEARCHED = {"center": "center loss, λ = 1", "angular": "angular softmax, m = 4"}


def table_variance(records: Records) -> Table:
    """Ours: what figures 7 and 8 are read by, as numbers, with other readings of the training scheme."""
    table = records.table
    others = ["angular_sd", "mean_angle", "between_means", "between_means_smallest", "accuracy"]
    chosen = table[(table["benchmark"] == "variance") | table["metric"].isin([*others, *OF_ADVERSARY])]
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
            "Adversarial: with weight 1 where nothing else is said. Weight 0: the batches of the adversarial scheme "
            "without its loss.",
        ],
    )


def table_anchors(records: Records) -> Table:
    """Ours: what section 4 says of sharing anchors, where a batch has few of many identities."""
    adversary = (f"training/{metric}" for metric in OF_ADVERSARY)
    chosen = _of(records, "emnist-test/accuracy", "angles/between_means", "angles/mean_angle", *adversary)
    rows = []
    for run, label in ANCHORS.items():
        values = _by_metric(chosen, run)
        rows.append(
            {
                "Anchors": f"{label}{mark(records, [run])}",
                "Accuracy (%)": measured(values.get("accuracy", [])),
                "Between classes": measured(values.get("between_means", []), 1),
                "Mean angle": measured(values.get("mean_angle", []), 1),
                "Adversary (%)": measured(values.get("adversary_accuracy", [])),
                "its cross-entropy": measured(values.get("adversary_two_way", []), 3),
                "Adversarial loss": measured(values.get("adversarial", []), 3),
            }
        )
    return Table(
        data=chosen[["run", "seed", "benchmark", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Adversarial training, weight 10, on 47 characters, eight a batch, with anchors shared or not",
        notes=[
            "Mean over seeds ± standard deviation (number of seeds). Shared: the adversary is updated on the anchors "
            "of the classifier's batch; independent: on those of characters that are drawn for it anew. Accuracy: of "
            "the classifier, on test images; chance is 2.13 %. Between classes: mean angle between the mean directions "
            "of two classes, 0 in a collapse; mean angle: of a test image to its class's; both in degrees.",
            "Over the last epoch, on the classifier's batch as it is before the update: the mean of the percentages of "
            "anchors and of other images that the adversary knows for such (50 by guessing) and its cross-entropy (ln "
            "2 = 0.693 by guessing), once the class is known; and the adversarial loss, from -1 to 1.",
        ],
    )


def table_openset(records: Records) -> Table:
    """Ours: rejection of digits and characters not trained on, by the angle to the nearest class direction."""
    table = records.table
    others = ["accuracy", "angular_sd", "between_means_smallest"]
    chosen = table[(table["benchmark"] == "open-set") | table["metric"].isin(others)]
    rows = []
    for images, (method, label) in itertools.product(UNSEEN, METHODS.items()):
        run = f"openset/{images}/{method}"
        values = _by_metric(chosen, run)
        rows.append(
            {
                "Trained on, unseen": UNSEEN[images],
                "Training": f"{label}{mark(records, [run])}",
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
        caption="Test images of classes that were not trained on, told from those of classes that were",
        notes=[
            "Mean over seeds ± standard deviation (number of seeds). An image is accepted by the cosine between its "
            "embedding (32 dimensions) and the nearest mean direction of a class's training images. AUROC: images of "
            "known classes against those of unseen ones. FPR: the share of unseen images accepted where 95 % of the "
            "known are.",
            "Characters: 22 letters are known; unseen are the ten digits and the 15 letters that are easily taken for "
            "one of them or for such a letter.",
            "Angular sd and smallest angle, in degrees, as in table_variance, of the test images of known classes.",
        ],
    )


def table_search(records: Records) -> Table:
    """Ours: accuracy on held-out training images by learning rate, which figures 3 to 5 follow."""
    chosen = _of(records, "held-out/accuracy", "training/loss")
    rows = []
    for loss, label in SEARCHED.items():
        for rate in sorted({run.rpartition("/")[2] for run in chosen["run"]}, key=float):
            run = f"search/{loss}/{rate}"
            values = _by_metric(chosen, run)
            rows.append(
                {
                    "Loss": f"{label}{mark(records, [run])}",
                    "Learning rate": rate,
                    "Accuracy, held out (%)": measured(values.get("accuracy", [])),
                    "Loss, last epoch": measured(values.get("loss", []), 3),
                }
            )
    return Table(
        data=chosen[["run", "seed", "benchmark", "metric", "value"]],
        display=pd.DataFrame(rows, columns=["Loss", "Learning rate", "Accuracy, held out (%)", "Loss, last epoch"]),
        caption="Learning rates of the network of figures 3 to 5, by the accuracy on a sixth of the training digits",
        notes=["Mean over seeds ± standard deviation (number of seeds). Loss: over the last epoch, of its images."],
    )


def _of(records: Records, *places: str) -> pd.DataFrame:
    """Return the rows of some metrics, by benchmark/metric."""
    table = records.table
    return table[(table["benchmark"] + "/" + table["metric"]).isin(places)]


def _by_metric(table: pd.DataFrame, run: str) -> dict[str, list[float]]:
    """Return the values of a run, one a seed, by metric."""
    of_run = table[table["run"] == run]
    return {str(metric): group["value"].tolist() for metric, group in of_run.groupby("metric")}
