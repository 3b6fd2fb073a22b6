"""Options of the benchmarks on faces, each with images of its own that the trained network embeds.

Such a benchmark builds a function from its data set and the run's embedding of images to its metrics by name.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.data.sets import (
    agedb_30,
    calfw,
    cfp,
    cplfw,
    ijb,
    ijb_a,
    lfw,
    megaface,
    olivetti,
    qmul_survface,
    youtube_faces,
)
from shared.runs.components import Benchmark, DataSet

Flip = Literal["none", "sum", "concatenate"]


class _OnFaces(Benchmark):
    """A benchmark on images of its own; `flip` says how a face's embedding and its mirror image's are joined."""

    flip: Flip = "sum"


class Lfw(_OnFaces):
    """Ten-fold verification accuracy on LFW."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Verification"
    images: ClassVar[type[DataSet] | None] = lfw.Lfw
    name: Literal["lfw"] = "lfw"


class CfpFf(_OnFaces):
    """Ten-fold verification accuracy on CFP-FF."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Verification"
    images: ClassVar[type[DataSet] | None] = cfp.CfpFf
    name: Literal["cfp-ff"] = "cfp-ff"


class CfpFp(_OnFaces):
    """Ten-fold verification accuracy on CFP-FP."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Verification"
    images: ClassVar[type[DataSet] | None] = cfp.CfpFp
    name: Literal["cfp-fp"] = "cfp-fp"


class AgeDb30(_OnFaces):
    """Ten-fold verification accuracy on AgeDB-30."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Verification"
    images: ClassVar[type[DataSet] | None] = agedb_30.AgeDb30
    name: Literal["agedb-30"] = "agedb-30"


class CaLfw(_OnFaces):
    """Ten-fold verification accuracy on CALFW."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Verification"
    images: ClassVar[type[DataSet] | None] = calfw.CaLfw
    name: Literal["calfw"] = "calfw"


class CpLfw(_OnFaces):
    """Ten-fold verification accuracy on CPLFW."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Verification"
    images: ClassVar[type[DataSet] | None] = cplfw.CpLfw
    name: Literal["cplfw"] = "cplfw"


class Olivetti(_OnFaces):
    """Verification over all pairs of faces of the people of AT&T's set that are not trained on."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Verification"
    images: ClassVar[type[DataSet] | None] = olivetti.OlivettiPairs
    name: Literal["olivetti"] = "olivetti"


class YouTubeFaces(_OnFaces):
    """Verification accuracy over the ten splits of YouTube Faces."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:VideoVerification"
    images: ClassVar[type[DataSet] | None] = youtube_faces.YouTubeFaces
    name: Literal["ytf"] = "ytf"


class QmulSurvFace(_OnFaces):
    """Accuracy and TAR at FAR over the verification pairs of QMUL-SurvFace."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Verification"
    images: ClassVar[type[DataSet] | None] = qmul_survface.QmulPairs
    name: Literal["qmul-survface"] = "qmul-survface"


class IjbA(_OnFaces):
    """1:1 TAR at FAR and 1:N ranks on IJB-A: means over its ten splits, a template being its images' mean."""

    implementation: ClassVar[str] = "shared.evaluation.split_templates:SplitTemplates"
    images: ClassVar[type[DataSet] | None] = ijb_a.IjbA
    pooling: Literal["average"] = "average"
    name: Literal["ijb-a"] = "ijb-a"


class IjbAMedia(_OnFaces):
    """As `IjbA`, but a template is the mean of its media, each of which is the mean of its images."""

    implementation: ClassVar[str] = "shared.evaluation.split_templates:SplitTemplates"
    images: ClassVar[type[DataSet] | None] = ijb_a.IjbA
    pooling: Literal["media"] = "media"
    name: Literal["ijb-a-media"] = "ijb-a-media"


class IjbAAdapted(_OnFaces):
    """As `IjbAMedia`, but templates are compared by linear SVMs trained for each of them: template adaptation."""

    implementation: ClassVar[str] = "shared.evaluation.template_adaptation:AdaptedTemplates"
    images: ClassVar[type[DataSet] | None] = ijb_a.IjbA
    name: Literal["ijb-a-adapted"] = "ijb-a-adapted"


class IjbB(_OnFaces):
    """1:1 TAR at FAR and 1:N identification of templates on IJB-B."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Templates"
    images: ClassVar[type[DataSet] | None] = ijb.IjbB
    name: Literal["ijb-b"] = "ijb-b"


class IjbC(_OnFaces):
    """1:1 TAR at FAR and 1:N identification of templates on IJB-C."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Templates"
    images: ClassVar[type[DataSet] | None] = ijb.IjbC
    name: Literal["ijb-c"] = "ijb-c"


class MegaFace(_OnFaces):
    """Rank-1 identification among distractors, and TAR at FAR over all impostor pairs, on MegaFace challenge 1."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Distractors"
    images: ClassVar[type[DataSet] | None] = megaface.MegaFace
    name: Literal["megaface"] = "megaface"
