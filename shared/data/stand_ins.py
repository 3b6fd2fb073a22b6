"""Pictures drawn by this suite, written in the official form of each set: what the smoke scale reads.

Each writer fills an empty folder with the same bytes whenever it is called, by one release of Pillow. The people who
are trained on have the numbers from 0, those tested on the numbers from 1,000,000, which no training set has. Where
the real set is imbalanced so is what stands for it. Age has no counterpart in a drawn face: what stands for AgeDB-30
and CALFW differs from what stands for LFW in its people only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from shared.data.formats import verification_bin
from shared.data.formats.alignment import SIDE, warp
from shared.data.formats.image_lists import write_list
from shared.data.formats.recordio import write_records
from shared.data.formats.yaw_files import write_landmarks, write_yaw
from shared.data.image_source import jpeg
from shared.data.rendered import lesions
from shared.data.rendered.faces import RenderedFaces, render
from shared.data.sets import dermofit, ijb, megaface, ms1m_lt
from shared.data.sets import ijb_a as ijba
from shared.data.sets import ms_celeb_one_shot as one_shot_lists
from shared.data.sets import qmul_survface as qmul
from shared.data.sets import youtube_faces as ytf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.random import RandomState
    from numpy.typing import NDArray

    from shared.data.image_source import Bytes

TESTED_ON = 1_000_000
"""The number of the first person who is tested on; each set takes its people from a thousand of its own."""
VERIFICATION, VIDEOS, IJBB, IJBC, PROBES, DISTRACTORS, SURVEILLANCE, IJBA = range(TESTED_ON, TESTED_ON + 8000, 1000)
FOLDS = verification_bin.FOLDS
QUALITY = 95
YAWS = {
    "lfw": ((0, 30), (0, 30)),
    "cfp_ff": ((0, 10), (0, 10)),
    "cfp_fp": ((0, 10), (60, 80)),
    "agedb_30": ((0, 30), (0, 30)),
    "calfw": ((0, 30), (0, 30)),
    "cplfw": ((0, 45), (30, 75)),
}
"""How far the head is turned to either side, in degrees, in one image and in the other of each pair of a set."""
LOOSE_SIDE = 180
JANUS_TEMPLATES = {0: (0, 1), 1: (2,), 2: (4, 5, 6), 3: (3, 4, 5, 6), 4: (2, 3)}
"""The images of a person that are in the template of an IJB-A gallery, number 0, and in those to probe."""
FACE_BOX = np.array([[55.5, 49.3], [55.5, -19.0]])
"""Centre and middle of the upper edge of the face box, in an aligned crop: see `shared.data.sets.ijb_a`."""
HEIGHTS = (16, 33)


def write_casia_webface(folder: Path, *, identities: int = 24, most: int = 20, least: int = 6) -> None:
    """Write RecordIO files of people with `most` to `least` images, and the landmarks of each face."""
    faces = write_record_faces(folder, falling(identities, most, least))
    write_landmarks(folder, faces.landmarks)


def write_vggface2(folder: Path, *, identities: int = 24, most: int = 24, least: int = 3) -> None:
    """Write RecordIO files of people with `most` to `least` images, as imbalanced as VGGFace2 (843 to 80)."""
    write_record_faces(folder, falling(identities, most, least))


def write_ms1mv2(folder: Path, *, identities: int = 24, most: int = 16, least: int = 8) -> None:
    """Write RecordIO files of people with `most` to `least` images."""
    write_record_faces(folder, falling(identities, most, least))


def write_ms_celeb_1m(folder: Path, *, identities: int = 30, most: int = 14, least: int = 9) -> None:
    """Write RecordIO files of people with `most` to `least` images, and how far each head is turned, up to 60 degrees.

    Little else varies, so that a small network learns to decode them in little time.
    """
    images = falling(identities, most, least)
    yaw = np.random.RandomState(0).uniform(-60, 60, sum(images))
    faces = write_record_faces(folder, images, yaw=yaw, nuisance=0.3)
    write_yaw(folder, faces.yaw)


def write_ms_celeb_one_shot(folder: Path, *, base: int = 10, images: int = 8, novel: int = 6, tested: int = 5) -> None:
    """Write the lists and images of base people, to train on `images` of each and test on one, and of novel ones.

    Of these one image is to train on, and `tested` are to test on.
    """
    parts = {}
    for train, test, people, first, end in (
        (one_shot_lists.BASE_TRAIN, one_shot_lists.BASE_TEST, range(base), images, images + 1),
        (one_shot_lists.NOVEL_TRAIN, one_shot_lists.NOVEL_TEST, range(base, base + novel), 1, 1 + tested),
    ):
        for name, numbers in ((train, range(first)), (test, range(first, end))):
            labels = np.repeat(people, len(numbers))
            parts[name] = render(labels, np.tile(numbers, len(people))).images, labels
    one_shot_lists.write_lists(folder, parts)


def write_ms1m_lt(folder: Path, *, identities: int = 40, most: int = 60) -> None:
    """Write images and the list of them; the people's numbers of images have a long tail, `most` being the largest."""
    faces, labels = _training_faces(long_tail(identities, most))
    write_list(folder, ms1m_lt.LIST, faces.images, labels)


def write_record_faces(
    folder: Path, images: Sequence[int], *, yaw: NDArray[np.float64] | None = None, nuisance: float = 1
) -> RenderedFaces:
    """Write RecordIO files of as many people as there are numbers, each with so many images, and return the faces.

    `yaw`, of all images, and `nuisance` are as `render` has them.
    """
    faces, labels = _training_faces(images, yaw=yaw, nuisance=nuisance)
    write_records(folder, faces.images, labels)
    return faces


def write_qmul_survface(
    folder: Path, *, identities: int = 24, most: int = 16, least: int = 4, people: int = 20, pairs: int = 2
) -> None:
    """Write the training folders and both lists of pairs, images of 16 to 32 pixels' height and less width.

    There are `people` times `pairs` pairs of one person, and as many of two.
    """
    stream = np.random.RandomState(0)
    faces, labels = _training_faces(falling(identities, most, least))
    for number, (image, label) in enumerate(zip(faces.images, labels, strict=True)):
        identity = str(label + 1)
        path = folder / qmul.TRAINING / identity / f"{identity}_cam1_{number + 1}.jpg"
        _put(path, _seen_from_afar(image, stream))
    images = 2 * pairs
    tested = _faces(SURVEILLANCE, people, images)
    numbers = range(identities + 1, identities + people + 1)
    names = [[f"{identity}_cam2_{number + 1}.jpg" for number in range(images)] for identity in numbers]
    for name, image in zip(np.ravel(names), tested.images, strict=True):
        _put(folder / qmul.VERIFICATION / qmul.IMAGES / str(name), _seen_from_afar(image, stream))
    evens = range(0, images, 2)
    positive = [(own[number], own[number + 1]) for own in names for number in evens]
    following = [*names[1:], names[0]]
    negative = [(own[n], other[n + 1]) for own, other in zip(names, following, strict=True) for n in evens]
    qmul.write_pairs(folder, positive, negative)


def write_verification(folder: Path, *, images: int = 4) -> None:
    """Write the six sets of pairs, each in ten folds of two people with `images` images (an even number).

    A fold has `images` pairs of one person, then as many of two; its character is in `YAWS`.
    """
    for place, (name, turned) in enumerate(YAWS.items()):
        stream = np.random.RandomState(place)
        yaws = [stream.uniform(*turned[number % 2]) * stream.choice((-1, 1)) for number in range(2 * FOLDS * images)]
        faces = _faces(VERIFICATION + 100 * place, 2 * FOLDS, images, np.array(yaws))
        encoded = [jpeg(image, QUALITY) for image in faces.images]
        shown, same = [], []
        for one in range(0, len(encoded), 2 * images):
            other = one + images
            pairs = [(start + n, start + n + 1) for start in (one, other) for n in range(0, images, 2)]
            pairs += [(one + n, other + (n ^ 1)) for n in range(images)]
            shown += [encoded[image] for pair in pairs for image in pair]
            same += [True] * images + [False] * images
        verification_bin.write(folder / f"{name}.bin", shown, same)


def write_ytf(folder: Path, *, frames: int = 3) -> None:
    """Write two videos of `frames` frames of twenty people, two of whom are compared in each of ten splits."""
    people, videos = 2 * FOLDS, 2
    faces = _faces(VIDEOS, people, videos * frames)
    names = [f"Person_{person:02}/{video}" for person in range(people) for video in range(videos)]
    for place, image in enumerate(faces.images):
        video, frame = divmod(place, frames)
        name = f"aligned_detect_{video % videos}.{frame}.jpg"
        _put(folder / ytf.FRAMES / names[video] / name, _with_room(image))
    pairs: list[ytf.Pair] = []
    for split in range(FOLDS):
        first, second = (names[start : start + videos] for start in (4 * split, 4 * split + videos))
        pairs += [(split + 1, own[0], own[1], True) for own in (first, second)]
        pairs += [(split + 1, one, other, False) for one, other in zip(first, second, strict=True)]
    ytf.write_splits(folder, pairs)


def write_ijba(folder: Path, *, people: int = 18, tested: int = 6, unknown: int = 2) -> None:
    """Write IJB-A's photographs and frames, four stills and a video of three frames of each person, and its ten splits.

    Each split tests on `tested` people, `unknown` of whom are not in the gallery, and trains on the others. The
    templates are `JANUS_TEMPLATES`; each one of a gallery is compared with each probe.
    """
    stills, images = 4, 7
    faces = _faces(IJBA, people, images)
    stream = np.random.RandomState(IJBA)
    rows: list[list[dict[str, object]]] = [[] for _ in range(people)]
    for place, (image, points) in enumerate(zip(faces.images, faces.landmarks, strict=True)):
        person, number = divmod(place, images)
        medium, frame = 10 * person + min(number, stills), 30 * (number - stills)
        photograph, moved = _loosened(image, np.vstack([points, FACE_BOX]), stream)
        row = {"SUBJECT_ID": person, "MEDIA_ID": medium, "SIGHTING_ID": place, "FACE_YAW": f"{faces.yaw[place]:.3f}"}
        row |= (
            {"FILE": f"img/{medium}.jpg"} if frame < 0 else {"FILE": f"frame/{medium}_{frame:05}.png", "FRAME": frame}
        )
        # The nose of the last frame of each video is not seen.
        row |= _annotated(moved) | ({"NOSE_BASE_X": "", "NOSE_BASE_Y": ""} if number == images - 1 else {})
        path = folder / str(row["FILE"])
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph).save(path, quality=QUALITY)
        rows[person].append(row)
    for split in ijba.SPLITS:
        order = np.random.RandomState(split).permutation(people)
        _write_ijba_split(folder, split, rows, order[:tested].tolist(), order[unknown:tested].tolist())


def write_ijbb(folder: Path, *, people: int = 12) -> None:
    """Write IJB-B's lists and loose crops; see `_write_ijb`."""
    _write_ijb(folder, "ijbb", IJBB, people)


def write_ijbc(folder: Path, *, people: int = 16) -> None:
    """Write IJB-C's lists and loose crops; see `_write_ijb`."""
    _write_ijb(folder, "ijbc", IJBC, people)


def write_megaface(folder: Path, *, people: int = 10, probes: int = 3, distractors: int = 100) -> None:
    """Write the devkit's lists and the crops of so many probes a person, and of so many other people, one of each."""
    names = [f"Person_{person:02}" for person in range(people) for _ in range(probes)]
    paths = [f"{name}/{name}_{place}.jpg" for place, name in enumerate(names)]
    others = [f"{place // 10:03}/{place}@N00/{place}.jpg_0.jpg" for place in range(distractors)]
    for path, image in zip(paths, _faces(PROBES, people, probes).images, strict=True):
        _put(folder / megaface.PROBE_IMAGES / path, image)
    for path, image in zip(others, _faces(DISTRACTORS, distractors, 1).images, strict=True):
        _put(folder / megaface.DISTRACTOR_IMAGES / path, image)
    megaface.write_lists(folder, paths, names, others)


def write_dermofit(folder: Path, *, size: int = 64, share: float = 0.1, seed: int = 0) -> None:
    """Write lesions with their masks, a `share` of the library's number in each class, but at least one a fold."""
    for label, kind in enumerate(dermofit.KINDS):
        numbers = np.arange(max(dermofit.FOLDS, round(share * kind.lesions)))
        images, masks = lesions.render(np.full(len(numbers), label), numbers, seed=seed, size=size)
        for number, image, mask in zip(numbers, images, masks, strict=True):
            dermofit.write_lesion(folder, kind, f"{kind.code[0]}{label}{number + 1:03}", image, mask)


def falling(identities: int, most: int, least: int) -> list[int]:
    """Return how many images each identity has: from `most` to `least`, each by the same factor less."""
    return [round(images) for images in np.geomspace(most, least, identities).tolist()]


def long_tail(identities: int, most: int) -> list[int]:
    """Return how many images each identity has: `most` by its rank from 1, as a Pareto distribution has it."""
    return [-(-most // rank) for rank in range(1, identities + 1)]


def _write_ijb(folder: Path, name: str, first: int, people: int) -> None:
    """Write three templates a person: one of two stills for a gallery, a video of three frames and a still to probe.

    The people are in the two galleries by turns. Each template of a gallery is compared with each probe. Crops have
    room around the face, which is turned, larger or smaller, and off the middle.
    """
    images_of, probes_of = (0, 0, 1, 1, 1, 2), (1, 2)
    faces = _faces(first, people, len(images_of))
    stream = np.random.RandomState(first)
    loose = [_loosened(image, points, stream) for image, points in zip(faces.images, faces.landmarks, strict=True)]
    names = [f"{place}.jpg" for place in range(1, len(loose) + 1)]
    for crop, (image, _) in zip(names, loose, strict=True):
        _put(folder / ijb.CROPS / crop, image)
    template = np.ravel([[10 * person + kind + 1 for kind in images_of] for person in range(people)])
    # Frames of one video share a medium; each still is one of its own.
    media = np.where(template % 10 == probes_of[0] + 1, template, 1000 + np.arange(len(template)))
    subject = {number: number // 10 for number in np.unique(template).tolist()}
    galleries = [[(number, subject[number]) for number in range(10 * start + 1, 10 * people, 20)] for start in (0, 1)]
    probes = [(number, who) for number, who in subject.items() if number % 10 - 1 in probes_of]
    enrolled = [pair for gallery in galleries for pair in gallery]
    ijb.write_lists(
        folder,
        name,
        names=names,
        landmarks=np.array([points for _, points in loose]),
        scores=stream.uniform(0.8, 1, len(names)),
        template=template,
        media=media,
        pairs=[(one, other, who == whom) for one, who in enrolled for other, whom in probes],
        galleries=galleries,
        probes=probes,
    )


def _annotated(points: NDArray[np.floating]) -> dict[str, object]:
    """Return face box, eyes and base of the nose of five landmarks with `FACE_BOX`, [7, 2], as IJB-A has them."""
    right, left, tip, *mouth, centre, top = points
    nose = tip + 0.16 * (np.mean(mouth, axis=0) - tip)
    height = 2 * np.hypot(*(centre - top))
    width = 0.72 * height
    values = (centre[0] - width / 2, centre[1] - height / 2, width, height, *right, *left, *nose)
    return {column: f"{value:.4f}" for column, value in zip((*ijba.BOX, *ijba.SEEN), values, strict=True)}


def _write_ijba_split(
    folder: Path, split: int, rows: list[list[dict[str, object]]], tested: list[int], enrolled: list[int]
) -> None:
    """Write the lists of a split, given the sightings of each person; those not tested on are trained on.

    Of the tested, the gallery has the `enrolled`.
    """

    def listed(people: list[int], templates: dict[int, tuple[int, ...]]) -> list[dict[str, object]]:
        return [
            {"TEMPLATE_ID": 10 * person + number, **rows[person][image]}
            for person in people
            for number, images in templates.items()
            for image in images
        ]

    gallery = {0: JANUS_TEMPLATES[0]}
    probes = {number: images for number, images in JANUS_TEMPLATES.items() if number not in gallery}
    training = listed([person for person in range(len(rows)) if person not in tested], {9: tuple(range(len(rows[0])))})
    verification, search = (folder / sets / f"split{split}" for sets in (ijba.VERIFICATION, ijba.SEARCH))
    ijba.write_sightings(verification / f"train_{split}.csv", training)
    ijba.write_sightings(verification / f"verify_metadata_{split}.csv", listed(tested, JANUS_TEMPLATES))
    ijba.write_comparisons(
        verification / f"verify_comparisons_{split}.csv",
        [(10 * one, 10 * other + probe) for one in tested for other in tested for probe in probes],
    )
    ijba.write_sightings(search / f"train_{split}.csv", training)
    ijba.write_sightings(search / f"search_gallery_{split}.csv", listed(enrolled, gallery))
    ijba.write_sightings(search / f"search_probe_{split}.csv", listed(tested, probes))


def _training_faces(
    images: Sequence[int], *, yaw: NDArray[np.float64] | None = None, nuisance: float = 1
) -> tuple[RenderedFaces, NDArray[np.int64]]:
    """Draw so many images of each of the people from 0 on, and give their labels."""
    labels = np.repeat(np.arange(len(images)), images)
    numbers = np.concatenate([np.arange(count) for count in images])
    return render(labels, numbers, yaw=yaw, nuisance=nuisance), labels


def _faces(first: int, people: int, images: int, yaw: NDArray[np.float64] | None = None) -> RenderedFaces:
    """Draw `images` images of each of the people from `first` on, [people * images], those of a person together."""
    return render(np.repeat(first + np.arange(people), images), np.tile(np.arange(images), people), yaw=yaw)


def _seen_from_afar(image: Bytes, stream: RandomState) -> Bytes:
    height = int(stream.randint(*HEIGHTS))
    small = Image.fromarray(image).resize((5 * height // 6, height), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.uint8)


def _with_room(image: Bytes) -> Bytes:
    """Surround an image by half its size, so that it is the central half."""
    return np.pad(image, ((SIDE // 2,) * 2, (SIDE // 2,) * 2, (0, 0)), mode="edge")


def _loosened(image: Bytes, landmarks: NDArray[np.floating], stream: RandomState) -> tuple[Bytes, NDArray[np.floating]]:
    """Turn, scale and move a crop into a larger one, and its landmarks with it."""
    angle, scale = np.radians(stream.uniform(-25, 25)), stream.uniform(0.8, 1.3)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = LOOSE_SIDE / 2 + stream.uniform(-10, 10, 2)
    shift = centre - linear @ np.full(2, float(SIDE))
    moved = warp(Image.fromarray(_with_room(image)), np.column_stack([linear, shift]), LOOSE_SIDE)
    return moved, (landmarks + SIDE / 2) @ linear.T + shift


def _put(path: Path, image: Bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg(image, QUALITY))
