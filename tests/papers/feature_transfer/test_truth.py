"""Feature transfer held against the truth: faces that were drawn tell what each transferred face should look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from papers.feature_transfer.picture_metrics import TransferredPictures, as_bytes
from papers.feature_transfer.scheme import FeatureTransferScheme
from papers.feature_transfer.transfer import transferred
from shared.backbones.casia_net import framed
from shared.data.rendered.faces import render
from shared.runs.catalogue import run_model
from shared.training.batches import ImageTensor
from shared.training.checkpoint import Checkpoints
from shared.training.loop import fit
from tests.papers.feature_transfer.samples import CPU, images_of

SIDE = 32
REGULAR, FEW = 16, 4
"""People with 40 images each, and people with five."""
LARGEST_YAW, TURNED = 45.0, 25.0
PAIRS = 64
GRID = np.arange(-60.0, 61.0, 10.0)

pytestmark = pytest.mark.slow

CONFIG: dict[str, Any] = {
    "data": {"name": "mnist-5k"},
    "backbone": {"name": "rich-features", "side": SIDE, "width": 4, "embedding": 40},
    "loss": {"name": "softmax", "bias": False},
    "scheme": {
        "name": "feature-transfer",
        "reconstruction": 1000,
        "pretraining": 0.9,
        "iterations": 20,
        "stage_learning_rate": 0.0001,
        "components": 20,
    },
    "optimizer": {"name": "adam", "learning_rate": 0.002},
    "training": {
        "steps": 600,
        "batch_size": 16,
        "gpus": 0,
        "flip": True,
        "milestones": [0.7],
        "checkpoint_steps": 5000,
    },
    "benchmarks": [],
}


def faces(people: NDArray[np.integer], numbers: NDArray[np.integer], yaw: NDArray[Any], nuisance: float) -> Tensor:
    """Return drawn faces as the network sees them, [N, 1, S, S] in -1..1."""
    images = render(people, numbers, yaw=yaw.astype(np.float32), nuisance=nuisance).images
    return framed(torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1, SIDE)


def truth(people: NDArray[np.integer], yaw: NDArray[Any]) -> Tensor:
    """Return what people look like in even light and with a neutral expression, turned as asked for."""
    return faces(people, np.arange(len(people)), yaw, nuisance=0)


@dataclass(frozen=True)
class Trained:
    scheme: FeatureTransferScheme
    images: ImageTensor
    yaw: NDArray[np.float32]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
    people = np.repeat(np.arange(REGULAR + FEW), [40] * REGULAR + [5] * FEW)
    yaw = np.random.default_rng(0).uniform(-LARGEST_YAW, LARGEST_YAW, len(people)).astype(np.float32)
    seen = as_bytes(faces(people, np.arange(len(people)), yaw, nuisance=0.1))
    images = images_of(seen, people, yaw, flip=True)
    config = run_model("feature_transfer").model_validate(CONFIG)
    torch.manual_seed(0)
    scheme: FeatureTransferScheme = config.scheme.build(config, (1, SIDE, SIDE), REGULAR + FEW, CPU)
    fit(scheme, images, config.training, 0, Checkpoints(tmp_path_factory.mktemp("weights"), config.identity(), 0))
    return Trained(scheme, images, yaw)


@dataclass(frozen=True)
class Moved:
    """Decoded faces of people `source` at `yaw`, moved to the classes of people `target`."""

    faces: Tensor
    source: NDArray[np.intp]
    target: NDArray[np.intp]
    yaw: NDArray[np.float32]

    def distances(self, pictures: Tensor) -> NDArray[np.float32]:
        """Return the root mean squared pixel distance of each face from a picture [..., N, 1, S, S], [..., N]."""
        distances: NDArray[np.float32] = (self.faces - pictures).square().mean((-3, -2, -1)).sqrt().numpy()
        return distances


@pytest.fixture(scope="module", params=["regular", "under-represented"])
def moved(request: pytest.FixtureRequest, trained: Trained) -> Moved:
    """Move faces of regular classes that are clearly turned to other regular classes, or to under-represented ones."""
    stream = np.random.default_rng(1)
    people = trained.images.labels.numpy()
    places = stream.permutation(np.flatnonzero((people < REGULAR) & (np.abs(trained.yaw) >= TURNED)))[:PAIRS]
    source = people[places]
    if request.param == "regular":
        target = (source + stream.integers(1, REGULAR, PAIRS)) % REGULAR
    else:
        target = REGULAR + stream.integers(FEW, size=PAIRS)
    statistics = trained.scheme.statistics_of(trained.images)
    rich = trained.scheme.embed_rich(batch for batch, _ in trained.images.in_order(PAIRS, places))
    there = transferred(rich, statistics.centers[source], statistics.centers[target], statistics.basis)
    return Moved(trained.scheme.decode(there), source, target, trained.yaw[places])


def test_a_transferred_face_is_the_target_turned_as_the_source(moved: Moved):
    ideal = moved.distances(truth(moved.target, moved.yaw))
    others = {
        "the target's center": moved.distances(truth(moved.target, 0 * moved.yaw)),
        "the target, turned the other way": moved.distances(truth(moved.target, -moved.yaw)),
        "the source": moved.distances(truth(moved.source, moved.yaw)),
    }
    for name, distances in others.items():
        assert ideal.mean() < 0.8 * distances.mean(), name
        assert np.mean(ideal < distances) > 0.65, name
    assert np.mean(ideal < np.min(list(others.values()), axis=0)) > 0.55


@pytest.fixture(scope="module")
def templates() -> Tensor:
    """Return everyone at each yaw of the grid, [people, yaws, 1, S, S]."""
    people, yaw = np.meshgrid(np.arange(REGULAR + FEW), GRID, indexing="ij")
    return truth(people.ravel(), yaw.ravel()).reshape(*people.shape, 1, SIDE, SIDE)


def test_its_yaw_is_that_of_its_source(moved: Moved, templates: Tensor):
    found = GRID[moved.distances(templates[moved.target].transpose(0, 1)).argmin(0)]
    assert np.corrcoef(found, moved.yaw)[0, 1] > 0.55
    # The target's center is at 0.
    assert np.abs(found - moved.yaw).mean() < 0.6 * np.abs(moved.yaw).mean()


def test_its_identity_is_that_of_its_target(moved: Moved, templates: Tensor):
    nearest_yaw = np.abs(GRID[:, None] - moved.yaw).argmin(0)
    found = moved.distances(templates[:, nearest_yaw]).argmin(0)
    assert np.mean(found == moved.target) > max(3 / (REGULAR + FEW), 2 * np.mean(found == moved.source))


def test_the_pictures_of_such_a_network_bear_out_what_the_paper_says_of_them(trained: Trained):
    metrics, arrays = TransferredPictures()(trained.scheme, trained.images)
    # Moved features stay with their target, and are spread about as widely as the regular ones.
    assert metrics["identity_kept"] > 60
    assert metrics["variance_ratio"] == pytest.approx(1, abs=0.25)
    # Centers are more frontal than samples.
    assert metrics["center_symmetry"] > metrics["sample_symmetry"] + 0.4
    assert arrays["pair_yaw"][0, 0] < -40
    assert arrays["pair_yaw"][0, 1] > 40
