"""How captions and notes name the data of records, so that they name what is shown and not what the paper had."""

from __future__ import annotations

from collections.abc import Iterable

from shared.data.kinds import RENDERED
from shared.records.records import Record
from shared.runs.catalogue import component
from shared.runs.components import DataSet

CLASSES = {
    "mnist": "digits",
    "mnist-5k": "digits",
    "emnist-balanced": "characters",
    "emnist-drawn": "characters",
    "emnist-selection": "characters",
    "emnist-lesion-sizes": "letters",
    "omniglot": "characters",
    "dermofit": "lesions",
}
"""What the classes of a data set are, by its name; those of all others are people."""


def classes_are(runs: Iterable[Record]) -> str:
    """Return what the classes are that runs were trained on, such as "digits"; of no runs, just "classes"."""
    return " and ".join(dict.fromkeys(CLASSES.get(_name(run), "people") for run in runs)) or "classes"


def data_title(run: Record) -> str:
    """Return the title of the data set that a run was trained on, and whether it was rendered in that form."""
    kind = component(run.paper, DataSet, _name(run))
    title = _name(run) if kind is None else kind.card.title
    return f"{title}, rendered" if run.config["data"].get("source") == RENDERED else title


def data_note(runs: Iterable[Record]) -> str:
    """Return a sentence that names the data sets that runs were trained on."""
    return f"Data: {'; '.join(dict.fromkeys(map(data_title, runs))) or 'none'}."


def _name(run: Record) -> str:
    return str(run.config["data"]["name"])
