"""The unit that the effects of a claim are in, by the names of the metrics that its test compares."""

from __future__ import annotations

from fnmatch import fnmatchcase

from shared.runs.claims import Claim, Lower, OneFails, Rises, asked

PERCENT = "percentage points"
DEGREES = "degrees"
OF_SEEDS = f"{PERCENT} of the seeds"
"""That of a claim which a seed bears out or does not."""
UNITS = {
    PERCENT: (
        *("*/accuracy", "*/adversary_accuracy", "*/error", "*/rank1*", "*/rank5", "*/rank10", "*/tar@*", "*/auroc"),
        *("*/overlap", "*/vector_share", "*/second_share", "*/minority_confusion", "*/other_prototypes", "*-recall/*"),
        *(
            "*/probe",
            "one-shot/coverage",
            "two-classes/below_20",
            "transfer/center_identity",
            "transfer/energy",
            "transfer/identity_*",
            "transfer/sample_identity",
        ),
    ),
    DEGREES: (
        *("*/angular_sd", "*/mean_angle", "*/mean_to_vector", "*/vector_angle", "*/between_*", "*/first_to_radius"),
        *("*/negative_angle", "*/positive_angle*", "*/*_cluster_width", "compactness/gap", "nearest-samples/yaw_*"),
    ),
}
"""Patterns of metrics; any other is a length, a ratio or a correlation, which has no unit of its own."""


def unit(metric: str) -> str:
    """Return the unit of a difference in a metric, "" where it has none."""
    fits = (name for name, patterns in UNITS.items() if any(fnmatchcase(metric, pattern) for pattern in patterns))
    return next(fits, "")


def in_unit(number: str, unit: str) -> str:
    """Return a number with its unit behind it, where it has one."""
    return f"{number} {unit}" if unit else number


def effect_unit(claim: Claim) -> str:
    """Return the unit of the effects of a claim, "" where they have none or not all the same."""
    if claim.test is None:
        return ""
    if isinstance(claim.test, OneFails):
        return OF_SEEDS
    if isinstance(claim.test, Lower) and claim.test.distance_from_one:
        return "natural logarithms of ratios"
    units = {unit(metric) for _, metric in asked(claim.test)}
    shared = units.pop() if len(units) == 1 else ""
    return f"{shared} a level" if shared and isinstance(claim.test, Rises) else shared
