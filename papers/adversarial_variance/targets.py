"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

from papers.adversarial_variance.embeddings import figure3, figure4, figure5, figure7, figure8
from papers.adversarial_variance.tables import table_anchors, table_openset, table_search, table_variance

__all__ = [
    "figure3",
    "figure4",
    "figure5",
    "figure7",
    "figure8",
    "table_anchors",
    "table_openset",
    "table_search",
    "table_variance",
]
