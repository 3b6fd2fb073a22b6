"""`check`: what is in a data set, read as a training would read it, and all that is wrong with it."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from shared.data.image_arrays import ImageArrays
from shared.data.image_source import ImageSource, LabelledSource
from shared.data.kinds import OfficialForm
from shared.errors import UserError, suggestion
from shared.runs.catalogue import DATA_SETS
from shared.runs.components import DataSet

SIGNS = {
    "train.rec": ("casia-webface",),
    "training_set": ("qmul-survface",),
    "Face_Verification_Test_Set": ("qmul-survface-pairs",),
    "splits.txt": ("ytf",),
    "meta/ijbb_face_tid_mid.txt": ("ijb-b",),
    "meta/ijbc_face_tid_mid.txt": ("ijb-c",),
    "IJB-A_11_sets": ("ijb-a",),
    "devkit/templatelists": ("megaface",),
    "MS1M_LT_train.txt": ("ms1m-lt",),
    "base_train.txt": ("ms-celeb-1m-one-shot",),
    "train-images-idx3-ubyte*": ("mnist",),
    "emnist-balanced-train-images-idx3-ubyte*": ("emnist-balanced",),
}
"""By what is in a folder, the data sets that have it; any set of RecordIO is read as any other."""
BLOCK = 256


def check(path: Path, name: str | None = None, processes: int = 1) -> bool:
    """Print the counts of the data set in the folder or file `path`, and each fault in a line; return whether none is.

    Which set it is tells `name`, else what is in the folder. Raises UserError where that is no set, or not to be told.
    """
    good = True
    for one in [name] if name else recognised(path):
        try:
            data = _loaded(path, one)
        except UserError as error:
            print(f"{path}: {one}: {_said(error, path)}", file=sys.stderr)  # noqa: T201
            good = False
            continue
        print(f"{path}: {one}: {counts(data)}")  # noqa: T201
        for fault in faults(data, processes):
            print(f"{path}: {one}: {_said(fault, path)}", file=sys.stderr)  # noqa: T201
            good = False
    return good


def known() -> dict[str, type[DataSet]]:
    """Return the data sets that are read from files, by name."""
    found = {}
    for module in DATA_SETS:
        for entry in vars(import_module(f"shared.{module}")).values():
            if isinstance(entry, type) and issubclass(entry, DataSet) and "name" in entry.model_fields:
                default = entry.model_fields["name"].default
                if isinstance(default, str):
                    found[default] = entry
    return found


def recognised(path: Path) -> list[str]:
    """Return the names of the data sets that `path` is by its name or what is in it; UserError where it is none."""
    if not path.exists():
        raise UserError(f"there is no file or folder {path}; give that of a data set")
    sets = known()
    by_file = [name for name, entry in sets.items() if getattr(entry, "content", "") == path.name]
    inside = [name for sign, names in SIGNS.items() if any(path.glob(sign)) for name in names]
    if path.suffix == ".bin" and not by_file:
        by_file = ["lfw"]
    files = [name for name, entry in sets.items() if getattr(entry, "content", "").endswith(".bin")]
    packed = [name for name in files if (path / getattr(sets[name], "content", "")).is_file()]
    by_folder = [
        name
        for name, entry in sets.items()
        if path.resolve().name == Path(entry.folder).name and not getattr(entry, "content", "")
    ]
    found = by_file or packed or inside or by_folder
    if not found:
        raise UserError(f"{path} is no data set that is told by its files; say which by --set NAME")
    return list(dict.fromkeys(found))


def counts(data: Any) -> str:
    """Say how many images there are, of how many people or classes, and of what size they are read."""
    if isinstance(data, ImageArrays):
        images = len(data.train_images) + len(data.test_images)
        return f"{images} images of {len(np.unique(data.train_labels))} classes, {data.train_images.shape[1:]}"
    parts = []
    for part, source in sources(data).items():
        _, height, width = source.shape
        parts.append(f"{len(source)} {part}, read as {width} x {height}")
    if isinstance(data, LabelledSource):
        parts.append(f"{data.classes} classes of {np.bincount(data.labels).max(initial=0)} images at most")
    if hasattr(data, "same"):
        parts.append(f"{len(data.same)} pairs, {int(np.count_nonzero(data.same))} of one person")
    if hasattr(data, "people"):
        parts.append(f"{len(np.unique(data.people))} people")
    if hasattr(data, "template"):
        parts.append(f"{len(np.unique(data.template))} templates")
    if hasattr(data, "splits"):
        parts.append(f"{len(data.splits)} splits")
    return "; ".join(parts)


def sources(data: Any) -> dict[str, ImageSource]:
    """Return the images of a data set that are decoded when they are read, by what they are called."""
    parts = {part: getattr(data, part, None) for part in ("images", "frames", "probes", "distractors")}
    return {part: source for part, source in parts.items() if source is not None and hasattr(source, "read")}


def faults(data: Any, processes: int = 1) -> list[UserError]:
    """Decode every image of a data set, with a bar where that is seen, and return the errors."""
    found = []
    for part, source in sources(data).items():
        blocks = [range(start, min(start + BLOCK, len(source))) for start in range(0, len(source), BLOCK)]
        read = partial(_faults_of, source)
        with tqdm(total=len(source), desc=part, unit="image", disable=None, leave=False) as bar:
            if processes > 1:
                with ProcessPoolExecutor(processes, multiprocessing.get_context("forkserver")) as pool:
                    for block, errors in zip(blocks, pool.map(read, blocks), strict=True):
                        found += errors
                        bar.update(len(block))
            else:
                for block in blocks:
                    found += read(block)
                    bar.update(len(block))
    return found


def _faults_of(source: ImageSource, places: range) -> list[UserError]:
    found = []
    for place in places:
        try:
            source.read(np.array([place]))
        except UserError as error:
            found.append(error)
    return found


def _loaded(path: Path, name: str) -> Any:
    """Return what the reader of a set makes of a path, which need not lie or be called as in a data root."""
    sets = known()
    if name not in sets:
        raise UserError(f"there is no data set '{name}'; {suggestion(name, sets)}")
    if not path.exists():
        raise UserError(f"there is no file or folder {path}; give that of a data set")
    data: Any = sets[name](name=name)
    content = data.content if isinstance(data, OfficialForm) else ""
    with tempfile.TemporaryDirectory() as scratch:
        at = Path(scratch) / data.folder / (content if path.is_file() or path.name == Path(content).name else "")
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(path.resolve())
        try:
            loaded = data.load(Path(scratch))
            # What is read later is looked for where it really is.
            _settle(loaded, at, path.resolve())
        except UserError as error:
            raise UserError(str(error).replace(str(at), str(path))) from None
    return loaded


def _settle(data: Any, linked: Path, real: Path) -> None:
    """Let the sources of files look in the `real` folder, not in that `linked` to it."""
    for source in sources(data).values():
        if hasattr(source, "paths"):
            source.paths = [str(path).replace(str(linked), str(real), 1) for path in source.paths]
        if hasattr(source, "folder"):
            source.folder = Path(str(source.folder).replace(str(linked), str(real), 1))
        if hasattr(source, "file"):
            source.file.path = Path(str(source.file.path).replace(str(linked), str(real), 1))
        if hasattr(source, "names") and not hasattr(source, "folder"):
            source.names = [name.replace(str(linked), str(real), 1) for name in source.names]


def _said(error: UserError, path: Path) -> str:
    return str(error).replace(f"{path.resolve()}", str(path))
