"""Drawn faces in the official forms: each is read by its set's reader, is the same again, and has its character."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from shared.data import stand_ins as face_stand_ins
from shared.data.formats.alignment import AlignedSource, similarity
from shared.data.formats.yaw import yaw_from_landmarks
from shared.data.image_source import ImageSource
from shared.data.rendered.faces import RenderedFaces, render
from shared.data.sets.agedb_30 import AgeDb30
from shared.data.sets.calfw import CaLfw
from shared.data.sets.casia_webface import CasiaWebFace
from shared.data.sets.cfp import CfpFf, CfpFp
from shared.data.sets.cplfw import CpLfw
from shared.data.sets.ijb import IjbB, IjbC
from shared.data.sets.lfw import Lfw
from shared.data.sets.megaface import MegaFace
from shared.data.sets.ms1m_lt import Ms1mLt
from shared.data.sets.ms1mv2 import Ms1mV2
from shared.data.sets.ms_celeb_1m import MsCeleb1M
from shared.data.sets.ms_celeb_one_shot import MsCelebOneShot
from shared.data.sets.qmul_survface import QmulPairs, QmulSurvFace
from shared.data.sets.vggface2 import VggFace2
from shared.data.sets.youtube_faces import YouTubeFaces
from shared.data.stand_ins import falling, long_tail
from tests.data.samples import TEMPLATE

TRAINED_ON = [
    CasiaWebFace,
    VggFace2,
    Ms1mV2,
    Ms1mLt,
    QmulSurvFace,
]
PAIRS = [Lfw, CfpFf, CfpFp, AgeDb30, CaLfw, CpLfw]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """The identities, numbers and yaws of what is drawn from here on."""
    calls = []

    def render(identities, numbers, *, yaw=None, nuisance=1):
        calls.append((identities, numbers, yaw))
        return RenderedFaces(
            np.zeros((len(identities), 112, 112, 3), np.uint8),
            np.zeros(len(identities), np.float32),
            np.tile(TEMPLATE.astype(np.float32), (len(identities), 1, 1)),
        )

    monkeypatch.setattr(face_stand_ins, "render", render)
    return calls


def all_read(source: ImageSource) -> np.ndarray:
    images = source.read(np.arange(len(source)))
    assert images.shape == (len(source), 112, 112, 3)
    assert images.dtype == np.uint8
    assert (np.ptp(images, axis=(1, 2, 3)) > 30).all()
    return images


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("data", TRAINED_ON)
def test_sets_to_train_on_are_read_and_imbalanced(root: Path, data):
    loaded = data(source="rendered").load(root)
    counts = np.bincount(loaded.labels)
    assert len(counts) == loaded.classes
    assert counts.min() >= 1
    assert counts.max() >= 2 * counts.min()
    all_read(loaded.images)


def test_celebrities_are_imbalanced_and_their_yaw_is_that_drawn(root: Path):
    loaded = MsCeleb1M(source="rendered").load(root)
    counts = np.bincount(loaded.labels)
    assert (len(counts), counts.max(), counts.min()) == (30, 14, 9)
    assert np.all(np.diff(counts) <= 0)
    images = all_read(loaded.images)
    assert loaded.yaw is not None
    assert 50 < abs(loaded.yaw).max() <= 60
    numbers = np.concatenate([np.arange(count) for count in counts])
    faces = render(loaded.labels, numbers, yaw=loaded.yaw, nuisance=0.3)
    assert abs(images.astype(int) - faces.images).mean() < 6
    assert set(loaded.checksums) == {"train.rec", "train.idx", "property", "yaw.txt"}


def test_the_yaw_of_webfaces_is_estimated_from_the_landmarks_drawn(root: Path):
    loaded = CasiaWebFace(source="rendered").load(root)
    counts = np.bincount(loaded.labels)
    faces = render(loaded.labels, np.concatenate([np.arange(count) for count in counts]))
    assert loaded.yaw is not None
    np.testing.assert_allclose(loaded.yaw, yaw_from_landmarks(faces.landmarks), atol=0.01)
    assert "landmarks.txt" in loaded.checksums


def test_base_and_novel_celebrities(root: Path):
    loaded = MsCelebOneShot(source="rendered").load(root)
    division = loaded.division
    assert division is not None
    assert np.bincount(loaded.labels[division.train]).tolist() == [8] * 10 + [1] * 6
    assert np.bincount(loaded.labels[division.test]).tolist() == [1] * 10 + [5] * 6
    assert division.under_represented == tuple(range(10, 16))
    images = all_read(loaded.images)
    # Nobody is tested on an image that is trained on.
    assert len({image.tobytes() for image in images}) == len(images) == 10 * 9 + 6 * 6
    direct = render(loaded.labels[division.test], np.array([8] * 10 + [1, 2, 3, 4, 5] * 6)).images
    assert abs(images[division.test].astype(int) - direct).mean() < 6


@pytest.mark.parametrize("data", PAIRS)
def test_pairs_are_balanced_in_every_fold(root: Path, data):
    pairs = data(source="rendered").load(root)
    assert len(pairs.same) == 80
    assert len(pairs.images) == 80
    for fold in range(10):
        inside = pairs.folds == fold
        assert (inside.sum(), pairs.same[inside].sum()) == (8, 4)
        elsewhere = np.concatenate([pairs.first[~inside], pairs.second[~inside]])
        assert not np.isin(pairs.first[inside], elsewhere).any()
    assert (pairs.first != pairs.second).all()
    all_read(pairs.images)


def test_pairs_of_cfp_fp_have_a_frontal_and_a_turned_face(tmp_path: Path, drawn):
    face_stand_ins.write_verification(tmp_path)
    turned = {}
    for name, (identities, numbers, yaw) in zip(face_stand_ins.YAWS, drawn, strict=True):
        turned[name] = abs(yaw).reshape(20, 4)
        assert (np.unique(identities, return_counts=True)[1] == 4).all()
        assert numbers.reshape(20, 4).tolist() == [[0, 1, 2, 3]] * 20
    assert turned["cfp_ff"].max() <= 10
    assert turned["cfp_fp"][:, ::2].max() <= 10
    assert turned["cfp_fp"][:, 1::2].min() >= 60
    assert turned["cplfw"].mean() > 1.5 * turned["lfw"].mean()
    assert {bool(yaw > 0) for yaw in drawn[2][2]} == {True, False}


def test_videos_are_balanced_in_every_split(root: Path):
    videos = YouTubeFaces(source="rendered").load(root)
    assert Counter(zip(videos.folds.tolist(), videos.same.tolist(), strict=True)) == {
        (fold, same): 2 for fold in range(10) for same in (False, True)
    }
    assert (np.bincount(videos.video) == 3).all()
    all_read(videos.frames)


def test_the_central_half_of_a_frame_is_the_drawn_face(root: Path):
    videos = YouTubeFaces(source="rendered").load(root)
    direct = face_stand_ins._faces(face_stand_ins.VIDEOS, 1, 3).images.astype(int)
    assert abs(videos.frames.read(np.arange(3)) - direct).mean() < 6


@pytest.mark.parametrize("data", [IjbB, IjbC])
def test_templates_have_galleries_probes_and_pairs_of_both_kinds(root: Path, data):
    found = data(source="rendered").load(root)
    enrolled = np.concatenate(found.galleries)
    subject = np.vectorize(found.subjects.__getitem__)
    assert len(np.unique(subject(enrolled))) == len(enrolled)
    assert set(subject(found.probes)) == set(subject(enrolled))
    assert not np.isin(found.probes, enrolled).any()
    np.testing.assert_array_equal(found.same, subject(found.first) == subject(found.second))
    assert 0 < found.same.sum() < len(found.same)
    # Some templates have several images of one medium, some have several media.
    media = Counter(zip(found.template.tolist(), found.media.tolist(), strict=True))
    assert max(media.values()) > 1
    assert max(Counter(template for template, _ in media).values()) > 1
    all_read(found.images)


def test_loose_crops_have_to_be_aligned(root: Path):
    found = IjbC(source="rendered").load(root)
    assert isinstance(found.images, AlignedSource)
    moved = similarity(found.images.landmarks)
    scales = np.hypot(moved[:, 0, 0], moved[:, 1, 0])
    assert scales.max() > 1.2 * scales.min()
    assert np.ptp(np.degrees(np.arctan2(moved[:, 1, 0], moved[:, 0, 0]))) > 20


def test_probes_and_distractors(root: Path):
    found = MegaFace(source="rendered").load(root)
    assert found.people.tolist() == np.repeat(np.arange(10), 3).tolist()
    assert len(found.distractors) == 100
    all_read(found.probes)
    all_read(found.distractors)


def test_surveillance_pairs_are_small_and_balanced(root: Path):
    pairs = QmulPairs(source="rendered").load(root)
    assert (len(pairs.same), pairs.same.sum()) == (80, 40)
    assert (np.bincount(pairs.folds[pairs.same]) == 4).all()
    assert (pairs.first != pairs.second).all()
    all_read(pairs.images)
    direct = face_stand_ins._faces(face_stand_ins.SURVEILLANCE, 1, 1).images.astype(float)[0]
    seen = pairs.images.read(pairs.first[:1]).astype(float)[0]
    assert abs(np.diff(seen, axis=1)).mean() < abs(np.diff(direct, axis=1)).mean()


def test_nobody_tested_on_is_trained_on_or_in_two_sets(tmp_path: Path, drawn):
    trained, tested = set(), []
    for write in ("casia_webface", "vggface2", "ms1mv2", "ms_celeb_1m", "ms_celeb_one_shot", "ms1m_lt"):
        drawn.clear()
        getattr(face_stand_ins, f"write_{write}")(tmp_path / write)
        trained |= set(np.concatenate([identities for identities, *_ in drawn]).tolist())
    drawn.clear()
    face_stand_ins.write_qmul_survface(tmp_path / "qmul")
    trained |= set(drawn.pop(0)[0].tolist())
    (tmp_path / "verification").mkdir()
    for write in ("verification", "ytf", "ijbb", "ijbc", "megaface"):
        (tmp_path / write).mkdir(exist_ok=True)
        getattr(face_stand_ins, f"write_{write}")(tmp_path / write)
    tested = [set(identities.tolist()) for identities, *_ in drawn]
    assert max(trained) < 1_000_000 <= min(map(min, tested))
    assert sum(map(len, tested)) == len(set().union(*tested))
    assert len(tested) == 1 + 6 + 1 + 1 + 1 + 2


@pytest.mark.parametrize(
    ("write", "options"),
    [
        ("verification", {"images": 2}),
        ("ytf", {"frames": 1}),
        ("ijbc", {"people": 2}),
        ("megaface", {"people": 2, "probes": 2, "distractors": 3}),
        ("qmul_survface", {"identities": 2, "most": 2, "least": 1, "people": 2, "pairs": 1}),
        ("vggface2", {"identities": 2, "most": 3, "least": 1}),
        ("casia_webface", {"identities": 2, "most": 2, "least": 1}),
        ("ms_celeb_1m", {"identities": 2, "most": 2, "least": 1}),
        ("ms_celeb_one_shot", {"base": 2, "images": 1, "novel": 1, "tested": 2}),
        ("ms1m_lt", {"identities": 3, "most": 3}),
    ],
)
def test_the_same_again(tmp_path: Path, write, options):
    for copy in ("one", "two"):
        (tmp_path / copy).mkdir()
        getattr(face_stand_ins, f"write_{write}")(tmp_path / copy, **options)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert content(tmp_path / "one")


def test_numbers_of_images():
    assert falling(5, 16, 1) == [16, 8, 4, 2, 1]
    assert falling(1, 7, 7) == [7]
    assert long_tail(6, 12) == [12, 6, 4, 3, 3, 2]
