"""An order of one's own: what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from shared.errors import UserError
from shared.training.own_order import checked_order


class Given:
    def __init__(self, *orders: object) -> None:
        self.orders = list(orders)

    def order(self, seed: int, epoch: int) -> np.ndarray:
        return np.asarray(self.orders.pop(0))


def test_an_order_may_have_images_twice_and_leave_others_out():
    assert checked_order(Given([2, 2, 0], [2, 2, 0]), 3, 0, 0, "mine:Mine").tolist() == [2, 2, 0]


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        (([0, 1], [0, 1]), "let it be 3 places"),
        (([0.0, 1.0, 2.0],) * 2, "whole numbers"),
        (([0, 1, 3],) * 2, "beyond 0..2"),
        (([-1, 1, 2],) * 2, "beyond 0..2"),
        (([0, 1, 2], [0, 2, 1]), "another order when asked again"),
    ],
)
def test_what_is_no_order_of_these_images_is_refused(orders, said):
    with pytest.raises(UserError, match=said):
        checked_order(Given(*orders), 3, 0, 0, "mine:Mine")


class Ragged:
    def order(self, _seed: int, _epoch: int) -> list[list[int]]:
        return [[1], [1, 2]]


class Raising:
    def order(self, _seed: int, _epoch: int) -> np.ndarray:
        raise KeyError(3)


class Shuffled:
    """Changes the one array that it gives."""

    places = np.arange(3)

    def order(self, _seed: int, _epoch: int) -> np.ndarray:
        self.places[:] = self.places[[1, 2, 0]]
        return self.places


@pytest.mark.parametrize(
    ("sampler", "said"),
    [
        (Ragged(), r"mine:Mine: order\(0, 1\) gives no array \(ValueError: "),
        (Raising(), rf"mine:Mine: order\(0, 1\) raises KeyError: 3, at {__file__}:\d+; mend it"),
        (object(), "mine:Mine: it has no method 'order'"),
        (Shuffled(), "gives another order when asked again"),
    ],
)
def test_what_gives_no_order_is_refused(sampler, said):
    with pytest.raises(UserError, match=said):
        checked_order(sampler, 3, 0, 1, "mine:Mine")
