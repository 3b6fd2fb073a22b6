"""What the margin asks for at the fixed vertices."""

from math import log

import pytest

from papers.regular_polytope import Polytope
from shared.evaluation.optimum import optimum

VERTEX = "mean angle of an embedding to its class's nearest vector"


@pytest.mark.parametrize(
    ("polytope", "dimension", "loss"), [("simplex", 9, log(10)), ("orthoplex", 5, log(9)), ("cube", 4, 1.2137)]
)
def test_ten_classes_with_the_paper_s_margin(polytope, dimension, loss):
    found = optimum(Polytope(polytope=polytope, scale=30.0, margin=1.0), dimension, 10)
    assert found.terms["loss"] == pytest.approx(loss, abs=1e-4)
    assert found.geometry[VERTEX] == pytest.approx(0, abs=0.05)
    assert found.classifies
