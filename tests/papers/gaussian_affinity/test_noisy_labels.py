"""What becomes of wrongly labelled images: worked examples, and the labels that a run is measured by."""

from __future__ import annotations

import numpy as np
import pytest

from papers.gaussian_affinity.noisy_labels import NoisyLabels
from shared.data.drawn import draw
from shared.evaluation.output import Output
from shared.runs.registry import paper

# Two labels with two prototypes each, at -1 and 1 of either axis.
PROTOTYPES = np.array([[(-1, 0), (1, 0)], [(0, -1), (0, 1)]], np.float32)


def measured(embeddings, labels, true_labels, predictions=None, vectors=PROTOTYPES) -> dict[str, float]:
    return NoisyLabels()(
        Output(
            embeddings=np.array(embeddings, np.float32),
            labels=np.array(labels),
            predictions=np.array(labels if predictions is None else predictions),
            class_vectors=vectors,
            minority=(),
            true_labels=None if true_labels is None else np.array(true_labels),
        )
    )


def test_how_wrongly_labelled_images_are_classified():
    found = measured([(0, 0)] * 5, [0, 0, 0, 1, 1], [1, 1, 1, 1, 2], predictions=[0, 1, 1, 0, 1])
    # Wrong are the first three and the last: two are classified as labelled, two as they truly are.
    assert (found["as_given"], found["as_true"]) == (50, 50)


def test_prototypes_of_their_own_and_shared_ones():
    own = measured([(-1, 0), (-2, 0), (2, 0), (3, 1)], [0] * 4, [1, 1, 0, 0])
    assert own["other_prototypes"] == 100
    shared = measured([(-1, 0), (2, 0), (-3, 0), (3, 1)], [0] * 4, [1, 1, 0, 0])
    assert shared["other_prototypes"] == 0


def test_the_share_that_would_have_to_go_elsewhere_in_the_mean_over_labels():
    left, right, low, high = (-1, 0), (1, 0), (0, -1), (0, 1)
    embeddings = [left, left, left, right, left, right, low, low, high, high]
    # Of label 0, wrong are 3/4 left, right are 1/2 left: 1/4 would have to go; of label 1, all.
    found = measured(embeddings, [0] * 6 + [1] * 4, [1] * 4 + [0] * 2 + [0, 0, 1, 1])
    assert found["other_prototypes"] == pytest.approx((25 + 100) / 2)


def test_one_prototype_a_class_is_nobodys_own_and_without_noise_there_is_nothing_to_measure():
    one = measured([(0, 0)] * 2, [0, 1], [1, 1], vectors=PROTOTYPES[:, :1])
    assert one.keys() == {"as_given", "as_true"}
    assert measured([(0, 0)], [0], None) == {}
    assert measured([(0, 0)], [0], [0]) == {}


def test_a_run_knows_the_labels_before_the_noise(digits_root):
    run = paper("gaussian_affinity").run("figure5/0.3/affinity", "smoke")
    drawn = draw(run.config.data, 0, digits_root)
    train, held_out = drawn.parts["train"], drawn.parts["held-out"]
    flipped = np.count_nonzero(train.labels != train.true_labels)
    # Three tenths of all are flipped, of which some are held out.
    assert 0 < flipped <= drawn.counts["flipped"] == 300
    assert len(train.labels) + len(held_out.labels) == 1000
    clean = paper("gaussian_affinity").run("figure5/0/affinity", "smoke")
    assert draw(clean.config.data, 0, digits_root).parts["train"].true_labels is None
    assert run.config.benchmarks == ("mnist-test", "mnist-geometry", "noisy-labels")
