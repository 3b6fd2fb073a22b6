"""Captions name the data of the records that are drawn."""

from __future__ import annotations

from typing import Any

import pytest

from shared.records.records import Record
from shared.reporting.data_names import CLASSES, classes_are, data_note
from shared.runs.catalogue import components
from shared.runs.components import DataSet
from tests.records.samples import record


def on(**data: Any) -> Record:
    return record().model_copy(update={"config": {"data": data}})


@pytest.mark.parametrize(("name", "classes"), [("mnist", "digits"), ("omniglot", "characters"), ("vggface2", "people")])
def test_what_the_classes_are_follows_from_the_data(name, classes):
    assert classes_are([on(name=name)] * 2) == classes


def test_several_sets_are_named_each_once_and_none_too():
    runs = [on(name="mnist"), on(name="casia-webface", source="rendered"), on(name="mnist"), on(name="of one's own")]
    assert data_note(runs) == "Data: MNIST; CASIA-WebFace, rendered; of one's own."
    assert classes_are(runs[:2]) == "digits and people"
    assert (data_note([]), classes_are([])) == ("Data: none.", "classes")


def test_every_set_that_is_named_is_there():
    assert set(CLASSES) <= set(components("gaussian_affinity", DataSet))
