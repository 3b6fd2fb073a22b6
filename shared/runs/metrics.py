"""How a metric is named, and which can be scored."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Metric = Annotated[str, Field(pattern=r"^[^/]+/[^/]+$", description="benchmark/metric")]
DIRECTIONS = {
    "accuracy": 1,
    "error": -1,
    "mean_angle": -1,
    **{f"rank{rank}": 1 for rank in (1, 5, 10)},
    "rank1_regular": 1,
    "rank1_ur": 1,
    "rank1_base": 1,
    "coverage": 1,
    **{f"tar@1e-{power}": 1 for power in range(1, 7)},
    "eer": -1,
    "auroc": 1,
    "overlap": -1,
    "below_20": 0,
}
"""Of each metric that is scored or of which a best is asked for, whether more is better (1) or worse (-1).

Of a property of a data set neither is (0): beyond its tolerance it is worse on either side.
"""
