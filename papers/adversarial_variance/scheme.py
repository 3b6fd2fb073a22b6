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
from shared.losses.directions import directions
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

    One image of each class, drawn once, is its anchor (figure 6). A batch of 2n images is n classes drawn with
    replacement, for each its anchor and another image (section 4). After the update of C on it, A is updated on the
    embeddings, as they now are, of the same anchors and n fresh others. With `anchors` "independent" the classes of A's
    batch are drawn anew, so that of many classes A mostly sees others than C was just updated on.

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
        anchors: Literal["fixed", "independent"],
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
        depends on the seed, the epoch and the number of the pair alone, and C's batches not on `anchors`.

        Raises:
            UserError: a class has fewer than two images, so none beside its anchor; or a batch holds no pair.

        """
        if batch_size < 2:
            raise UserError("adversarial training needs batches of at least two images; raise training.batch_size")
        pool = _Pool(images, self.classes)
        anchors = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(b"anchors"))).integers(pool.sizes)
        for pair in range(start, -(-len(images) // batch_size)):
            stream = np.random.default_rng([seed, epoch, pair])
            drawn = stream.integers(self.classes, size=batch_size // 2)
            first = pool.take(drawn, anchors[drawn], pool.others(drawn, anchors, stream))
            if self.anchors == "independent":
                drawn = stream.integers(self.classes, size=batch_size // 2)
            second = pool.take(drawn, anchors[drawn], pool.others(drawn, anchors, stream))
            yield *first, *second

    def step(self, *batch: Tensor) -> dict[str, Tensor]:
        """Update C and then A; return C's loss and its terms, and A's, all before the updates, detached.

        "adversary" is A's cross-entropy over the 2N classes, on its own batch. Two terms tell how well A, as it is when
        it judges C, knows anchors from others on C's batch once the class is known, by p(i) against p(i + N) alone:
        "adversary_accuracy", the mean of the percentages of anchors and of others that it knows for such, 50 by
        guessing; and "adversary_two_way", its cross-entropy, ln 2 by guessing.
        """
        images, labels, adversary_images, adversary_labels = batch
        half = len(labels) // 2
        self.backbone.train()
        self.loss.train()
        self.optimizer.zero_grad()
        with self._autocast:
            embedding = self._network(images)
            terms: dict[str, Tensor] = self.loss(embedding, labels)
        judged = self._adversary_logits(embedding[half:])
        penalty = self._other_over_anchor(judged.softmax(1), labels[half:]).mean()
        with torch.no_grad():
            of_anchors = -self._other_over_anchor(self._adversary_logits(embedding[:half]), labels[:half])
            told = _told_apart(torch.cat([of_anchors, self._other_over_anchor(judged, labels[half:])]))
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

        terms |= {"classification": terms["loss"], "loss": loss, "adversarial": penalty}
        terms |= {"adversary": adversary_loss, **told}
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

    def _other_over_anchor(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return of each row of A's outputs [B, 2N] by how much class i + N is ahead of class i, [B], i its label."""
        own = labels.unsqueeze(1)
        return (outputs.gather(1, own + self.classes) - outputs.gather(1, own)).squeeze(1)

    def _adversary_logits(self, embedding: Tensor) -> Tensor:
        """Return A's logits [B, 2N] of embeddings [B, d], in float32."""
        wide = embedding.float()
        logits: Tensor = self.adversary(directions(wide) if self.normalised else wide)
        return logits


class _Pool(ByClass):
    """Images by class, at least two of each, and by their number within the class."""

    def __init__(self, images: Images, classes: int) -> None:
        super().__init__(images.labels.cpu().numpy(), classes)
        self.images = images
        if self.sizes.min() < 2:
            raise UserError("adversarial training needs two images of each class, an anchor and another; sample more")

    def others(self, classes: Indices, anchors: Indices, stream: np.random.Generator) -> Indices:
        """Draw for each of some classes the place within it of an image that is not the anchor, by whose places."""
        sizes = self.sizes[classes]
        drawn: Indices = (anchors[classes] + stream.integers(1, sizes)) % sizes
        return drawn

    def take(self, classes: Indices, *places: Indices) -> tuple[Tensor, Tensor]:
        """Return the images and labels at some places within the classes, one lot of places after the other."""
        index = np.concatenate([self.at(classes, place) for place in places])
        chosen = torch.from_numpy(index).to(self.images.labels.device)
        return self.images.normalised(chosen), self.images.labels[chosen]


def _told_apart(margins: Tensor) -> dict[str, Tensor]:
    """Return how often, in percent, and how surely one of two is told, by the margins of the right one's logit, [B].

    A tie is right half of the time. Of as many of the one as of the other it is the mean of both percentages.
    """
    return {
        "adversary_accuracy": 50 * (1 + margins.sign()).mean(),
        "adversary_two_way": functional.softplus(-margins).mean(),
    }


def _perceptron(inputs: int, hidden: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Return linear layers with ReLU between them."""
    layers = nn.Sequential()
    for before, after in itertools.pairwise((inputs, *hidden)):
        layers.extend([nn.Linear(before, after), nn.ReLU()])
    return layers.append(nn.Linear((inputs, *hidden)[-1], outputs))
