"""What is known of a recorded training, from its record, its learning curve and the options of its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from shared.records.kept import CURVE, read_curve
from shared.records.records import Record
from shared.runs.catalogue import component
from shared.runs.components import Component, Loss, Scheme
from shared.verdicts.health import Health, Numbers, judge_health

C = TypeVar("C", bound=Component)
Curve = Sequence[Mapping[str, float]]


def recorded_health(record: Record, folder: Path) -> Health:
    """Return what ails a recorded training, by the record and, if it stayed finite, the curve beside it in `folder`.

    Of older records, which hold nothing of the images trained on, the curve alone tells.

    Raises:
        UserError: the curve is damaged.

    """
    if record.not_finite:
        return Health({"not finite": record.not_finite})
    path = folder / CURVE
    return judge_health(numbers_of(record, read_curve(path) if path.exists() else []))


def numbers_of(record: Record, curve: Curve) -> Numbers:
    """Return what is known of a training; with `patience` it ends with the epoch whose weights were kept."""
    training = record.config.get("training", {})
    kept = record.provenance.best_epoch if training.get("patience") else None
    rows = curve[:kept]
    loss, scheme = _options(record, "loss", Loss), _options(record, "scheme", Scheme)
    counts = [count for count in record.data.counts.get("train", ()) if count]
    shares = [count / sum(counts) for count in counts]
    even = [1 / len(counts)] * len(counts) if counts else []
    health = {} if record.health is None else record.health.model_dump(exclude={"images"})
    return Numbers(
        losses=[row["loss"] for row in rows],
        judged=_judged(rows, loss, scheme) if loss and scheme else None,
        nothing=loss.knowing_nothing(shares) if loss and counts else None,
        alike=loss.knowing_nothing(even) if loss and counts else None,
        cut=_epochs_before_cut(training, rows),
        **health,
    )


def _options(record: Record, field: str, kind: type[C]) -> C | None:
    """Return the options of a component of a record, or None where they are of a form that is no longer known."""
    given = record.config.get(field, {})
    found = component(record.paper, kind, given.get("name", ""))
    try:
        return None if found is None else found.model_validate(given)
    except ValidationError:
        return None


def _judged(rows: Curve, loss: Loss, scheme: Scheme) -> list[float] | None:
    """Return the term by which the loss is judged, without what the scheme adds; None where an epoch lacks one."""
    name = loss.judged_by
    added = scheme.added_terms if name == "loss" else {}
    if not all(term in row for row in rows for term in (name, *added)):
        return None
    return [row[name] - sum(weight * row[term] for term, weight in added.items()) for row in rows]


def _epochs_before_cut(training: Mapping[str, Any], rows: Curve) -> int | None:
    """Return how many whole epochs were trained before the learning rate was first cut, None where it never was."""
    milestones = training.get("milestones") or ()
    if not rows or not milestones:
        return None
    steps: float = training.get("steps") or training["epochs"] * rows[0]["step"]
    cut: float = min(milestones) * steps
    return sum(row["step"] <= cut for row in rows)
