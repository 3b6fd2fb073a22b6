"""Classification accuracy and error, in percent."""

from __future__ import annotations

import numpy as np

from shared.evaluation.output import TestOutput


class Classification:
    """Accuracy over all test images; error over all, over the reduced classes and over the others."""

    def __call__(self, output: TestOutput) -> dict[str, float]:
        """Return `accuracy` and `error`, and with reduced classes `minority_error` and `majority_error`."""
        wrong = output.predictions != output.labels
        metrics = {"accuracy": 100 * float(np.mean(~wrong)), "error": 100 * float(np.mean(wrong))}
        if output.minority:
            reduced = np.isin(output.labels, output.minority)
            metrics["minority_error"] = 100 * float(np.mean(wrong[reduced]))
            metrics["majority_error"] = 100 * float(np.mean(wrong[~reduced]))
        return metrics
