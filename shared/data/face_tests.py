"""Sets of faces to test on: their options and cards. No run trains on them; the benchmarks name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.training_sets import OfficialForm, Olivetti, QmulSurvFace
from shared.runs.components import Card, DataSet

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.evaluation_sets import PairSet


class TestSet(OfficialForm):
    """A set of faces that no run trains on."""

    __test__ = False
    classes: ClassVar[int] = 0
    training_images: ClassVar[int] = 0


class VerificationBin(TestSet):
    """Pairs of aligned faces, 112 x 112, in one of the `.bin` files that InsightFace distributes."""

    implementation: ClassVar[str] = "shared.data.formats.verification_bin:load"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_verification"
    folder: ClassVar[str] = "verification"


def _bin_card(title: str, owner: str, content: str, megabytes: float) -> Card:
    return Card(
        title=title,
        owner=owner,
        licence="research only",
        available=True,
        how_to_get=(
            f"InsightFace packs its aligned pairs with the training sets that it distributes; put {content} into "
            "verification under the data root"
        ),
        megabytes=megabytes,
    )


class Lfw(VerificationBin):
    """Labelled Faces in the Wild: 6,000 pairs in ten folds."""

    content: ClassVar[str] = "lfw.bin"
    card: ClassVar[Card] = _bin_card("LFW", "G. B. Huang and others (2007), University of Massachusetts", content, 65)
    name: Literal["lfw"] = "lfw"


class CfpFf(VerificationBin):
    """Celebrities in Frontal-Profile, frontal against frontal: 7,000 pairs in ten folds."""

    content: ClassVar[str] = "cfp_ff.bin"
    card: ClassVar[Card] = _bin_card("CFP-FF", "S. Sengupta and others (2016), University of Maryland", content, 85)
    name: Literal["cfp-ff"] = "cfp-ff"


class CfpFp(VerificationBin):
    """Celebrities in Frontal-Profile, frontal against profile: 7,000 pairs in ten folds."""

    content: ClassVar[str] = "cfp_fp.bin"
    card: ClassVar[Card] = _bin_card("CFP-FP", "S. Sengupta and others (2016), University of Maryland", content, 85)
    name: Literal["cfp-fp"] = "cfp-fp"


class AgeDb30(VerificationBin):
    """AgeDB with a gap of thirty years: 6,000 pairs in ten folds."""

    content: ClassVar[str] = "agedb_30.bin"
    card: ClassVar[Card] = _bin_card("AgeDB-30", "S. Moschoglou and others (2017), Imperial College", content, 70)
    name: Literal["agedb-30"] = "agedb-30"


class CaLfw(VerificationBin):
    """Cross-Age LFW: 6,000 pairs in ten folds."""

    content: ClassVar[str] = "calfw.bin"
    card: ClassVar[Card] = _bin_card("CALFW", "T. Zheng, W. Deng, J. Hu (2017), BUPT", content, 70)
    name: Literal["calfw"] = "calfw"


class CpLfw(VerificationBin):
    """Cross-Pose LFW: 6,000 pairs in ten folds."""

    content: ClassVar[str] = "cplfw.bin"
    card: ClassVar[Card] = _bin_card("CPLFW", "T. Zheng, W. Deng (2018), BUPT", content, 65)
    name: Literal["cplfw"] = "cplfw"


class YouTubeFaces(TestSet):
    """YouTube Faces: the aligned frames of 3,425 videos, 5,000 pairs of videos in ten splits."""

    implementation: ClassVar[str] = "shared.data.sets.youtube_faces:load"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ytf"
    folder: ClassVar[str] = "YouTubeFaces"
    card: ClassVar[Card] = Card(
        title="YouTube Faces",
        owner="L. Wolf, T. Hassner, I. Maoz (2011), Tel Aviv University",
        licence="research only",
        available=True,
        how_to_get=(
            "its owner offers it at https://www.cs.tau.ac.il/~wolf/ytfaces on request; put aligned_images_DB and "
            "splits.txt into YouTubeFaces under the data root"
        ),
        megabytes=25_000,
    )
    name: Literal["ytf"] = "ytf"


class IjbA(TestSet):
    """IJB-A: 500 subjects, templates of photographs and frames of videos, ten splits."""

    implementation: ClassVar[str] = "shared.data.sets.ijb_a:load"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ijba"
    folder: ClassVar[str] = "IJB-A"
    card: ClassVar[Card] = Card(
        title="IJB-A",
        owner="IARPA Janus programme, NIST (2015)",
        licence="on agreement with NIST; research only",
        available=True,
        how_to_get=(
            "NIST gives it on request; put the folders IJB-A_11_sets, IJB-A_1N_sets, img and frame into IJB-A under "
            "the data root"
        ),
        megabytes=6_000,
    )
    name: Literal["ijb-a"] = "ijb-a"


class IjbSet(TestSet):
    """A benchmark of the IARPA Janus programme in the form that InsightFace distributes: crops, landmarks, lists."""

    stand_in: ClassVar[str]


def _ijb_card(letter: str, year: int, megabytes: float) -> Card:
    return Card(
        title=f"IJB-{letter}",
        owner=f"IARPA Janus programme, NIST ({year}); loose crops and lists by InsightFace",
        licence="on agreement with NIST; research only",
        available=True,
        how_to_get=(
            f"NIST gives it on request; put the folders loose_crop and meta, as InsightFace packs them, into "
            f"IJB{letter} under the data root"
        ),
        megabytes=megabytes,
    )


class IjbB(IjbSet):
    """IJB-B: 1,845 subjects, 12,115 templates, 8,020,270 pairs of templates."""

    implementation: ClassVar[str] = "shared.data.sets.ijb:load_ijbb"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ijbb"
    folder: ClassVar[str] = "IJBB"
    card: ClassVar[Card] = _ijb_card("B", 2017, 5_000)
    name: Literal["ijb-b"] = "ijb-b"


class IjbC(IjbSet):
    """IJB-C: 3,531 subjects, 23,124 templates, 15,658,489 pairs of templates."""

    implementation: ClassVar[str] = "shared.data.sets.ijb:load_ijbc"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ijbc"
    folder: ClassVar[str] = "IJBC"
    card: ClassVar[Card] = _ijb_card("C", 2018, 10_000)
    name: Literal["ijb-c"] = "ijb-c"


class MegaFace(TestSet):
    """MegaFace challenge 1 with FaceScrub as the probes: 3,530 probes, a million distractors."""

    implementation: ClassVar[str] = "shared.data.sets.megaface:load"
    stand_in: ClassVar[str] = "shared.data.stand_ins:write_megaface"
    folder: ClassVar[str] = "megaface"
    card: ClassVar[Card] = Card(
        title="MegaFace and FaceScrub",
        owner="I. Kemelmacher-Shlizerman and others (2016), University of Washington; H.-W. Ng, S. Winkler (2014)",
        licence="research only; its owner decommissioned MegaFace in 2020",
        available=False,
        how_to_get=(
            "MegaFace is decommissioned by its owner; who has the devkit's lists with 112 x 112 crops puts them into "
            "megaface under the data root (see shared/data/sets/megaface.py)"
        ),
        megabytes=12_000,
    )
    name: Literal["megaface"] = "megaface"


class QmulPairs(TestSet):
    """The verification pairs of QMUL-SurvFace: the paper says 5,319 of one person and of two, its lists have 5,320."""

    implementation: ClassVar[str] = "shared.data.sets.qmul_survface:load_pairs"
    stand_in: ClassVar[str] = QmulSurvFace.stand_in
    folder: ClassVar[str] = QmulSurvFace.folder
    card: ClassVar[Card] = QmulSurvFace.card.model_copy(update={"title": "QMUL-SurvFace, verification"})
    name: Literal["qmul-survface-pairs"] = "qmul-survface-pairs"


class OlivettiPairs(DataSet):
    """All pairs of faces of the people of the Database of Faces whom no run trains on."""

    implementation: ClassVar[str] = "shared.data.sets.olivetti:pairs"
    card: ClassVar[Card] = Olivetti.card
    classes: ClassVar[int] = 0
    training_images: ClassVar[int] = 0
    folder: ClassVar[str] = Olivetti.folder
    fetched: ClassVar[bool] = Olivetti.fetched
    name: Literal["olivetti-pairs"] = "olivetti-pairs"

    def is_there(self, root: Path) -> bool:
        """Whether the archive, its folders or scikit-learn's copy is there."""
        return Olivetti().is_there(root)

    def load(self, root: Path) -> PairSet:
        """Read the faces, fetched first if need be; raises UserError."""
        pairs: PairSet = super().load(root)
        return pairs
