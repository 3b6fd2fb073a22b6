"""Classification accuracy and error, in percent."""

from __future__ import annotations

import numpy as np

from shared.evaluation.output import Output


class Classification:
    """Accuracy over all images; error over all, over the reduced classes and over the others, and by class."""

    def __call__(self, output: Output) -> dict[str, float]:
        """Return `accuracy`, `error`, `balanced_error`, and with reduced classes `minority_` and `majority_error`.

        `balanced_error` is the mean over the classes that occur of the error within the class.
        """
        wrong = output.predictions != output.labels
        by_class = [wrong[output.labels == label].mean() for label in np.unique(output.labels)]
        metrics = {
            "accuracy": 100 * float(np.mean(~wrong)),
            "error": 100 * float(np.mean(wrong)),
            "balanced_error": 100 * float(np.mean(by_class)),
        }
        if output.minority:
            reduced = np.isin(output.labels, output.minority)
            metrics["minority_error"] = 100 * float(np.mean(wrong[reduced]))
            metrics["majority_error"] = 100 * float(np.mean(wrong[~reduced]))
        return metrics
