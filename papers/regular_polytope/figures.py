"""Figures 2, 4, 5 and 6: embeddings of every dimension, in scatter-plot matrices."""

from __future__ import annotations

from string import digits

from papers.regular_polytope.polytope import POLYTOPES
from papers.regular_polytope.scatter_plots import Matrix, scatter_plots
from shared.data.formats.emnist import CHARACTERS
from shared.records.records import Records
from shared.reporting.figure import Figure


def figure2(records: Records) -> Figure:
    """Figure 2: embeddings of the test digits with fixed classifiers, without normalisation and margin."""
    matrices = [Matrix(f"figure2/{polytope}", f"d-{polytope}") for polytope in POLYTOPES]
    return scatter_plots(
        records,
        [matrices],
        classes=digits,
        widths=[9, 7, 6],
        caption="Figure 2. Embeddings of the test digits with fixed classifiers, without normalisation and margin.",
    )


def figure4(records: Records) -> Figure:
    """Figure 4: embeddings of the test digits with the margin, fixed classifiers beside learnable ones."""
    return scatter_plots(
        records,
        [
            [
                Matrix(f"figure4/{polytope}/{classifier}", f"d-{polytope}, {classifier}")
                for classifier in ("fixed", "learnable")
            ]
            for polytope in POLYTOPES
        ],
        classes=digits,
        caption=(
            "Figure 4. Embeddings of the test digits with the additive angular margin, by fixed classifiers and by "
            "learnable ones of the same dimension."
        ),
    )


def figure5(records: Records) -> Figure:
    """Figure 5: embeddings of the test characters with the margin, the fixed cube beside a learnable classifier."""
    return scatter_plots(
        records,
        [[Matrix(f"emnist/{name}", title) for name, title in (("fixed", "d-cube, fixed"), ("learnable", "learnable"))]],
        classes=CHARACTERS,
        caption=(
            "Figure 5. Embeddings of EMNIST's test characters in six dimensions with the additive angular margin. No "
            "palette tells 47 classes apart; neighbours in the strip below differ in lightness."
        ),
    )


def figure6(records: Records) -> Figure:
    """Figure 6: normalised embeddings of the fixed cube, training characters above test characters."""
    return scatter_plots(
        records,
        [
            [Matrix("emnist/fixed", "training images", "train", normalised=True)],
            [Matrix("emnist/fixed", "test images", "test", normalised=True)],
        ],
        classes=CHARACTERS,
        caption="Figure 6. Embeddings of EMNIST's characters with the fixed cube, normalised.",
    )
