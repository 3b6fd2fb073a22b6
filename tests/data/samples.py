"""What tests of several formats and sets are given."""

import numpy as np

from shared.data.formats import alignment
from shared.runs.components import Card

TEMPLATE = np.array(alignment.TEMPLATE)
"""The five landmarks of an aligned face, [5, 2]."""


def card(title: str = "Faces", how_to_get: str = "ask nobody") -> Card:
    """The card of a made-up data set."""
    return Card(title=title, owner="nobody", licence="none", available=True, how_to_get=how_to_get, megabytes=1)
