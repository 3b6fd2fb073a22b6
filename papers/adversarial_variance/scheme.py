"""The adversarial training scheme of sections 3.2 and 4."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from shared.errors import UserError
from shared.runs.config import RunConfig
from shared.training.batches import ByClass, Images
from shared.training.classification import ClassificationScheme

Indices = NDArray[np.intp]


class AdversarialScheme(ClassificationScheme):
    """A classifier C, the backbone with its loss, and an adversary A, updated in turn.

    For N classes A has 2N: class i is the anchor image of class i, class i + N any other image of class i. A learns
    them by cross-entropy from embeddings that it takes as they are. C learns by its own loss, over anchors and others,
    plus `weight` times

        L_adv = p(i + N) - p(i),  p = A(C(x)),                                                            (eqs. 5, 7)

    averaged over the images that are no anchors, through which the gradient flows into C alone; it is in [-1, 1] and
    least where A takes them for the anchor. Eq. 7 prints 2i where figure 6 and the text have i + N, and the sentence
    after eq. 8 exchanges the two. Eq. 6 applies W to A(X), where C(X) is meant.

    A batch of 2n images is n classes drawn with replacement, for each its anchor and another image (section 4). After
    the update of C on it, A is updated on the embeddings, as they now are, of the same anchors and n fresh others.

    A is built last, so that C starts as it does under another scheme with the same seed.
    """

    def __init__(
        self,
        config: RunConfig,
        shape: tuple[int, int, int],
        classes: int,
        device: torch.device,
        *,
        weight: float,
        hidden: tuple[int, ...],
        adversary_learning_rate: float,
        normalised: bool,
        anchors: Literal["fixed", "redrawn", "independent"],
    ) -> None:
        super().__init__(config, shape, classes, device)
        self.classes, self.weight, self.normalised, self.anchors = classes, weight, normalised, anchors
        self.adversary = _perceptron(config.backbone.embedding, hidden, 2 * classes).to(device)
        adversary_optimizer = config.optimizer.model_copy(update={"learning_rate": adversary_learning_rate})
        self.adversary_optimizer = adversary_optimizer.build(self.adversary.parameters())

    def batches(
        self, images: Images, batch_size: int, seed: int, epoch: int, start: int
    ) -> Iterator[tuple[Tensor, ...]]:
        """Yield the two batches of each pair of updates, as many pairs an epoch as there are batches of all images.

        Each is images [2n, 1, H, W] with labels [2n], the anchors first; 2n is `batch_size`, or one less. What is drawn
        depends on the seed, the epoch and the number of the pair alone.

        Raises:
            UserError: a class has fewer than two images, so none beside its anchor; or a batch holds no pair.

        """
        if batch_size < 2:
            raise UserError("adversarial training needs batches of at least two images; raise training.batch_size")
        pool = _Pool(images, self.classes)
        fixed = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(b"anchors"))).integers(pool.sizes)
        for pair in range(start, -(-len(images) // batch_size)):
            stream = np.random.default_rng([seed, epoch, pair])
            drawn = stream.integers(self.classes, size=batch_size // 2)
            sizes = pool.sizes[drawn]
            anchors = fixed[drawn] if self.anchors == "fixed" else stream.integers(sizes)
            classifier_others = (anchors + stream.integers(1, sizes)) % sizes
            adversary_anchors = stream.integers(sizes) if self.anchors == "independent" else anchors
            adversary_others = (adversary_anchors + stream.integers(1, sizes)) % sizes
            first = pool.take(drawn, anchors, classifier_others)
            second = pool.take(drawn, adversary_anchors, adversary_others)
            yield *first, *second

    def step(self, *batch: Tensor) -> dict[str, Tensor]:
        """Update C and then A; return C's loss and its terms, and A's, all before the updates, detached.

        "adversary" is A's cross-entropy, "anchors_recognised" the share of anchors that A, before its update, takes for
        the anchor of their class.
        """
        images, labels, adversary_images, adversary_labels = batch
        half = len(labels) // 2
        self.backbone.train()
        self.loss.train()
        self.optimizer.zero_grad()
        with self._autocast:
            embedding = self._network(images)
            terms: dict[str, Tensor] = self.loss(embedding, labels)
        own = labels[half:].unsqueeze(1)
        probability = self._adversary_logits(embedding[half:]).softmax(1)
        penalty = (probability.gather(1, own + self.classes) - probability.gather(1, own)).mean()
        loss = terms["loss"] + self.weight * penalty
        torch.autograd.backward(loss)
        self.optimizer.step(self._factor)

        self.adversary_optimizer.zero_grad()
        with torch.no_grad(), self._autocast:
            embedding = self._network(adversary_images)
        logits = self._adversary_logits(embedding)
        wanted = torch.cat([adversary_labels[:half], adversary_labels[half:] + self.classes])
        adversary_loss = functional.cross_entropy(logits, wanted)
        torch.autograd.backward(adversary_loss)
        self.adversary_optimizer.step(self._factor)

        recognised = (logits[:half].argmax(1) == wanted[:half]).float().mean()
        terms |= {"classification": terms["loss"], "loss": loss, "adversarial": penalty}
        terms |= {"adversary": adversary_loss, "anchors_recognised": recognised}
        return {name: term.detach() for name, term in terms.items()}

    def state(self) -> dict[str, Any]:
        """Return the state of C and of A."""
        adversary = {"network": self.adversary.state_dict(), "optimizer": self.adversary_optimizer.state_dict()}
        return super().state() | {"adversary": adversary}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the state that `state` gave."""
        super().restore(state)
        self.adversary.load_state_dict(state["adversary"]["network"])
        self.adversary_optimizer.load_state_dict(state["adversary"]["optimizer"])

    def _adversary_logits(self, embedding: Tensor) -> Tensor:
        """Return A's logits [B, 2N] of embeddings [B, d], in float32."""
        wide = embedding.float()
        logits: Tensor = self.adversary(functional.normalize(wide, dim=1) if self.normalised else wide)
        return logits


class _Pool(ByClass):
    """Images by class, at least two of each, and by their number within the class."""

    def __init__(self, images: Images, classes: int) -> None:
        super().__init__(images.labels.cpu().numpy(), classes)
        self.images = images
        if self.sizes.min() < 2:
            raise UserError("adversarial training needs two images of each class, an anchor and another; sample more")

    def take(self, classes: Indices, *places: Indices) -> tuple[Tensor, Tensor]:
        """Return the images and labels at some places within the classes, one lot of places after the other."""
        index = np.concatenate([self.at(classes, place) for place in places])
        chosen = torch.from_numpy(index).to(self.images.labels.device)
        return self.images.normalised(chosen), self.images.labels[chosen]


def _perceptron(inputs: int, hidden: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Return linear layers with ReLU between them."""
    layers = nn.Sequential()
    for before, after in itertools.pairwise((inputs, *hidden)):
        layers.extend([nn.Linear(before, after), nn.ReLU()])
    return layers.append(nn.Linear((inputs, *hidden)[-1], outputs))
