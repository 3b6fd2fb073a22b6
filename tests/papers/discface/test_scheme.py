"""The scheme of figure 5: how often each class is seen, what decides the batches, and that it resumes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from papers.discface import RareClass
from papers.discface.rare_class import RareClassScheme
from shared.errors import UserError
from shared.runs.catalogue import run_model
from shared.runs.config import RunConfig
from shared.training.batches import ImageTensor
from shared.training.checkpoint import Checkpoints
from shared.training.loop import fit
from tests.training.samples import numbered

CPU = torch.device("cpu")
SHAPE = (1, 8, 8)
SIZES = [6, 9, 4, 5]
"""Images of each class; the last one is the rare one."""
RARE = 3


def configuration(**training: Any) -> RunConfig:
    return run_model("discface").model_validate(
        {
            "data": {"name": "vggface2", "source": "rendered"},
            "backbone": {"name": "small-cnn", "filters": [2, 3, 4], "embedding": 3},
            "loss": {"name": "cosface", "scale": 30, "margin": 0.25},
            "scheme": {"name": "rare-class", "rare": RARE},
            "optimizer": {"name": "sgd", "learning_rate": 0.05},
            "training": {"epochs": 5, "batch_size": 8, "gpus": 0, **training},
            "benchmarks": [],
        }
    )


def rare_class(rare: int = RARE, classes: int = 4, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    scheme: RareClassScheme = RareClass(rare=rare).build(configuration(), SHAPE, classes, CPU)
    return scheme


def drawn(epoch: int, *, size: int = 8, seed: int = 0, start: int = 0, images: ImageTensor | None = None, rare=RARE):
    """Return the batches of an epoch, each the numbers of its images and their labels."""
    chosen = images or numbered(SIZES)
    found = []
    for batch, labels in rare_class(rare).batches(chosen, size, seed, epoch, start):
        numbers = torch.round(batch[:, 0, 0, 0] * 255).long().tolist()
        assert labels.tolist() == chosen.labels[numbers].tolist()
        found.append((numbers, labels.tolist()))
    return found


def test_the_rare_class_is_seen_once_in_every_two_epochs():
    for pair in range(40):
        seen = Counter(label for epoch in (2 * pair, 2 * pair + 1) for _, labels in drawn(epoch) for label in labels)
        assert seen[RARE] == 1
        assert sum(seen.values()) == 2 * sum(SIZES)


def test_now_in_the_first_now_in_the_second_of_the_two_anywhere_and_any_of_its_images():
    places, images = [], []
    for epoch in range(80):
        for batch, (numbers, labels) in enumerate(drawn(epoch)):
            if RARE in labels:
                places.append((epoch % 2, batch))
                images.append(numbers[labels.index(RARE)])
    assert len(places) == 40
    assert {place for place, _ in places} == {0, 1}
    assert {batch for _, batch in places} == {0, 1, 2}
    assert set(images) == set(np.flatnonzero(numbered(SIZES).labels.numpy() == RARE))


def test_every_batch_holds_the_other_three_classes_in_equal_parts():
    for epoch in range(20):
        batches = drawn(epoch)
        assert [len(labels) for _, labels in batches] == [8, 8, 8]
        for _, labels in batches:
            counts = [labels.count(label) for label in range(3)]
            assert min(counts) >= 2  # three, three and two of eight places, of which one may be the rare class's
            assert sum(counts) >= 7


def test_an_epoch_goes_through_all_images_of_the_frequent_classes_before_it_repeats_one():
    for epoch in range(20):
        seen = Counter(number for numbers, _ in drawn(epoch) for number in numbers)
        labels = numbered(SIZES).labels.numpy()
        for label in range(3):
            times = [seen[number] for number in np.flatnonzero(labels == label)]
            # Eight places for each class. A place may have gone to the rare class.
            passes = 8 / SIZES[label]
            assert sum(times) in (7, 8)
            assert max(times) <= np.ceil(passes)
            assert sum(count < np.floor(passes) for count in times) <= 1


def test_seed_and_epoch_alone_decide_the_batches():
    whole = drawn(4, seed=3)
    assert drawn(4, seed=3) == whole
    assert drawn(4, seed=2) != whole
    assert drawn(5, seed=3) != whole
    for start in range(4):
        assert drawn(4, seed=3, start=start) == whole[start:]


def test_another_class_may_be_the_rare_one():
    seen = Counter(label for epoch in range(6) for _, labels in drawn(epoch, rare=0) for label in labels)
    assert seen[0] == 3


@pytest.mark.parametrize(("rare", "classes"), [(4, 4), (0, 1)])
def test_a_rare_class_that_there_is_not_is_refused(rare, classes):
    with pytest.raises(UserError, match=r"scheme\.rare"):
        rare_class(rare, classes)


def test_a_training_taken_up_in_its_middle_ends_with_the_same_weights(tmp_path):
    images = numbered(SIZES)

    def train(name: str, epochs: int) -> dict[str, Any]:
        scheme = rare_class()
        fit(scheme, images, configuration(epochs=epochs).training, 0, Checkpoints(tmp_path / name, {}, 0))
        trained: dict[str, Any] = scheme.state()["backbone"]
        return trained

    whole = train("whole", 5)
    stopped = rare_class()
    checkpoints = Checkpoints(tmp_path / "stopped", {}, 0)
    taken = 0

    step = stopped.step

    def until_enough(*batch):
        nonlocal taken
        taken += 1
        if taken == 11:
            raise KeyboardInterrupt
        return step(*batch)

    stopped.step = until_enough
    with pytest.raises(KeyboardInterrupt):
        fit(stopped, images, configuration(checkpoint_steps=2).training, 0, checkpoints)
    resumed = rare_class(seed=7)
    fit(resumed, images, configuration(checkpoint_steps=2).training, 0, checkpoints)
    for name, value in whole.items():
        assert torch.equal(resumed.state()["backbone"][name], value), name
