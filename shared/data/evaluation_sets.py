"""What the face benchmarks are given: images never trained on, and the comparisons that their protocols ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.data.reading.faults import refuse
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from shared.data.image_source import ImageSource
    from shared.runs.components import Card

    Places = NDArray[np.intp]
    Embed = Callable[[ImageSource, bool], NDArray[np.float32]]


def check_both_kinds(same: Iterable[object], path: Path, card: Card) -> None:
    """Raise UserError where the pairs in the list `path` all show one person, or all two."""
    kinds = {bool(value) for value in same}
    if len(kinds) < 2:
        shown = "one person" if True in kinds else "two people"
        refuse(
            UserError(
                f"{card.title}: all pairs in {path} show {shown}, so that there is nothing to tell apart; replace the "
                "file"
            )
        )


@dataclass(frozen=True)
class PairSet:
    """Pairs of images, [P]: places of the first and the second image, whether they show one person, and the fold.

    Folds are 0, 1, ...; a protocol without folds has them all in fold 0.
    """

    images: ImageSource
    first: Places
    second: Places
    same: NDArray[np.bool_]
    folds: Places
    checksums: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of what, in words."""
        return {"images": len(self.images), "pairs": len(self.same), "of one person": int(self.same.sum())}

    @property
    def sources(self) -> dict[str, ImageSource]:
        """The images, by what they are called."""
        return {"images": self.images}


@dataclass(frozen=True)
class VideoPairSet:
    """Pairs of videos, [P], and the frames, [N], each with the place of its video, 0..videos-1."""

    frames: ImageSource
    video: Places
    first: Places
    second: Places
    same: NDArray[np.bool_]
    folds: Places
    checksums: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of what, in words."""
        return {
            "frames": len(self.frames),
            "videos": len(set(self.video.tolist())),
            "pairs": len(self.same),
            "of one person": int(self.same.sum()),
        }

    @property
    def sources(self) -> dict[str, ImageSource]:
        """The images, by what they are called."""
        return {"frames": self.frames}


@dataclass(frozen=True)
class TemplateSet:
    """Templates of several images: for each image, [N], its template and its medium (a still, or the video of a frame).

    Images of one template and one medium are pooled first. `template` and `media` are numbers as the protocol gives
    them; `first` and `second`, [P], are numbers of templates. `subjects` gives the person of each template number that
    the identification protocol names; `galleries` are its galleries, each a list of template numbers, and `probes` its
    probes. These are empty where only verification is asked for. `scores`, [N], say how sure the detector was that the
    image shows a face, 0..1, for protocols that weigh the embeddings by it.
    """

    images: ImageSource
    template: NDArray[np.int64]
    media: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]
    subjects: dict[int, int]
    galleries: tuple[NDArray[np.int64], ...]
    probes: NDArray[np.int64]
    checksums: dict[str, str]
    scores: NDArray[np.float32] | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of what, in words."""
        return {
            "images": len(self.images),
            "templates": len(set(self.template.tolist())),
            "pairs": len(self.same),
            "of one person": int(self.same.sum()),
            "people to find": len(set(self.subjects.values())),
            "probes": len(self.probes),
        }

    @property
    def sources(self) -> dict[str, ImageSource]:
        """The images, by what they are called."""
        return {"images": self.images}


@dataclass(frozen=True)
class Sightings:
    """A list of images by template, [S]: the place of the image, its template, its medium and the person it shows.

    One image may be in several templates. Numbers of templates have a meaning within one list only.
    """

    image: Places
    template: NDArray[np.int64]
    medium: NDArray[np.int64]
    subject: NDArray[np.int64]


@dataclass(frozen=True)
class TemplateSplit:
    """One split of templates: pairs of them to compare, and probes to search in a gallery.

    `first` and `second`, [P], are numbers of templates of `compared`. Nobody in a list of training is in a list that is
    tested on by the same protocol.
    """

    verification_training: Sightings
    compared: Sightings
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    search_training: Sightings
    gallery: Sightings
    probes: Sightings


@dataclass(frozen=True)
class SplitTemplateSet:
    """Images, and several splits of them into templates; what is measured is averaged over the splits."""

    images: ImageSource
    splits: tuple[TemplateSplit, ...]
    checksums: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of what, in words."""
        return {
            "images": len(self.images),
            "splits": len(self.splits),
            "pairs": sum(len(split.first) for split in self.splits),
            "people": len({who for split in self.splits for who in split.compared.subject.tolist()}),
        }

    @property
    def sources(self) -> dict[str, ImageSource]:
        """The images, by what they are called."""
        return {"images": self.images}


@dataclass(frozen=True)
class OneShotTrials:
    """Trials, [T, C]: each of C images, `query`, is to be found among C others of as many classes, `support`.

    `query` and `support` are places of images; `answer` is which of the support images, 0..C-1, is of a query's class.
    """

    images: ImageSource
    query: Places
    support: Places
    answer: Places
    checksums: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of what, in words."""
        return {"images": len(self.images), "trials": len(self.query)}

    @property
    def sources(self) -> dict[str, ImageSource]:
        """The images, by what they are called."""
        return {"images": self.images}


@dataclass(frozen=True)
class DistractorSet:
    """Probe images with the number of the person that each shows, [N], and images of other people, the distractors."""

    probes: ImageSource
    people: NDArray[np.int64]
    distractors: ImageSource
    checksums: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of what, in words."""
        return {
            "probes": len(self.probes),
            "people": len(set(self.people.tolist())),
            "distractors": len(self.distractors),
        }

    @property
    def sources(self) -> dict[str, ImageSource]:
        """The images, by what they are called."""
        return {"probes": self.probes, "distractors": self.distractors}
