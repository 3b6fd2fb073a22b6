"""Sets of faces and of lesions to train on: their options and cards. The readers are in modules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shared.data import TrainingSet
from shared.data.files import prepared
from shared.runs.components import Card, DataSet, named
from shared.runs.fields import Count

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_arrays import ImageArrays
    from shared.data.image_source import LabelledSource

RENDERED = "rendered"


class OfficialForm(DataSet):
    """A data set in the form in which its owner gives it, or images rendered in that very form.

    With `source: rendered` it is written by the function that `stand_in` names, once, below the folder `rendered` of
    the data root, and read by the same reader. `content` is the file or folder that the reader is given, in `folder`.
    """

    source: Literal["owner", "rendered"] = "owner"
    stand_in: ClassVar[str]
    content: ClassVar[str] = ""
    fetched: ClassVar[bool] = False

    @property
    def whose(self) -> Card:
        """Whose the data are: the owner's card, or one that says what stands in."""
        if self.source == "owner":
            return self.card
        return Card(
            title=f"Rendered images in the form of {self.card.title}",
            owner="drawn by this suite",
            licence="that of this suite",
            available=True,
            how_to_get="made by itself",
            megabytes=5,
        )

    @property
    def place(self) -> str:
        """The folder below the data root."""
        return self.folder if self.source == "owner" else f"{RENDERED}/{self.folder}"

    @property
    def obtainable(self) -> bool:
        """Whether they are made where they are missing."""
        return self.source == RENDERED

    @property
    def code(self) -> tuple[str, ...]:
        """What reads the images, and what renders them where they are rendered."""
        return (self.implementation, self.stand_in) if self.source == RENDERED else (self.implementation,)

    def is_there(self, root: Path) -> bool:
        """Whether the file or folder that the reader needs is there."""
        there = root / self.place / self.content
        return there.is_file() or any(there.glob("*"))

    def at(self, root: Path) -> Path:
        """Return the file or folder that the reader is given, rendered first if need be."""
        folder = root / self.place
        if self.source == RENDERED:
            prepared(folder, named(self.stand_in))
        return folder / self.content

    def load(self, root: Path) -> Any:
        """Read the data, rendered first if need be; raises UserError where they are missing or damaged."""
        return named(self.implementation)(self.at(root), self.whose)


class FaceSet(OfficialForm, TrainingSet):
    """Faces with their identities, to train on.

    `classes` and `training_images` are what the owner states; the record has the counts that were read.
    """

    def load(self, root: Path) -> LabelledSource:
        """Return the images and their identities; raises UserError."""
        loaded: LabelledSource = super().load(root)
        return loaded


class CasiaWebFace(FaceSet):
    """CASIA-WebFace as InsightFace packs it, aligned to 112 x 112."""

    implementation: ClassVar[str] = "shared.data.formats.recordio:load"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_casia_webface"
    classes: ClassVar[int] = 10_572
    training_images: ClassVar[int] = 490_623
    folder: ClassVar[str] = "casia-webface"
    card: ClassVar[Card] = Card(
        title="CASIA-WebFace",
        owner="D. Yi, Z. Lei, S. Liao, S. Z. Li (2014), CBSR, Institute of Automation, Chinese Academy of Sciences",
        licence="research only, under an agreement with its owner",
        available=True,
        how_to_get=(
            "its owner gives it on request; put train.rec, train.idx and property, as InsightFace packs it, into "
            "casia-webface under the data root"
        ),
        megabytes=2_700,
    )
    name: Literal["casia-webface"] = "casia-webface"


class VggFace2(FaceSet):
    """The training part of VGGFace2 as InsightFace packs it, aligned to 112 x 112."""

    implementation: ClassVar[str] = "shared.data.formats.recordio:load"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_vggface2"
    classes: ClassVar[int] = 8_631
    training_images: ClassVar[int] = 3_141_890
    folder: ClassVar[str] = "vggface2"
    card: ClassVar[Card] = Card(
        title="VGGFace2",
        owner="Q. Cao, L. Shen, W. Xie, O. M. Parkhi, A. Zisserman (2018), University of Oxford",
        licence="was CC BY-NC 4.0; the owner no longer offers it",
        available=False,
        how_to_get=(
            "its owner has withdrawn it; who has a copy puts train.rec, train.idx and property, as InsightFace packs "
            "it, into vggface2 under the data root"
        ),
        megabytes=17_000,
    )
    name: Literal["vggface2"] = "vggface2"


class Ms1mV2(FaceSet):
    """MS1MV2, the refined MS-Celeb-1M of ArcFace, as InsightFace packs it, aligned to 112 x 112."""

    implementation: ClassVar[str] = "shared.data.formats.recordio:load"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ms1mv2"
    classes: ClassVar[int] = 85_742
    training_images: ClassVar[int] = 5_822_653
    folder: ClassVar[str] = "ms1mv2"
    card: ClassVar[Card] = Card(
        title="MS1MV2",
        owner="J. Deng and others (InsightFace), refined from MS-Celeb-1M by Microsoft",
        licence="non-commercial research only; the owner of MS-Celeb-1M withdrew it in 2019",
        available=False,
        how_to_get=(
            "MS-Celeb-1M is withdrawn by its owner; who has InsightFace's copy (faces_emore) puts train.rec, train.idx "
            "and property into ms1mv2 under the data root"
        ),
        megabytes=33_000,
    )
    name: Literal["ms1mv2"] = "ms1mv2"


class MsCeleb1M(FaceSet):
    """MS-Celeb-1M as Light CNN's list cleans it, without the people of LFW and IJB-A, packed as InsightFace packs sets.

    Yin et al. (CVPR 2019), Sec. 4: 4.8 million images of 76.5 thousand people.
    """

    implementation: ClassVar[str] = "shared.data.formats.recordio:load"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ms_celeb_1m"
    classes: ClassVar[int] = 76_500
    training_images: ClassVar[int] = 4_800_000
    folder: ClassVar[str] = "ms-celeb-1m"
    card: ClassVar[Card] = Card(
        title="MS-Celeb-1M, cleaned",
        owner="Y. Guo and others (2016), Microsoft; the cleaned list by X. Wu, R. He, Z. Sun, T. Tan (Light CNN)",
        licence="was non-commercial research only; its owner withdrew it in 2019",
        available=False,
        how_to_get=(
            "MS-Celeb-1M is withdrawn by its owner; who has a copy keeps the images on Light CNN's list, without the "
            "people of LFW and IJB-A, aligned to 112 x 112, and puts train.rec, train.idx and property, as InsightFace "
            "packs sets, into ms-celeb-1m under the data root, with yaw.txt or landmarks.txt beside them (see "
            "shared/data/formats/yaw_files.py)"
        ),
        megabytes=27_000,
    )
    name: Literal["ms-celeb-1m"] = "ms-celeb-1m"


class MsCelebOneShot(FaceSet):
    """The one-shot challenge of MS-Celeb-1M, 20,000 base and 1,000 novel people, images cropped to 112 x 112.

    Yin et al. (CVPR 2019), Sec. 4.4: 50 to 100 images to train on of a base person, one of a novel person. How many
    that is in all is not said there; `training_images` supposes 75.
    """

    implementation: ClassVar[str] = "shared.data.sets.ms_celeb_one_shot:load"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ms_celeb_one_shot"
    classes: ClassVar[int] = 21_000
    training_images: ClassVar[int] = 1_501_000
    folder: ClassVar[str] = "ms-celeb-1m-one-shot"
    card: ClassVar[Card] = Card(
        title="MS-Celeb-1M one-shot challenge",
        owner="Y. Guo, L. Zhang (2017), Microsoft",
        licence="was non-commercial research only; its owner withdrew MS-Celeb-1M in 2019",
        available=False,
        how_to_get=(
            "MS-Celeb-1M is withdrawn by its owner; who has a copy puts the lists base_train.txt, novel_train.txt, "
            "base_test.txt and novel_test.txt beside the cropped images into ms-celeb-1m-one-shot under the data root "
            "(see shared/data/sets/ms_celeb_one_shot.py)"
        ),
        megabytes=8_500,
    )
    name: Literal["ms-celeb-1m-one-shot"] = "ms-celeb-1m-one-shot"


class Ms1mLt(FaceSet):
    """MS1M-LT, the long-tailed list over MS-Celeb-1M of Liu et al. (CVPR 2019), images cropped to 112 x 112."""

    implementation: ClassVar[str] = "shared.data.formats.image_lists:load"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ms1m_lt"
    classes: ClassVar[int] = 74_532
    training_images: ClassVar[int] = 887_530
    folder: ClassVar[str] = "ms1m-lt"
    card: ClassVar[Card] = Card(
        title="MS1M-LT",
        owner="Z. Liu and others, Open Long-Tailed Recognition (2019), a list over MS-Celeb-1M by Microsoft",
        licence="the list comes with BSD 3-Clause code; the owner of MS-Celeb-1M withdrew the images in 2019",
        available=False,
        how_to_get=(
            "MS-Celeb-1M is withdrawn by its owner; who has a copy puts the list of Open Long-Tailed Recognition "
            "beside the cropped images into ms1m-lt under the data root (see shared/data/formats/image_lists.py)"
        ),
        megabytes=5_000,
    )
    name: Literal["ms1m-lt"] = "ms1m-lt"


class QmulSurvFace(FaceSet):
    """The training folders of QMUL-SurvFace, low-resolution faces from surveillance, resized to 112 x 112."""

    implementation: ClassVar[str] = "shared.data.sets.qmul_survface:load_training"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_qmul_survface"
    classes: ClassVar[int] = 5_319
    training_images: ClassVar[int] = 220_890
    folder: ClassVar[str] = "QMUL-SurvFace"
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


class Olivetti(TrainingSet):
    """Faces of 30 of the 40 people of the Database of Faces, grey, 112 x 112; the other ten are tested on.

    With `few_images`, only so many images are kept of each of the second half of the people. With `everyone`, all 40
    are trained on: for a division in which images of them are put aside to test on.
    """

    implementation: ClassVar[str] = "shared.data.sets.olivetti:training"
    people: ClassVar[int] = 40
    classes: ClassVar[int] = 30
    training_images: ClassVar[int] = 300
    folder: ClassVar[str] = "."
    fetched: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="The Database of Faces (AT&T, ORL, Olivetti)",
        owner="F. Samaria, A. Harter (1994), Olivetti Research Laboratory, later AT&T Laboratories Cambridge",
        licence="free for research with credit: Olivetti Research Laboratory / AT&T Laboratories Cambridge",
        available=True,
        how_to_get=(
            "put orl_faces.zip, or its folders s1 to s40 as orl_faces, under the data root; with a network "
            "scikit-learn's copy of 64 x 64 pixels is fetched by itself"
        ),
        megabytes=4,
    )
    name: Literal["olivetti"] = "olivetti"
    few_images: Count | None = None
    # Left out of a record where it is not set, so that records from before it was an option stay those of their runs.
    everyone: bool = Field(False, exclude_if=lambda everyone: not everyone)

    @model_validator(mode="after")
    def _keeps_everyone_whole(self) -> Self:
        if self.everyone and self.few_images is not None:
            raise ValueError("give either few_images or everyone")
        return self

    @property
    def trained_classes(self) -> int:
        """The number of classes that are trained on: of all people, where everyone is, unless some are chosen."""
        chosen = self.sampling.under_represented is not None or self.sampling.classes is not None
        return self.people if self.everyone and not chosen else super().trained_classes

    @property
    def never_tested_on(self) -> tuple[str, ...]:
        """The pairs of the ten people who are else tested on, where everyone is trained on."""
        return ("olivetti-pairs",) if self.everyone else ()

    def is_there(self, root: Path) -> bool:
        """Whether the archive, its folders or scikit-learn's copy is there."""
        return any((root / name).exists() for name in ("orl_faces.zip", "orl_faces", "olivetti_py3.pkz"))

    def load(self, root: Path) -> LabelledSource:
        """Read the faces, fetched first if need be; raises UserError."""
        loaded: LabelledSource = named(self.implementation)(root, few_images=self.few_images, everyone=self.everyone)
        return loaded


class Dermofit(OfficialForm, TrainingSet):
    """The skin lesions of the Edinburgh Dermofit Image Library, cut out to `size` x `size`, by folds of a third each.

    The images of `fold` are the test set, the others are trained on. The first five of the ten classes are those of
    experiment 1 of the Gaussian affinity paper.
    """

    implementation: ClassVar[str] = "shared.data.sets.dermofit:load"
    stand_in: ClassVar[str] = "shared.data.sets.dermofit:write"
    classes: ClassVar[int] = 10
    training_images: ClassVar[int] = 867
    folder: ClassVar[str] = "dermofit"
    card: ClassVar[Card] = Card(
        title="Dermofit Image Library",
        owner="B. Fisher, J. Rees and others, University of Edinburgh",
        licence="licensed for a fee; academic licence on request",
        available=True,
        how_to_get=(
            "its owner licenses it at https://licensing.edinburgh-innovations.ed.ac.uk/product/dermofit-image-library; "
            "put its ten folders or zips, AK to VASC, into dermofit under the data root"
        ),
        megabytes=700,
    )
    name: Literal["dermofit"] = "dermofit"
    fold: Annotated[int, Field(ge=0, le=2)] = 0
    size: Count = 224

    def load(self, root: Path) -> ImageArrays:
        """Read the lesions, rendered first if need be; raises UserError."""
        from shared.data.sets.dermofit import KINDS  # noqa: PLC0415 - the reader is imported when it is needed

        folder = self.at(root)
        expected = {kind.code: kind.lesions for kind in KINDS} if self.source == "owner" else None
        arrays: ImageArrays = named(self.implementation)(
            folder, fold=self.fold, size=self.size, card=self.whose, expected=expected
        )
        return arrays
