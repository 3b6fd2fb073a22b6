"""Faces drawn from parameters: functions of their numbers, true to their yaw, and neither trivial nor hopeless."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestCentroid

from shared.data.rendered.faces import IDENTITY, NUISANCE, TOGETHER, RenderedFaces, conditions, people, render
from shared.data.rendered.parametric import between, covered, length, limited, uniforms
from tests.data.samples import TEMPLATE

PEOPLE, IMAGES = 60, 16


def small(images: np.ndarray) -> np.ndarray:
    """The images at 16 x 16, flat."""
    blocks = images.reshape(-1, 16, 7, 16, 7, 3).astype(np.float32)
    pixels: np.ndarray = np.mean(blocks, axis=(2, 4)).reshape(len(images), -1)
    return pixels / 255


@pytest.fixture(scope="module")
def faces() -> RenderedFaces:
    return render(np.repeat(np.arange(PEOPLE), IMAGES), np.tile(np.arange(IMAGES), PEOPLE))


def test_shapes_types_and_ranges(faces: RenderedFaces):
    count = PEOPLE * IMAGES
    assert faces.images.shape == (count, 112, 112, 3)
    assert faces.images.dtype == np.uint8
    assert faces.yaw.shape == (count,)
    assert faces.landmarks.shape == (count, 5, 2)
    assert faces.yaw.dtype == faces.landmarks.dtype == np.float32
    assert np.abs(faces.yaw).max() <= 80
    assert np.ptp(faces.images.reshape(count, -1), axis=1).min() > 40
    assert len(np.unique(faces.images.reshape(count, -1), axis=0)) == count
    none = render(np.zeros(0, int), np.zeros(0, int))
    assert none.images.shape == (0, 112, 112, 3)
    assert none.landmarks.shape == (0, 5, 2)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**6)), min_size=1, max_size=20),
    st.integers(0, 2**31),
    st.data(),
)
def test_an_image_depends_on_nothing_that_is_drawn_with_it(keys, seed, data):
    identities, numbers = np.array(keys).T
    together = render(identities, numbers, seed=seed)
    chosen = np.array(data.draw(st.lists(st.integers(0, len(keys) - 1), min_size=1, max_size=5)))
    alone = render(identities[chosen], numbers[chosen], seed=seed)
    np.testing.assert_array_equal(alone.images, together.images[chosen])
    np.testing.assert_array_equal(alone.landmarks, together.landmarks[chosen])
    np.testing.assert_array_equal(alone.yaw, together.yaw[chosen])


def test_an_image_depends_on_none_that_is_drawn_before_it():
    numbers = np.arange(2 * TOGETHER + 5)
    together = render(numbers % 7, numbers)
    for number in (0, TOGETHER - 1, TOGETHER, 2 * TOGETHER + 4):
        alone = render(numbers[[number]] % 7, numbers[[number]])
        np.testing.assert_array_equal(alone.images[0], together.images[number])
        np.testing.assert_array_equal(alone.landmarks[0], together.landmarks[number])


def test_the_seed_makes_other_people_and_other_images():
    first, second = (render(np.arange(4), np.zeros(4, int), seed=seed, nuisance=0) for seed in (0, 1))
    assert (first.images != second.images).any((1, 2, 3)).all()
    shown = render(np.zeros(4, int), np.arange(4))
    assert len(set(shown.yaw.tolist())) == 4


def test_without_nuisance_only_the_person_counts():
    plain = render(np.arange(6), np.zeros(6, int), nuisance=0)
    np.testing.assert_array_equal(plain.images, render(np.arange(6), np.arange(6) + 9, nuisance=0).images)
    assert not plain.yaw.any()
    assert (plain.images[:, :3, :3] == 128).all()


def test_frontal_landmarks_lie_near_arcfaces_template(faces: RenderedFaces):
    plain = render(np.arange(150), np.zeros(150, int), nuisance=0).landmarks
    assert np.abs(plain.mean(0) - TEMPLATE).max() < 1
    assert np.abs(plain - TEMPLATE).max() < 6
    frontal = faces.landmarks[np.abs(faces.yaw) < 15]
    assert np.linalg.norm(frontal - TEMPLATE, axis=2).mean() < 4
    left_eye, right_eye, nose, left_corner, right_corner = faces.landmarks.swapaxes(0, 1)
    assert (left_eye[:, 0] < right_eye[:, 0]).all()
    assert (left_corner[:, 0] < right_corner[:, 0]).all()
    assert (nose[:, 1] > left_eye[:, 1]).all()
    assert (left_corner[:, 1] > nose[:, 1]).all()


def test_the_landmarks_are_where_the_features_are():
    people_shown = np.arange(80)
    faces = render(people_shown, np.zeros(80, int), nuisance=0)
    grey = faces.images.mean(3)
    # Pupils are black, and darker than the cheek 14 pixels below them.
    for eye in (0, 1):
        column, row = np.rint(faces.landmarks[:, eye]).astype(int).T
        pupil, cheek = (grey[people_shown, row + down, column] for down in (0, 14))
        assert (pupil < 0.75 * cheek).mean() > 0.95
    # Half-way between its corners the mouth is darker and redder than the chin.
    column, row = np.rint(faces.landmarks[:, 3:].mean(1)).astype(int).T
    red = faces.images[..., 0] / grey
    shaven = people(people_shown)["beard"].ravel() < 0.7
    assert (red[people_shown, row + 2, column] > red[people_shown, row - 9, column])[shaven].mean() > 0.9


def test_a_yaw_that_is_given_is_honoured():
    angles = np.linspace(-90, 90, 37)
    faces = render(np.full(37, 5), np.zeros(37, int), yaw=angles, nuisance=0)
    np.testing.assert_allclose(faces.yaw, angles, rtol=1e-6)
    points = faces.landmarks[1:-1] @ [1, 1j]
    eyes, between_eyes = points[:, :2].mean(1), points[:, 1] - points[:, 0]
    # Whatever turn and scale the alignment gave the crop: the line of the eyes is level, the mouth one unit below it.
    nose, mouth, apart = (
        offset * between_eyes.conj() / np.abs(between_eyes)
        for offset in (points[:, 2] - eyes, points[:, 3:].mean(1) - eyes, between_eyes)
    )
    sine, cosine = np.sin(np.radians(angles[1:-1])), np.cos(np.radians(angles[1:-1]))
    # The nose stands out: it moves aside with the sine of the yaw. The eyes are foreshortened by the cosine.
    np.testing.assert_allclose(nose.real / mouth.imag, sine * (nose.real / mouth.imag)[-1] / sine[-1], atol=1e-4)
    assert (nose.real / mouth.imag)[-1] > 0.4
    np.testing.assert_allclose(apart.real / mouth.imag, cosine * (apart.real / mouth.imag)[17], atol=1e-4)
    # The further eye is hidden at 80 degrees: no white of the eye is left there.
    turned = render(np.full(2, 5), np.zeros(2, int), yaw=np.array([0.0, 80.0]), nuisance=0)
    column, row = np.rint(turned.landmarks[:, 1]).astype(int).T
    white = [
        image[row[place] - 3 : row[place] + 4, column[place] - 7 : column[place] + 8, 2].max()
        for place, image in enumerate(turned.images)
    ]
    assert white[0] > 180 > white[1]


def test_a_mirrored_yaw_mirrors_the_outline():
    identities = np.arange(8)
    left, right = (render(identities, 0 * identities, yaw=np.full(8, yaw), nuisance=0) for yaw in (-50.0, 50.0))
    mirrored = left.landmarks[:, [1, 0, 2, 4, 3]]
    np.testing.assert_allclose(2 * TEMPLATE[:, 0].mean() - mirrored[..., 0], right.landmarks[..., 0], atol=0.6)
    np.testing.assert_allclose(mirrored[..., 1], right.landmarks[..., 1], atol=0.6)


@pytest.mark.parametrize("name", IDENTITY)
def test_every_parameter_of_a_person_varies_and_shows(name, monkeypatch):
    drawn = people(np.arange(500))[name].ravel()
    low, high = IDENTITY[name]
    assert low <= drawn.min() < low + 0.02 * (high - low)
    assert high - 0.02 * (high - low) < drawn.max() <= high
    identities = np.arange(8)
    # From either side, with hair, a beard and glasses, so that what they hide or need is seen.
    worn = {"hair_length": 0.3, "beard": 0.9, "glasses": 0.9, "mole_size": 2.0, "second_mole_size": 2.0}
    ranges = IDENTITY | {key: (value, value) for key, value in worn.items()}
    images = []
    for value in (low, high):
        monkeypatch.setattr("shared.data.rendered.faces.IDENTITY", ranges | {name: (value, value)})
        images.append(render(identities, 0 * identities, yaw=np.linspace(-60, 60, 8), nuisance=0).images)
    assert (images[0] != images[1]).any()


@pytest.mark.parametrize("name", NUISANCE)
def test_every_condition_varies_and_shows(name, monkeypatch):
    neutral, low, high = NUISANCE[name]
    drawn = conditions(np.zeros(500, int), np.arange(500))[name].ravel()
    assert low <= drawn.min() < neutral or low == neutral
    assert neutral < drawn.max() <= high
    assert set(conditions(np.arange(3), np.arange(3), nuisance=0)[name].ravel()) == {np.float32(neutral)}
    identities = np.arange(16)
    images = []
    for value in (low, high):
        monkeypatch.setattr("shared.data.rendered.faces.NUISANCE", NUISANCE | {name: (value, value, value)})
        images.append(render(identities, 0 * identities, nuisance=1, yaw=0.0 * identities).images)
    assert (images[0] != images[1]).any()


def test_people_can_be_told_apart_but_not_easily(faces: RenderedFaces):
    identities = np.repeat(np.arange(PEOPLE), IMAGES)
    training = np.tile(np.arange(IMAGES), PEOPLE) < 12
    pixels = small(faces.images)
    components = PCA(120, svd_solver="covariance_eigh").fit(pixels[training]).transform(pixels)
    accuracies = [
        model.fit(features[training], identities[training]).score(features[~training], identities[~training])
        for model, features in (
            (NearestCentroid(), pixels),
            (LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1), components),
        )
    ]
    assert 3 / PEOPLE < accuracies[0] < 0.4
    assert 0.4 < accuracies[1] < 0.85


def test_one_person_turned_differs_more_than_two_people_in_one_pose():
    identities = np.arange(60)
    left, right = (
        render(identities, 0 * identities, yaw=np.full(60, yaw), nuisance=0).images.astype(np.float32)
        for yaw in (-35, 35)
    )
    turned = np.abs(left - right).mean((1, 2, 3))
    others = np.abs(left - np.roll(left, 1, axis=0)).mean((1, 2, 3))
    assert np.median(turned) > 1.2 * np.median(others)


def test_the_yaw_can_be_read_from_the_image(faces: RenderedFaces):
    pixels = small(faces.images)
    seen = np.repeat(np.arange(PEOPLE), IMAGES) < 45
    model = Ridge(1.0).fit(pixels[seen], faces.yaw[seen])
    assert model.score(pixels[~seen], faces.yaw[~seen]) > 0.8


def test_the_hash_is_splitmix64_and_uniform():
    # The first outputs of SplitMix64 from the state 0, by its authors' definition in Python's own integers.
    def mixed(state: int) -> int:
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) % 2**64
        return state ^ (state >> 31)

    step = 0x9E3779B97F4A7C15
    state = mixed((step * 8) % 2**64)
    expected = [(mixed((state + step * place) % 2**64) >> 11) * 2.0**-53 for place in (1, 2, 3)]
    assert uniforms(3, 7)[0].tolist() == expected
    many = uniforms(20, 3, np.arange(5000), np.arange(5000) % 7)
    assert many.shape == (5000, 20)
    assert 0 <= many.min() < 0.001
    assert 0.999 < many.max() < 1
    np.testing.assert_allclose(many.mean(0), 0.5, atol=0.02)
    np.testing.assert_allclose(many.std(0), 12**-0.5, atol=0.01)
    correlations = np.corrcoef(many, rowvar=False) - np.eye(20)
    assert np.abs(correlations).max() < 0.07
    assert not np.isin(uniforms(1, 0, np.arange(100)), uniforms(1, 1, np.arange(100))).any()


def test_numbers_lie_in_their_ranges_and_edges_cover_parts_of_pixels():
    numbers = between({"a": (2.0, 4.0), "b": (0.0, -1.0)}, np.array([[0.0, 0.5], [0.25, 1.0]]))
    assert numbers["a"].shape == (2, 1, 1)
    assert numbers["a"].ravel().tolist() == [2.0, 2.5]
    assert numbers["b"].ravel().tolist() == [-0.5, -1.0]
    distances = np.array([-3, -0.5, -0.25, 0, 0.25, 0.5, 9], np.float32)
    assert covered(distances).tolist() == [0, 0, 0.25, 0.5, 0.75, 1, 1]
    assert limited(np.array([-0.5, 0.25, 2])).tolist() == [0, 0.25, 1]
    assert length(np.array([3.0, 0.0]), np.array([-4.0, 0.0])).tolist() == [5, 0]
