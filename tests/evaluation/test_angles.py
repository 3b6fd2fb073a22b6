"""The angles of embeddings by hand, by plain loops, and what they do not depend on."""

from __future__ import annotations

import math
from dataclasses import replace
from math import acos, degrees, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from shared.evaluation.angles import Angles, AnglesOfRight
from shared.evaluation.output import Output
from shared.runs.catalogue import benchmarks


def output(embeddings: ArrayLike, labels: ArrayLike, vectors: ArrayLike) -> Output:
    given = np.asarray(labels, np.int64)
    return Output(
        embeddings=np.asarray(embeddings, np.float32),
        labels=given,
        predictions=given,
        class_vectors=np.asarray(vectors, np.float32),
        minority=(),
    )


def direction(angle: float, length: float = 1.0) -> tuple[float, float]:
    return length * math.cos(math.radians(angle)), length * math.sin(math.radians(angle))


def random_output(seed: int, classes: int = 4, dimension: int = 3) -> Output:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, 20)])
    embeddings = random.normal(size=(len(labels), dimension))
    return output(embeddings, labels, random.normal(size=(classes, 2, dimension)))


def test_by_hand_in_the_plane() -> None:
    # Vectors at 0, 90 and 200 degrees. Class 0 at 10 and 30 degrees, class 1 at 90 and 90, class 2 at 200 and 260.
    points = [direction(10, 3), direction(30, 0.1), direction(90), direction(90, 7), direction(200), direction(260)]
    vectors = [[direction(0, 5)], [direction(90)], [direction(200, 0.2)]]
    found = Angles()(output(points, [0, 0, 1, 1, 2, 2], vectors))
    # Means at 20, 90 and 230; vectors are 90 from their nearest, but that at 200, which is 110 from that at 90.
    assert found == pytest.approx(
        {
            "vector_angle": (10 + 30 + 0 + 0 + 0 + 60) / 6,
            "vector_angle_worst": 60,
            "vector_share": 100 * 5 / 6,
            "mean_angle": (10 + 10 + 0 + 0 + 30 + 30) / 6,
            "angular_sd": (10 + 0 + 30) / 3,
            "overlap": 0,
            "mean_to_vector": (20 + 0 + 30) / 3,
            "between_means": (70 + 140 + 150) / 3,
            "between_means_smallest": 70,
            "between_means_spread": np.std([70, 70, 140]),
            "between_vectors_smallest": 90,
            "between_vectors_spread": np.std([90, 90, 110]),
        },
        abs=1e-4,
    )


def test_overlap_counts_images_nearer_to_another_mean() -> None:
    # Means at 25 and 50 degrees: of class 0 the image at 50 is nearer to the other, of class 1 none.
    found = Angles()(output([direction(a) for a in (0, 50, 40, 60)], [0, 0, 1, 1], [[direction(25)], [direction(50)]]))
    assert found["overlap"] == 25


@pytest.mark.parametrize("seed", range(3))
def test_by_plain_loops(seed: int) -> None:
    given = random_output(seed)
    points, vectors = given.embeddings.tolist(), given.class_vectors[:, 0].tolist()

    def unit(v: list[float]) -> list[float]:
        return [x / sqrt(sum(y * y for y in v)) for x in v]

    def between(v: list[float], w: list[float]) -> float:
        return degrees(acos(max(-1.0, min(1.0, sum(x * y for x, y in zip(unit(v), unit(w), strict=True))))))

    def nearest(all_of: list[list[float]]) -> list[float]:
        return [min(between(v, w) for j, w in enumerate(all_of) if j != i) for i, v in enumerate(all_of)]

    classes = range(len(vectors))
    members = [[unit(x) for x, y in zip(points, given.labels, strict=True) if y == c] for c in classes]
    means = [[sum(coordinate) for coordinate in zip(*own, strict=True)] for own in members]
    to_vector = [between(x, vectors[y]) for x, y in zip(points, given.labels, strict=True)]
    to_mean = [[between(x, means[c]) for x in members[c]] for c in classes]
    pairs = [between(means[i], means[j]) for i in classes for j in classes if i < j]
    half = min(nearest(vectors)) / 2
    misplaced = [min(between(x, mean) for mean in means) < between(x, means[c]) for c in classes for x in members[c]]
    expected = {
        "vector_angle": sum(to_vector) / len(points),
        "vector_angle_worst": max(to_vector),
        "vector_share": 100 * sum(angle <= half for angle in to_vector) / len(points),
        "mean_angle": sum(map(sum, to_mean)) / len(points),
        "overlap": 100 * sum(misplaced) / len(points),
        "angular_sd": sum(sqrt(sum(a * a for a in own) / len(own)) for own in to_mean) / len(vectors),
        "mean_to_vector": sum(between(means[c], vectors[c]) for c in classes) / len(vectors),
        "between_means": sum(pairs) / len(pairs),
        "between_means_smallest": min(pairs),
        "between_means_spread": float(np.std(nearest(means))),
        "between_vectors_smallest": min(nearest(vectors)),
        "between_vectors_spread": float(np.std(nearest(vectors))),
    }
    assert Angles()(given) == pytest.approx(expected, rel=1e-5, abs=1e-5)


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_neither_rotation_nor_the_length_of_any_vector_matters(seed: int) -> None:
    given, random = random_output(seed), np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.normal(size=(3, 3)))
    turned = output(
        random.uniform(0.1, 10, size=(len(given.labels), 1)) * given.embeddings @ rotation,
        given.labels,
        random.uniform(0.1, 10, size=(4, 1, 1)) * given.class_vectors @ rotation,
    )
    before, after = Angles()(given), Angles()(turned)
    for count in ("vector_share", "overlap"):  # an image may lie on the edge
        del before[count], after[count]
    assert after == pytest.approx(before, rel=1e-4, abs=1e-3)


def test_images_on_the_vertices_are_at_no_angle_and_their_means_as_far_apart_as_these() -> None:
    vertices = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]], float)
    found = Angles()(output(np.repeat(vertices, 3, axis=0), np.repeat(np.arange(5), 3), vertices[:, None]))
    for name in ("vector_angle", "vector_angle_worst", "mean_angle", "angular_sd", "mean_to_vector"):
        assert found[name] == 0
    assert found["vector_share"] == 100
    assert found["between_means_smallest"] == found["between_vectors_smallest"] == pytest.approx(90)
    assert found["between_means_spread"] == found["between_vectors_spread"] == pytest.approx(0)
    assert found["between_means"] == pytest.approx((2 * 180 + 8 * 90) / 10)


def test_small_angles_keep_their_digits() -> None:
    tiny = 1e-4
    found = Angles()(output([direction(tiny), direction(90)], [0, 1], [[direction(0)], [direction(90)]]))
    assert found["vector_angle"] == pytest.approx(tiny / 2, rel=1e-3)


def test_an_embedding_without_length_is_at_a_right_angle_to_everything() -> None:
    vectors = [[(1, 0)], [(0, 1)]]
    found = Angles()(output([(0, 0), (1, 0), (0, 1)], [0, 0, 1], vectors))
    assert found["vector_angle_worst"] == pytest.approx(90)
    assert found["vector_angle"] == pytest.approx(30)


def test_of_rightly_classified_images_alone_no_other_has_a_say() -> None:
    places = [direction(angle) for angle in (10, 30, 170, 90, 100, 0)]
    given = replace(
        output(places, [0, 0, 0, 1, 1, 1], [[direction(0)], [direction(90)]]),
        predictions=np.array([0, 0, 1, 1, 1, 0]),
    )
    # The right ones of class 0 are at 10 and 30 degrees, those of class 1 at 90 and 100.
    assert AnglesOfRight()(given) == pytest.approx({"vector_angle": 12.5, "mean_angle": 7.5, "angular_sd": 7.5})
    assert Angles()(given)["mean_angle"] > 20
    assert AnglesOfRight()(replace(given, predictions=1 - given.labels)) == {}
    alone = AnglesOfRight()(replace(given, predictions=np.where(given.labels == 0, given.predictions, 2)))
    assert alone == pytest.approx({"vector_angle": 20, "mean_angle": 10, "angular_sd": 10})


def test_classes_without_images_have_no_mean() -> None:
    vectors = [[direction(0)], [direction(90)], [direction(180)]]
    found = Angles()(output([direction(0), direction(180)], [0, 2], vectors))
    assert found["between_means_smallest"] == pytest.approx(180)
    assert found["overlap"] == 0
    assert found["mean_to_vector"] == pytest.approx(0, abs=1e-4)
    assert found["between_vectors_smallest"] == pytest.approx(90, abs=1e-4)


def test_the_benchmarks_look_at_the_test_and_at_the_training_images() -> None:
    known = benchmarks("regular_polytope")
    for name, split in (("angles", "test"), ("training-angles", "train")):
        assert known[name].splits == (split,)
        assert isinstance(known[name].build(), Angles)
