"""IJB-A: lists byte by byte, faults by file and line, crops by points and by boxes, and the drawn stand-in."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data.files import md5
from shared.data.formats.alignment import similarity, warp
from shared.data.sets import ijb_a as ijba
from shared.data.sets.ijb_a import FaceSource, box_transform
from shared.errors import UserError
from tests.data.samples import TEMPLATE, card

CARD = card("IJB-A", "ask NIST")
HEADING = (
    "TEMPLATE_ID,SUBJECT_ID,FILE,MEDIA_ID,SIGHTING_ID,FRAME,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT,RIGHT_EYE_X,"
    "RIGHT_EYE_Y,LEFT_EYE_X,LEFT_EYE_Y,NOSE_BASE_X,NOSE_BASE_Y,FACE_YAW,FOREHEAD_VISIBLE,EYES_VISIBLE,"
    "NOSE_MOUTH_VISIBLE,INDOOR,GENDER,SKIN_TONE,AGE,FACIAL_HAIR\n"
)
# Person 1 in a photograph with person 2, and in two frames of a video; person 3 alone.
FIRST = "533.JPG,533,22238,,10,20,80,100,36.5,62.25,71.5,62,54,86,-3.5,1,1,1,1,1,1,4,0"
OTHER = "533.JPG,533,22239,,95.5,20,60,80,110,50,,,120,70,,0,1,1,1,1,3,,"
FRAMES = [
    "frame/28337_00000.png,28337,8484,0,12,21,80,101,37,62,72,62,54,86,1.25,1,1,1,1,1,1,4,0",
    "frame/28337_00060.png,28337,8485,60,12,21,80,101,,,,,,,,1,1,1,1,1,1,4,0",
]
ALONE = "7851.jpg,7851,23162,,20,30,60,90,40,70,60,70,50,85,26.1,1,1,1,1,1,4,4,3"
PEOPLE = {
    "train": [f"5,3,img/{ALONE}"],
    "verify_metadata": [f"8,1,img/{FIRST}", *(f"9,1,{frame}" for frame in FRAMES), f"7,2,img/{OTHER}"],
    "search_gallery": [f"8,1,img/{FIRST}"],
    "search_probe": [f"8,1,{FRAMES[0]}", f"21,2,img/{OTHER}"],
}
VERIFY, COMPARISONS = "IJB-A_11_sets/split4/verify_metadata_4.csv", "IJB-A_11_sets/split4/verify_comparisons_4.csv"
VERIFY_TRAIN, SEARCH_TRAIN = "IJB-A_11_sets/split4/train_4.csv", "IJB-A_1N_sets/split4/train_4.csv"
GALLERY, PROBES = "IJB-A_1N_sets/split4/search_gallery_4.csv", "IJB-A_1N_sets/split4/search_probe_4.csv"
LISTS = [VERIFY_TRAIN, VERIFY, COMPARISONS, SEARCH_TRAIN, GALLERY, PROBES]


def put(folder: Path) -> Path:
    for split in range(1, 11):
        for sets, names in (
            ("IJB-A_11_sets", ("train", "verify_metadata")),
            ("IJB-A_1N_sets", ("train", "search_gallery", "search_probe")),
        ):
            inside = folder / sets / f"split{split}"
            inside.mkdir(parents=True)
            for name in names:
                (inside / f"{name}_{split}.csv").write_text(HEADING + "".join(f"{row}\n" for row in PEOPLE[name]))
        pairs = "8,9\n8,7\n" if split != 2 else "9,7\n9,8\n"
        (folder / f"IJB-A_11_sets/split{split}/verify_comparisons_{split}.csv").write_text(pairs)
    stream = np.random.default_rng(0)
    for name in ("img/533.JPG", "img/7851.jpg", "frame/28337_00000.png", "frame/28337_00060.png"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(stream.integers(0, 256, (140, 170, 3), dtype=np.uint8)).save(path)
    return folder


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def test_lists_by_hand(tmp_path: Path):
    found = ijba.read(put(tmp_path), CARD)
    assert len(found.splits) == 10
    # One photograph has two faces; a face that is in several lists is one image.
    names = ["img/7851.jpg", "img/533.JPG", "frame/28337_00000.png", "frame/28337_00060.png", "img/533.JPG"]
    assert isinstance(found.images, FaceSource)
    assert found.images.names == names
    split = found.splits[0]
    assert split.compared.image.tolist() == [1, 2, 3, 4]
    assert split.compared.template.tolist() == [8, 9, 9, 7]
    assert split.compared.medium.tolist() == [533, 28337, 28337, 533]
    assert split.compared.subject.tolist() == [1, 1, 1, 2]
    assert (split.first.tolist(), split.second.tolist()) == ([8, 8], [9, 7])
    assert (found.splits[1].first.tolist(), found.splits[1].second.tolist()) == ([9, 9], [7, 8])
    for training in (split.verification_training, split.search_training):
        assert (training.image.tolist(), training.template.tolist(), training.subject.tolist()) == ([0], [5], [3])
    assert (split.gallery.image.tolist(), split.gallery.template.tolist()) == ([1], [8])
    # Template 8 of the probes is not template 8 of the gallery.
    assert (split.probes.image.tolist(), split.probes.template.tolist()) == ([2, 4], [8, 21])
    assert len(found.checksums) == 60
    assert {name: found.checksums[name] for name in LISTS} == {name: md5(tmp_path / name) for name in LISTS}


def test_a_face_with_eyes_and_nose_is_aligned_by_them(tmp_path: Path):
    images = ijba.read(put(tmp_path), CARD).images
    points = np.array([[36.5, 62.25], [71.5, 62], [54, 86]])
    expected = warp(opened(tmp_path / "img/533.JPG"), similarity(points, ijba.POINTS), 112)
    np.testing.assert_array_equal(images.read(np.array([1]))[0], expected)
    assert images.shape == (3, 112, 112)
    assert len(images) == 5


def test_the_nose_is_two_thirds_of_the_distance_of_the_eyes_below_them():
    right, left, nose = np.array(ijba.POINTS)
    np.testing.assert_array_equal([right, left], TEMPLATE[:2])
    along = (left - right) / np.hypot(*(left - right))
    below = nose - (right + left) / 2
    assert below @ (-along[1], along[0]) / np.hypot(*(left - right)) == pytest.approx(2 / 3, abs=0.002)
    assert nose[1] > TEMPLATE[2, 1]


def test_a_face_without_a_point_is_cropped_by_its_box(tmp_path: Path):
    images = ijba.read(put(tmp_path), CARD).images
    side, centre = 0.82 * 80, np.array([95.5 + 30, 20 + 0.545 * 80])
    corners = centre + side / 112 * (np.array([[0, 0], [111, 0], [0, 111]]) - 55.5)
    moved = np.column_stack([corners, np.ones(3)]) @ box_transform(np.array([95.5, 20, 60, 80])).T
    np.testing.assert_allclose(moved, [[0, 0], [111, 0], [0, 111]], atol=1e-9)
    expected = warp(opened(tmp_path / "img/533.JPG"), box_transform(np.array([95.5, 20, 60, 80])), 112)
    np.testing.assert_array_equal(images.read(np.array([4]))[0], expected)


def test_a_large_photograph_is_averaged_where_its_pixels_are_too_many(tmp_path: Path):
    fine = (np.indices((560, 560)).sum(0) % 2 * 255).astype(np.uint8)
    coarse = np.kron(np.arange(16).reshape(4, 4) * 16, np.ones((140, 140))).astype(np.uint8)
    # Pixel 2, in the middle of the first five, comes to pixel 0.
    transform = np.array([[0.2, 0, -0.4], [0, 0.2, -0.4]])
    for name, pixels in (("fine", fine), ("coarse", coarse)):
        Image.fromarray(np.stack([pixels] * 3, -1)).save(tmp_path / f"{name}.png")
    crops = FaceSource(tmp_path, ["fine.png", "coarse.png"], [transform] * 2).read(np.arange(2)).astype(int)
    # Of 25 pixels 12 or 13 are white.
    assert set(np.unique(crops[0]).tolist()) == {122, 133}
    np.testing.assert_array_equal(crops[1, :, :, 0], np.kron(np.arange(16).reshape(4, 4) * 16, np.ones((28, 28))))


def test_a_reduced_photograph_is_where_it_was(tmp_path: Path):
    ramp = np.broadcast_to(np.arange(240, dtype=np.uint8), (240, 240))
    Image.fromarray(np.stack([ramp] * 3, -1)).save(tmp_path / "ramp.png")
    angle, scale = 0.2, 0.45
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    transform = np.column_stack([linear, [40.0, -12.0]])
    crop = FaceSource(tmp_path, ["ramp.png"], [transform]).read(np.array([0]))[0, :, :, 0].astype(float)
    rows, columns = np.indices((112, 112))
    places = np.einsum("ij,jrc->irc", np.linalg.inv(linear), np.stack([columns - 40.0, rows + 12.0]))
    inside = (places > 4).all(0) & (places < 235).all(0)
    assert inside.sum() > 5000
    assert abs(crop - places[0])[inside].max() <= 1


@pytest.mark.parametrize("name", LISTS)
def test_each_list_is_needed(tmp_path: Path, name: str):
    put(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=rf"IJB-A: there is no file .*{name}; ask NIST"):
        ijba.read(tmp_path, CARD)


@pytest.mark.parametrize("name", LISTS)
def test_no_list_is_empty(tmp_path: Path, name: str):
    put(tmp_path)
    (tmp_path / name).write_text("" if name == COMPARISONS else HEADING)
    with pytest.raises(UserError, match=rf"IJB-A: .*{name} has no (sightings|pairs); ask NIST"):
        ijba.read(tmp_path, CARD)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (VERIFY, "NOSE_BASE_Y", "NOSE_Y", "line 1 .* is not a heading with NOSE_BASE_Y"),
        (VERIFY, "SIGHTING_ID", "SUBJECT_ID", "line 1 .* is not a heading with SUBJECT_ID"),
        (VERIFY, "9,1,frame", "nine,1,frame", "line 3 .* is not numbers of a template, a person and a medium, a file"),
        (VERIFY, "9,1,frame", "9,,frame", "line 3 .* is not numbers of a template"),
        (VERIFY, "28337,8485", "v28337,8485", "line 4 .* is not numbers of a template"),
        (VERIFY, FRAMES[0], FRAMES[0][:40], "line 3 .* is not numbers of a template"),
        (VERIFY, "12,21,80,101,,", "12,21,,101,,", "line 4 .* is not numbers of a template"),
        (VERIFY, "12,21,80,101,,", "12,21,80,0,,", "line 4 .* is not numbers of a template"),
        (VERIFY, "12,21,80,101,,", "12,nan,80,101,,", "line 4 .* is not numbers of a template"),
        (VERIFY, "37,62,72,62,54,86", "37,62,72,62,54,x", "line 3 .* is not numbers of a template"),
        (VERIFY, "37,62,72,62,54,86", "37,62,37,62,37,62", "line 3 .* is not numbers of a template"),
        (VERIFY, "37,62,72,62,54,86", "37,62,72,62,54,inf", "line 3 .* is not numbers of a template"),
        (
            VERIFY,
            "9,1,frame/28337_00060",
            "9,4,frame/28337_00060",
            "line 4 .* is not about the one person of template 9",
        ),
        (
            VERIFY,
            "frame/28337_00060",
            "frame/28337_00090",
            "line 4 .* names frame/28337_00090.png, which is not in",
        ),
        (GALLERY, "img/533.JPG", "img/533.jpg", r"line 2 .* names img/533\.jpg, which is not in"),
        (COMPARISONS, "8,9", "8,9,1", "line 1 .* is not two numbers of templates with a comma in between"),
        (COMPARISONS, "8,9", "8;9", "line 1 .* is not two numbers of templates"),
        (COMPARISONS, "8,7", "8,21", "line 2 .* is not about two templates of the list verify_metadata"),
        (VERIFY_TRAIN, "5,3,", "5,2,", "split4 has person 2 to train on and to test on"),
        (SEARCH_TRAIN, "5,3,", "5,1,", "split4 has person 1 to train on and to test on"),
    ],
)
def test_faults_are_named(tmp_path: Path, name: str, old: str, new: str, message: str):
    put(tmp_path)
    change(tmp_path, name, old, new)
    with pytest.raises(UserError, match=f"IJB-A: .*{message}") as error:
        ijba.read(tmp_path, CARD)
    assert str(Path(name).parent) in str(error.value)


def test_pairs_of_one_kind_are_refused(tmp_path: Path):
    put(tmp_path)
    change(tmp_path, COMPARISONS, "8,7\n", "")
    with pytest.raises(UserError, match=r"all pairs in .*verify_comparisons_4\.csv show one person, so that there is"):
        ijba.read(tmp_path, CARD)


def test_columns_are_found_by_their_names(tmp_path: Path):
    put(tmp_path)
    path = tmp_path / PROBES
    reordered = [",".join(reversed(line.split(","))) for line in path.read_text().splitlines()]
    path.write_text("\n".join(reordered))
    assert ijba.read(tmp_path, CARD).splits[3].probes.template.tolist() == [8, 21]


def test_line_ends_of_windows(tmp_path: Path):
    put(tmp_path)
    for name in LISTS:
        path = tmp_path / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    split = ijba.read(tmp_path, CARD).splits[3]
    assert (split.compared.template.tolist(), split.second.tolist()) == ([8, 9, 9, 7], [9, 7])


def test_an_absent_photograph_and_one_cut_short(tmp_path: Path):
    put(tmp_path)
    path = tmp_path / "img/533.JPG"
    found = ijba.read(tmp_path, CARD)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match=r"img/533\.JPG cannot be decoded as an image"):
        found.images.read(np.array([0, 1]))
    path.unlink()
    with pytest.raises(UserError, match=r"line 2 of .*verify_metadata_1\.csv names img/533\.JPG, which is not in"):
        ijba.read(tmp_path, CARD)


def test_lists_are_written_as_nist_has_them(tmp_path: Path):
    names = HEADING.strip().split(",")
    rows = [dict(zip(names, row.split(","), strict=True)) for row in PEOPLE["verify_metadata"]]
    ijba.write_sightings(tmp_path / "verify_metadata_1.csv", rows)
    assert (tmp_path / "verify_metadata_1.csv").read_text() == HEADING + "\n".join([*PEOPLE["verify_metadata"], ""])
    ijba.write_comparisons(tmp_path / "new" / "verify_comparisons_1.csv", [(8, 9), (8, 7)])
    assert (tmp_path / "new" / "verify_comparisons_1.csv").read_text() == "8,9\n8,7\n"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory):
    return ijba.IjbA(source="rendered").load(tmp_path_factory.mktemp("data"))


def test_drawn_splits_have_enough_of_everything(drawn):
    assert len(drawn.images) == 126
    for split in drawn.splits:
        person = dict(zip(split.compared.template.tolist(), split.compared.subject.tolist(), strict=True))
        same = Counter(person[a] == person[b] for a, b in zip(split.first.tolist(), split.second.tolist(), strict=True))
        assert same == {True: 24, False: 120}
        enrolled, probes = (set(sightings.subject.tolist()) for sightings in (split.gallery, split.probes))
        assert enrolled < probes
        assert not set(split.search_training.subject.tolist()) & probes
        media = Counter(zip(split.probes.template.tolist(), split.probes.medium.tolist(), strict=True))
        assert max(media.values()) == 3
        assert max(Counter(template for template, _ in media).values()) == 2
    tested = {tuple(sorted(set(split.probes.subject.tolist()))) for split in drawn.splits}
    assert len(tested) == 10


def test_drawn_photographs_are_cropped_to_the_faces(drawn):
    crops = drawn.images.read(np.arange(len(drawn.images)))
    assert (np.ptp(crops, axis=(1, 2, 3)) > 30).all()
    names = drawn.images.names
    # The last frame of each video has no nose, so that the others are those that are aligned by points.
    upright = np.array([abs(transform[0, 1]) < 1e-9 for transform in drawn.images.transforms])
    assert upright.sum() == 18
    assert {Path(name).suffix for name, by_box in zip(names, upright, strict=True) if by_box} == {".png"}
