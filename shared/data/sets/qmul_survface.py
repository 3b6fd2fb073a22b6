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
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.io import savemat

from shared.data.evaluation_sets import PairSet
from shared.data.files import md5, write_atomically
from shared.data.formats.identity_folders import load_folders
from shared.data.formats.list_files import check_present, read_list
from shared.data.formats.mat_cells import read_names
from shared.data.formats.verification_bin import consecutive_folds
from shared.data.image_source import FileSource
from shared.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_source import LabelledSource, Shape
    from shared.runs.components import Card

SHAPE: Shape = (3, 112, 112)
TRAINING = "training_set"
VERIFICATION = "Face_Verification_Test_Set"
IMAGES = "verification_images"
POSITIVE, NEGATIVE = "positive_pairs_names", "negative_pairs_names"
MATLAB_HEADER = b"MATLAB 5.0 MAT-file"
MATLAB_TEXT = 116

Pairs = list[tuple[str, str]]


def load_training(folder: Path, card: Card) -> LabelledSource:
    """Read the training images, resized bicubically to 112 x 112; classes are the identities' folders by name.

    The checksum is of the files' names and sizes. Raises UserError where the folder is missing or an identity has no
    image.
    """
    return load_folders(folder / TRAINING, SHAPE, card)


def load_pairs(folder: Path, card: Card) -> PairSet:
    """Read the verification pairs, those of one person first; each image is there once, resized as the training's are.

    Raises UserError where a list is missing, is no such MATLAB file, or names an image that is not there.
    """
    top = folder / VERIFICATION
    lists, checksums = [], {}
    for variable in (POSITIVE, NEGATIVE):
        path = top / f"{variable}.mat"
        content = read_list(path, card)
        pairs = _pairs(content, variable, path, card)
        for side in range(2):
            check_present(card, path, top / IMAGES, [pair[side] for pair in pairs], unit="pair")
        lists.append(pairs)
        checksums[path.name] = md5(content)
    positive, negative = lists
    names = [name for pair in positive + negative for name in pair]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    shown = np.array([numbers[name] for name in names], dtype=np.intp)
    return PairSet(
        images=FileSource([str(top / IMAGES / name) for name in numbers], SHAPE),
        first=shown[::2],
        second=shown[1::2],
        same=np.arange(len(positive) + len(negative)) < len(positive),
        folds=np.concatenate([consecutive_folds(len(positive)), consecutive_folds(len(negative))]),
        checksums=checksums,
    )


def write_pairs(folder: Path, positive: Pairs, negative: Pairs) -> None:
    """Write both lists of pairs of names into `folder`/Face_Verification_Test_Set; equal pairs give equal bytes."""
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
