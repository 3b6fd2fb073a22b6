"""The protocols over splits by hand, the SVM against an exact solution, and its scores against plain loops."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.data.evaluation_sets import Sightings, SplitTemplateSet, TemplateSplit
from shared.data.image_source import ArraySource
from shared.evaluation import split_templates, template_adaptation
from shared.evaluation.split_templates import SplitTemplates, over_splits
from shared.evaluation.template_adaptation import (
    COST,
    AdaptedTemplates,
    ProbeSvms,
    gallery_svms,
    media_features,
    svm,
)
from shared.runs.registry import benchmarks

Floats = NDArray[np.float64]


def sightings(*rows: tuple[int, int, int, int]) -> Sightings:
    """Return sightings of (image, template, medium, subject)."""
    image, template, medium, subject = np.array(rows, np.int64).T
    return Sightings(image.astype(np.intp), template, medium, subject)


def split(compared: Sightings, pairs: list[tuple[int, int]], gallery: Sightings, probes: Sightings) -> TemplateSplit:
    training = sightings((0, 1, 1, 99))
    first, second = np.array(pairs).T
    return TemplateSplit(training, compared, first, second, training, gallery, probes)


def data(*splits: TemplateSplit) -> SplitTemplateSet:
    return SplitTemplateSet(ArraySource(np.zeros((1, 112, 112, 3), np.uint8)), splits, {})


def at(*degrees: float) -> NDArray[np.float32]:
    """Return one embedding in the plane for each angle."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


def measured(
    embeddings: NDArray[np.floating], pooling: Literal["average", "media"], *splits: TemplateSplit
) -> dict[str, float]:
    benchmark = SplitTemplates(flip="none", pooling=pooling)
    return benchmark(data(*splits), lambda images, mirrored: embeddings.astype(np.float32))


def test_two_splits_by_hand(monkeypatch):
    """At a rate of a tenth: one pair of two people of ten may be accepted."""
    monkeypatch.setattr(split_templates, "POWERS", (1,))
    # Person p stands at 10 p degrees; the second image of person 0 is 14 degrees off, that of person 1 one degree.
    embeddings = at(0, 10, 20, 30, 40, 14, 11, 45)
    templates = sightings(*((image, image, image, image) for image in range(5)), (5, 5, 5, 0), (6, 6, 6, 1))
    impostors = [(a, b) for a in range(5) for b in range(a + 1, 5)]
    # The pair (0, 5) is as far apart as 14 degrees; four impostors are 10 degrees apart and tie.
    one = split(
        templates,
        [*impostors, (0, 5), (1, 6)],
        gallery=sightings(*((image, image, image, image) for image in range(5))),
        probes=sightings((5, 70, 1, 0), (6, 71, 1, 1), (7, 72, 1, 9)),
    )
    # Of 0 and 5 degrees the first is the mate of the probe; person 9 has none, and is in no rank.
    other = split(
        templates,
        [*impostors, (1, 6)],
        gallery=sightings((1, 1, 1, 1), (0, 2, 1, 0)),
        probes=sightings((6, 70, 1, 1), (7, 71, 1, 9)),
    )
    # In the first split others stand at 10 and 20 degrees, before the mate of the probe at 14: its rank is 3.
    assert measured(embeddings, "media", one, other) == pytest.approx(
        {
            "tar@1e-1": 75,
            "tar@1e-1_sd": 50 / np.sqrt(2),
            "rank1": 75,
            "rank1_sd": 50 / np.sqrt(2),
            "rank5": 100,
            "rank5_sd": 0,
            "rank10": 100,
            "rank10_sd": 0,
        }
    )


def test_a_video_counts_once_in_media_pooling_and_by_its_frames_in_the_average():
    # The probe is a still at 0 degrees and a video of three frames at 90: its mean is at 72, by media at 45 degrees.
    embeddings = at(0, 90, 90, 90, 20, 80)
    one = split(
        sightings((0, 1, 1, 1), (4, 2, 1, 1)),
        [(1, 2)],
        gallery=sightings((4, 1, 1, 1), (5, 2, 1, 2)),
        probes=sightings((0, 7, 1, 1), (1, 7, 2, 1), (2, 7, 2, 1), (3, 7, 2, 1)),
    )
    assert measured(embeddings, "media", one)["rank1"] == 100
    assert measured(embeddings, "average", one)["rank1"] == 0


def test_nothing_is_claimed_of_too_few_pairs():
    one = split(sightings((0, 1, 1, 1), (1, 2, 1, 2)), [(1, 2)], sightings((0, 1, 1, 1)), sightings((1, 2, 1, 2)))
    assert measured(at(0, 90), "media", one) == {}


def test_what_one_split_lacks_is_left_out():
    splits = [{"a": 1.0, "b": 5.0}, {"a": 2.0}, {"a": 6.0, "b": 5.0}]
    assert over_splits(splits) == pytest.approx({"a": 3, "a_sd": np.sqrt(7)})
    assert over_splits(splits[:1]) == {"a": 1, "b": 5}


def exact_svm(positives: Floats, negatives: Floats) -> Floats:
    """Return the minimum of the squared hinge: the ridge regression on the active examples, until they stay the same.

    Keerthi and DeCoste, "A modified finite Newton method for fast solution of large scale linear SVMs", JMLR 6 (2005).
    """
    examples = np.concatenate([positives, negatives])
    p, n = len(positives), len(negatives)
    labels = np.repeat((1.0, -1.0), (p, n))
    costs = np.repeat((COST * (p + n) / (2 * p), COST * (p + n) / (2 * n)), (p, n))
    active = np.ones(p + n, bool)
    for _ in range(100):
        used, cost = examples[active], costs[active][:, None]
        weights = np.linalg.solve(
            np.eye(examples.shape[1]) + 2 * used.T @ (cost * used), 2 * used.T @ (cost[:, 0] * labels[active])
        )
        following = labels * (examples @ weights) < 1
        if (following == active).all():
            return weights
        active = following
    raise AssertionError


def unit(points: Floats) -> Floats:
    normalised: Floats = points / np.linalg.norm(points, axis=1, keepdims=True)
    return normalised


@pytest.mark.parametrize(("positives", "negatives", "dimension"), [(1, 40, 5), (3, 200, 8), (6, 30, 64)])
def test_the_svm_is_the_exact_minimum(positives, negatives, dimension):
    stream = np.random.default_rng(positives)
    positive = unit(stream.normal(0.4, 1, (positives, dimension)))
    negative = unit(stream.normal(0, 1, (negatives, dimension)))
    expected = exact_svm(positive, negative)
    np.testing.assert_allclose(svm(positive, negative), expected, atol=2e-3 * abs(expected).max())


def test_the_svm_of_two_opposite_examples_in_closed_form():
    # Both have the cost COST: w = (a, 0) minimises a^2 / 2 + 2 COST (1 - a)^2, so that a = 4 COST / (1 + 4 COST).
    weights = svm(np.array([[1.0, 0]]), np.array([[-1.0, 0]]))
    np.testing.assert_allclose(weights, [40 / 41, 0], rtol=1e-3)


def test_media_features_by_hand():
    embeddings = np.array([[3, 4], [0, 2], [4, 0], [2, 0], [0, 6]], np.float32)
    # Medium 7 of owner 20 has the mean (2, 1); image 1 is listed twice and counts once.
    listed = sightings((1, 1, 7, 20), (2, 1, 7, 20), (1, 2, 7, 20), (3, 1, 5, 20), (0, 3, 7, 10), (4, 3, 9, 10))
    ten, twenty = media_features(embeddings, listed, listed.subject)
    np.testing.assert_allclose(ten, np.array([[0.6, 0.8], [0, 1]]), atol=1e-6)
    np.testing.assert_allclose(twenty, np.array([[1, 0], [2 / np.sqrt(5), 1 / np.sqrt(5)]]), atol=1e-6)
    by_template = media_features(embeddings, listed, listed.template)
    assert [len(features) for features in by_template] == [2, 1, 2]


def drawn_split(stream: np.random.Generator) -> tuple[TemplateSplit, NDArray[np.float32]]:
    """Return a split of five people to train on and four to test on, and the embeddings of 60 images."""
    train = sightings(*((image, image // 4, image % 3, image // 4) for image in range(20)))
    search_train = sightings(*((image, image // 5, image % 2, image // 5) for image in range(15)))
    tested = [(20 + image, image // 5, image % 2, 10 + image // 10) for image in range(40)]
    gallery = sightings(*(row for row in tested if row[1] % 2 == 0 and row[3] != 13))
    probes = sightings(*(row for row in tested if row[1] % 2 == 1))
    pairs = np.array([(a, b) for a in range(8) for b in range(a)])
    split_ = TemplateSplit(train, sightings(*tested), pairs[:, 0], pairs[:, 1], search_train, gallery, probes)
    return split_, stream.normal(0.2, 1, (60, 6)).astype(np.float32)


def slow_features(embeddings: NDArray[np.float32], rows: Sightings, owners: NDArray[np.int64]) -> dict[int, Floats]:
    features = {}
    for owner in sorted(set(owners.tolist())):
        media = sorted(set(rows.medium[owners == owner].tolist()))
        groups = [embeddings[rows.image[(owners == owner) & (rows.medium == medium)]] for medium in media]
        features[owner] = unit(np.stack([group.astype(np.float64).mean(0) for group in groups]))
    return features


def test_scores_are_those_of_plain_loops(monkeypatch):
    one, embeddings = drawn_split(np.random.default_rng(3))
    kept: list[Floats] = []

    def keep(split, pairs, searched):
        kept.extend([pairs, searched])
        return {"kept": 1.0}

    monkeypatch.setattr(template_adaptation, "protocols", keep)
    found = AdaptedTemplates(flip="none")(data(one), lambda images, mirrored: embeddings)
    assert found == {"kept": 1.0}
    compared, gallery, probes = (
        slow_features(embeddings, rows, rows.template) for rows in (one.compared, one.gallery, one.probes)
    )
    negatives, search_negatives = (
        np.concatenate(list(slow_features(embeddings, rows, rows.subject).values()))
        for rows in (one.verification_training, one.search_training)
    )
    pairs: list[float] = []
    for a, b in zip(one.first.tolist(), one.second.tolist(), strict=True):
        p, q = exact_svm(compared[a], negatives), exact_svm(compared[b], negatives)
        pairs.append(float(np.mean(compared[b] @ p) + np.mean(compared[a] @ q)) / 2)
    np.testing.assert_allclose(kept[0], pairs, atol=5e-3)
    searched = np.empty((len(probes), len(gallery)))
    for row, probe in enumerate(probes.values()):
        for column, (template, enrolled) in enumerate(gallery.items()):
            others = [features for other, features in gallery.items() if other != template]
            by_gallery = exact_svm(enrolled, np.concatenate([search_negatives, *others]))
            by_probe = exact_svm(probe, search_negatives)
            searched[row, column] = (np.mean(enrolled @ by_probe) + np.mean(probe @ by_gallery)) / 2
    np.testing.assert_allclose(kept[1], searched, atol=5e-3)


def test_a_persons_second_template_is_no_negative_of_the_first():
    stream = np.random.default_rng(0)
    gallery = [unit(stream.normal(size=(2, 4))) for _ in range(3)]
    negatives = unit(stream.normal(size=(9, 4)))
    weights = gallery_svms(gallery, np.array([5, 6, 5]), negatives)
    np.testing.assert_array_equal(weights[0], svm(gallery[0], np.concatenate([negatives, gallery[1]])))
    np.testing.assert_array_equal(weights[1], svm(gallery[1], np.concatenate([negatives, gallery[0], gallery[2]])))


def test_each_template_is_trained_once(monkeypatch):
    stream = np.random.default_rng(0)
    templates = [unit(stream.normal(size=(2, 4))) for _ in range(3)]
    svms = ProbeSvms(unit(stream.normal(size=(9, 4))))
    trained: list[Floats] = []

    def first(positives, negatives):
        trained.append(positives)
        return positives[0]

    monkeypatch.setattr(template_adaptation, "svm", first)
    np.testing.assert_array_equal(svms.of(templates[:2]), [templates[0][0], templates[1][0]])
    again = svms.of([templates[2], templates[0], templates[2]])
    np.testing.assert_array_equal(again, [templates[2][0], templates[0][0], templates[2][0]])
    assert len(trained) == 3


def test_adaptation_finds_who_it_is_where_lengths_hide_it():
    """A person is one of five directions; three others, of larger numbers, say how the picture was taken.

    The cosine sees the pictures, the SVMs learn from the training people that they say nothing.
    """
    stream = np.random.default_rng(1)
    shown = [person for person in range(5) for _ in range(3)], [person for person in range(5) for _ in range(16)]
    embeddings = 10 * stream.normal(size=(295, 8))
    embeddings[:200, :5] = stream.normal(0, 1, (200, 5))
    embeddings[200:, :5] = 3 * np.eye(5)[[*shown[0], *shown[1]]]
    train = sightings(*((image, image, image, 100 + image) for image in range(200)))
    gallery = sightings(*((200 + image, person, image, person) for image, person in enumerate(shown[0])))
    probes = sightings(*((215 + image, image // 2, image, person) for image, person in enumerate(shown[1])))
    one = TemplateSplit(train, gallery, np.array([0]), np.array([1]), train, gallery, probes)
    plain = SplitTemplates(flip="none", pooling="media")
    results = [
        benchmark(data(one), lambda images, mirrored: embeddings.astype(np.float32))["rank1"]
        for benchmark in (plain, AdaptedTemplates(flip="none"))
    ]
    assert results[0] < 50
    assert results[1] == 100


def test_the_benchmarks_are_built_from_their_options():
    known = benchmarks("feature_transfer")
    assert known["ijb-a"].build() == SplitTemplates(flip="sum", pooling="average")
    assert known["ijb-a-media"].build() == SplitTemplates(flip="sum", pooling="media")
    assert known["ijb-a-adapted"].build() == AdaptedTemplates(flip="sum")
