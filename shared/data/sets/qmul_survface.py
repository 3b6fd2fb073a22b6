"""QMUL-SurvFace as its owner distributes it: faces from surveillance videos, 24 x 20 pixels on average.

    training_set/<identity>/<image>.jpg
    Face_Verification_Test_Set/verification_images/<image>.jpg
    Face_Verification_Test_Set/positive_pairs_names.mat, negative_pairs_names.mat

Each list of pairs is a MATLAB file, version 5, with a cell array [P, 2] of names, the variable named as the file. The
owner's evaluation (`test_face_verification.m`) takes the accuracy over ten folds, each a run of consecutive pairs of
either list, with the threshold that is best on the other nine; hence the folds here. The paper discface gives 5,319
pairs of each kind, the number of its people; the lists that are distributed have 5,320.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from shared.data.evaluation_sets import PairSet
from shared.data.files import md5, write_atomically
from shared.data.formats.identity_folders import load_folders
from shared.data.formats.mat_cells import read_names
from shared.data.formats.verification_bin import consecutive_folds
from shared.data.image_source import ALIGNED, FileSource
from shared.data.kinds import FaceSet, TestSet
from shared.data.lazy import np
from shared.data.reading.listing import find_files
from shared.data.reading.texts import read_list
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_source import LabelledSource

TRAINING = "training_set"
VERIFICATION = "Face_Verification_Test_Set"
IMAGES = "verification_images"
POSITIVE, NEGATIVE = "positive_pairs_names", "negative_pairs_names"
MATLAB_HEADER = b"MATLAB 5.0 MAT-file"
MATLAB_TEXT = 116

Pairs = list[tuple[str, str]]


class QmulSurvFace(FaceSet):
    """The training folders of QMUL-SurvFace, low-resolution faces from surveillance, resized to 112 x 112."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_qmul_survface"
    classes: ClassVar[int] = 5_319
    training_images: ClassVar[int] = 220_890
    folder: ClassVar[str] = "QMUL-SurvFace"
    sign: ClassVar[str] = TRAINING
    card: ClassVar[Card] = Card(
        title="QMUL-SurvFace",
        owner="Z. Cheng, X. Zhu, S. Gong (2018), Queen Mary University of London",
        licence="non-commercial research only",
        available=True,
        how_to_get=(
            "its owner offers it at https://qmul-survface.github.io; put the folders training_set and "
            "Face_Verification_Test_Set into QMUL-SurvFace under the data root"
        ),
        megabytes=1_500,
    )
    name: Literal["qmul-survface"] = "qmul-survface"

    def read(self, place: Path) -> LabelledSource:
        """Open the training images; raises UserError as `read_training` does."""
        return read_training(place, self.whose)


class QmulPairs(TestSet):
    """The verification pairs of QMUL-SurvFace: the paper says 5,319 of one person and of two, its lists have 5,320."""

    stand_in: ClassVar[str] = QmulSurvFace.stand_in
    folder: ClassVar[str] = QmulSurvFace.folder
    sign: ClassVar[str] = VERIFICATION
    card: ClassVar[Card] = QmulSurvFace.card.model_copy(update={"title": "QMUL-SurvFace, verification"})
    name: Literal["qmul-survface-pairs"] = "qmul-survface-pairs"

    def read(self, place: Path) -> PairSet:
        """Read the pairs; raises UserError as `read_pairs` does."""
        return read_pairs(place, self.whose)


def read_training(folder: Path, card: Card) -> LabelledSource:
    """Read the training images, resized bicubically to 112 x 112; classes are the identities' folders by name.

    The checksum is of the files' names and sizes. Raises UserError where the folder is missing or an identity has no
    image.
    """
    return load_folders(folder / TRAINING, ALIGNED, card, stretched=True)


def read_pairs(folder: Path, card: Card) -> PairSet:
    """Read the verification pairs, those of one person first; each image is there once, resized as the training's are.

    Raises UserError where a list is missing, is no such MATLAB file, or names an image that is not there.
    """
    top = folder / VERIFICATION
    lists, checksums = [], {}
    for variable in (POSITIVE, NEGATIVE):
        path = top / f"{variable}.mat"
        content = read_list(path, card)
        pairs = _pairs(content, variable, path, card)
        first, second = (
            find_files(card, path, top / IMAGES, [pair[side] for pair in pairs], unit="pair") for side in range(2)
        )
        lists.append([pair for pair in zip(first, second, strict=True) if all(pair)])
        checksums[path.name] = md5(content)
    positive, negative = lists
    names = [name for pair in positive + negative for name in pair]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    shown = np.array([numbers[name] for name in names], dtype=np.intp)
    return PairSet(
        images=FileSource([str(top / IMAGES / name) for name in numbers], ALIGNED, stretched=True),
        first=shown[::2],
        second=shown[1::2],
        same=np.arange(len(positive) + len(negative)) < len(positive),
        folds=np.concatenate([consecutive_folds(len(positive)), consecutive_folds(len(negative))]),
        checksums=checksums,
    )


def write_pairs(folder: Path, positive: Pairs, negative: Pairs) -> None:
    """Write both lists of pairs of names into `folder`/Face_Verification_Test_Set; equal pairs give equal bytes."""
    from scipy.io import savemat  # noqa: PLC0415 - takes long, and only those who write the lists need it

    (folder / VERIFICATION).mkdir(parents=True, exist_ok=True)
    for variable, pairs in ((POSITIVE, positive), (NEGATIVE, negative)):
        cells = np.empty((len(pairs), 2), dtype=object)
        cells[:] = pairs
        content: Any = BytesIO()
        savemat(content, {variable: cells})
        # The header's text has the time of writing in it.
        header = MATLAB_HEADER.ljust(MATLAB_TEXT)
        write_atomically(folder / VERIFICATION / f"{variable}.mat", header, content.getvalue()[MATLAB_TEXT:])


def _pairs(content: bytes, variable: str, path: Path, card: Card) -> Pairs:
    try:
        names = read_names(content, variable)
        if names.ndim != 2 or names.shape[1] != 2 or not len(names):
            raise ValueError(f"it has the dimensions {names.shape}")
    except ValueError as error:
        raise UserError(
            f"{card.title}: {path} is no MATLAB file, version 5, with pairs of names, {variable} ({error}); replace it"
        ) from None
    return [(first, second) for first, second in names]
