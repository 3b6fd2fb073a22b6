"""Omniglot: archives put together file by file; alphabets kept apart; the one-shot trials."""

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from shared.data.drawn import draw
from shared.data.fetching import torchvision_says
from shared.data.sets import omniglot
from shared.data.sets.omniglot import ALPHABETS, ARCHIVES, BACKGROUND, EVALUATION, SMALL, Omniglot, OmniglotTrials
from shared.errors import UserError

CHARACTERS = {"Greek": 3, "Latin": 2, "Tagalog": 2}
IN_SMALL_1, IN_SMALL_2 = ("Greek", "Latin"), ("Latin", "Tagalog")


def png(column: int, row: int = 0) -> bytes:
    """A drawing with one black block of 15 x 15 among 7 x 7 of them, black on white, of one bit a pixel."""
    pixels = np.full((105, 105), 255, np.uint8)
    pixels[15 * row : 15 * row + 15, 15 * column : 15 * column + 15] = 0
    file = BytesIO()
    Image.fromarray(pixels).convert("1").save(file, "PNG")
    return file.getvalue()


def shown(column: int, row: int = 0) -> np.ndarray:
    """The same at 28 x 28, white on black: 105 / 28 = 15 / 4."""
    image = np.zeros((28, 28), np.uint8)
    image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 255
    return image


def place(alphabet: str, character: int) -> tuple[int, int]:
    return list(CHARACTERS).index(alphabet) + 1, character


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with the two small sets, of three alphabets of few characters, and one trial of three."""
    monkeypatch.setattr(omniglot, "ALPHABETS", CHARACTERS)
    folder = tmp_path / "omniglot"
    folder.mkdir()
    number = 0
    for part, alphabets in (("small1", IN_SMALL_1), ("small2", IN_SMALL_2)):
        with zipfile.ZipFile(folder / f"images_background_{part}.zip", "w") as archive:
            archive.writestr(f"images_background_{part}/", b"")
            for alphabet in alphabets:
                for character in range(CHARACTERS[alphabet], 0, -1):
                    number += 1
                    for person in range(1, 21):
                        name = f"{alphabet}/character{character:02}/{number:04}_{person:02}.png"
                        archive.writestr(f"images_background_{part}/{name}", png(*place(alphabet, character)))
    with zipfile.ZipFile(folder / "all_runs.zip", "w") as archive:
        for character in (1, 2, 3):
            archive.writestr(f"run01/training/class{character:02}.png", png(character))
        lines = []
        for item, character in enumerate((3, 1, 2), start=1):
            archive.writestr(f"run01/test/item{item:02}.png", png(character, row=6))
            lines.append(f"run01/test/item{item:02}.png run01/training/class{character:02}.png")
        archive.writestr("run01/class_labels.txt", "\n".join(lines) + "\n")
    accept(folder, monkeypatch)
    return tmp_path


def accept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the archives of a folder be the official ones."""
    sums = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in folder.glob("*.zip")}
    monkeypatch.setattr(omniglot, "ARCHIVES", ARCHIVES | sums)


def options(**given) -> Omniglot:
    return Omniglot.model_construct(**({"alphabets": tuple(CHARACTERS), "unseen": ("Tagalog",)} | given))


def test_drawings_come_in_the_order_of_alphabet_character_and_person(root):
    source = options(unseen=()).load(root)
    images = source.images.read(np.arange(140))
    order = [(alphabet, character) for alphabet, count in CHARACTERS.items() for character in range(1, count + 1)]
    np.testing.assert_array_equal(images, np.repeat([shown(*place(*each)) for each in order], 20, axis=0))
    assert source.labels.tolist() == np.repeat(range(7), 20).tolist()
    assert (source.classes, source.division) == (7, None)


def test_an_unseen_alphabet_is_neither_trained_on_nor_tested_as_if_it_were(root):
    data = options(unseen=("Greek",), tested=2)
    drawn = draw(data, 0, root)
    assert drawn.classes == data.trained_classes == 4
    assert drawn.counts["train"] == [18] * 4
    assert drawn.counts["test"] == [2] * 4
    unseen = drawn.parts["unseen"]
    assert sorted(set(unseen.labels.tolist())) == [4, 5, 6]
    np.testing.assert_array_equal(
        unseen.images.read(unseen.index), np.repeat([shown(*place("Greek", each)) for each in (1, 2, 3)], 20, axis=0)
    )
    train, test = drawn.parts["train"], drawn.parts["test"]
    assert not set(train.index) & set(test.index)
    assert len({*train.index, *test.index, *unseen.index}) == 140


def test_each_seed_draws_its_unseen_alphabets(root):
    data = options(unseen=1)
    counts = [draw(data, seed, root).counts["train"] for seed in range(12)]
    assert {len(count) for count in counts} == {7 - unseen for unseen in CHARACTERS.values()}
    assert counts[0] == draw(data, 0, root).counts["train"]
    assert data.trained_classes == len(counts[0])
    assert all(len({*draw(data, seed, root).parts["unseen"].labels}) + len(counts[seed]) == 7 for seed in range(3))


def test_of_every_second_character_few_drawings_are_trained_on(root):
    drawn = draw(options(few=True, tested=1), 0, root)
    assert drawn.counts["train"] == [19, 1, 19, 2, 19]
    assert drawn.minority == (1, 3)


def test_the_order_of_the_archives_changes_nothing_and_one_suffices(root, monkeypatch):
    whole = options().load(root)
    folder = root / "omniglot"
    with zipfile.ZipFile(folder / "images_background.zip", "w") as both:
        for part in ("small2", "small1"):
            with zipfile.ZipFile(folder / f"images_background_{part}.zip") as archive:
                for name in archive.namelist():
                    new = name.replace(f"_{part}", "")
                    if new not in both.namelist():
                        both.writestr(new, archive.read(name))
            (folder / f"images_background_{part}.zip").unlink()
    accept(folder, monkeypatch)
    found = options().load(root)
    everything = np.arange(140)
    np.testing.assert_array_equal(found.images.read(everything), whole.images.read(everything))
    assert found.checksums == whole.checksums


def test_each_query_of_a_trial_is_answered_by_the_drawing_of_its_character(root):
    trials = OmniglotTrials.model_construct().load(root)
    assert trials.query.shape == trials.support.shape == trials.answer.shape == (1, 3)
    np.testing.assert_array_equal(trials.images.read(trials.query[0]), [shown(each, row=6) for each in (3, 1, 2)])
    answers = trials.support[0][trials.answer[0]]
    np.testing.assert_array_equal(trials.images.read(answers), [shown(each) for each in (3, 1, 2)])
    np.testing.assert_array_equal(trials.images.read(trials.support[0]), [shown(each) for each in (1, 2, 3)])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("images_background_small2.zip", "has the alphabet Tagalog"),
        ("images_background_small1.zip", "has the alphabet Greek"),
    ],
)
def test_a_missing_archive_is_named_by_what_is_missing(root, name, message):
    (root / "omniglot" / name).unlink()
    with pytest.raises(UserError, match=message) as error:
        options().load(root)
    assert "github.com/brendenlake/omniglot" in str(error.value)


def test_an_altered_archive_is_refused(root):
    path = root / "omniglot" / "images_background_small1.zip"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"small1\.zip is altered or truncated"):
        options().load(root)


def test_without_trials_it_is_said_how_to_get_them(root):
    (root / "omniglot" / "all_runs.zip").unlink()
    with pytest.raises(UserError, match=r"has no all_runs\.zip; with a network"):
        OmniglotTrials.model_construct().load(root)


def test_what_is_nowhere_is_fetched_or_it_is_said_how_to_get_it(tmp_path, root, monkeypatch):
    monkeypatch.setattr(omniglot, "FETCHED", {path.name: "" for path in (root / "omniglot").glob("*.zip")})
    monkeypatch.setattr(omniglot, "ADDRESS", f"{(root / 'omniglot').as_uri()}/")
    assert options().load(tmp_path / "new").classes == 7
    monkeypatch.setattr(omniglot, "ADDRESS", "http://127.0.0.1:9/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(UserError, match=r"could not be fetched.*put images_background\.zip"):
        options().load(tmp_path / "newer")
    assert not (tmp_path / "newer" / "omniglot").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"unseen": ["Sanscrit"]}, "there is no alphabet 'Sanscrit'.*Sanskrit"),
        ({"alphabets": ["Greek", "Greek"]}, "named twice"),
        ({"alphabets": []}, "at least 1"),
        ({"unseen": SMALL}, "none is left to train on"),
        ({"unseen": 8}, "none is left to train on"),
        ({"unseen": ["Hebrew"]}, "'Hebrew' is not among the alphabets used"),
        ({"tested": 17}, "less than 17"),
    ],
)
def test_alphabets_that_cannot_be_so_are_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        Omniglot(**given)


def test_what_the_set_says_of_itself():
    assert (len(BACKGROUND), sum(BACKGROUND.values())) == (30, 964)
    assert (len(EVALUATION), sum(EVALUATION.values())) == (20, 659)
    assert sum(ALPHABETS[name] for name in SMALL) == 242
    assert Omniglot().trained_classes == 136
    sums = "; ".join(f"{name} {ARCHIVES[f'{name}.zip']}" for name in ("images_background", "images_evaluation"))
    assert " ".join(torchvision_says("'; '.join(map(' '.join, datasets.Omniglot.zips_md5.items()))")) == sums
