"""Pre-training and the two alternating stages: section 3.4 and algorithm 1."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from enum import Enum
from itertools import islice
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from papers.feature_transfer.networks import RichFeatureNetwork
from papers.feature_transfer.transfer import Statistics, samples_at, transferred, update_statistics
from shared.errors import UserError
from shared.runs.config import RunConfig
from shared.training import parallel
from shared.training.batches import ByClass, Images, Order, mirror
from shared.training.classification import ClassificationScheme
from shared.training.loop import EVALUATION_BATCH


class Stage(Enum):
    """What one iteration trains: all modules, those of stage 1, or those of stage 2."""

    PRETRAINING = 0
    BOUNDARY_RESHAPE = 1
    COMPACT_FEATURES = 2
    CONTINUED = 3


@dataclass
class Turns:
    """How far the two stages have come, in turns of both, and what they reached.

    `iterations` of either stage are done. `accuracies`, in percent, are those of FC on held-out images of
    under-represented classes, before the first turn and after each. `best` are the weights after the turn, of those
    made, with the highest, the first of equals. `ended`: no more turns are made, and the best weights are taken up.
    """

    iterations: int = 0
    accuracies: list[float] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    ended: bool = False

    @property
    def best_turn(self) -> int:
        """The number, from 1 on, of the turn with the highest accuracy; 0 before the first has ended."""
        made = self.accuracies[1:]
        return 1 + made.index(max(made)) if made else 0

    @property
    def made(self) -> int:
        """How many turns have ended, of those whose accuracy is measured."""
        return max(len(self.accuracies) - 1, 0)


class FeatureTransferScheme(ClassificationScheme):
    """Enc, Dec, R and FC, pre-trained together by eq. 4 and then trained in turns.

    Eq. 4 is L = L_sfmx + `reconstruction` L_recon + alpha_reg L_reg. The run's loss holds FC and gives the first and
    the last term: softmax with or without m-L2. L_recon (eq. 1) is ||x' - x||^2, here as the mean over pixels and
    batch: the sum that is printed would outweigh the other terms a hundredfold.

    After the share `pretraining` of all iterations the stages take turns, `iterations` each, at `stage_learning_rate`.

    Stage 1, decision boundary reshape, trains R and FC by the run's loss alone. When it begins, the statistics of the
    training images are renewed. Each of its iterations has three batches: hard samples of regular classes; samples of
    under-represented classes, the class drawn first and then its image; and the rich features of the first batch moved,
    one by one, to the classes of the second (eq. 7). They make three updates in this order or, by `updates`, one of
    the mean of their losses.

    Stage 2, compact feature learning, trains Enc, Dec and R by eq. 4 on the usual batches, with FC fixed.

    With `patience` the turns of both stages end by convergence: once so many in a row have not raised the accuracy of
    FC on held-out images of under-represented classes, or where the training has no room for another. The weights are
    then those of the best turn. Without, the stages go on to the last step.

    What is fixed keeps its weights and its running statistics of batch normalisation, which it then normalises by. The
    moments of Adam go on from stage to stage. Stages of `none` continue pre-training, at the rate of the stages.
    """

    def __init__(
        self,
        config: RunConfig,
        shape: tuple[int, int, int],
        classes: int,
        device: torch.device,
        *,
        reconstruction: float,
        pretraining: float,
        stages: Literal["alternate", "none"],
        iterations: int,
        stage_learning_rate: float,
        few: int,
        yaw_limit: float,
        mirror: bool,
        components: int | None,
        energy: float | None,
        updates: Literal["separate", "joint"],
        patience: int | None,
    ) -> None:
        if parallel.count() > 1:
            raise UserError("feature transfer trains in one process: set training.gpus to 1 or 0")
        super().__init__(config, shape, classes, device)
        if not isinstance(self.backbone, RichFeatureNetwork):
            raise UserError("the scheme feature-transfer needs the backbone rich-features: set backbone.name to it")
        self.network: RichFeatureNetwork = self.backbone
        if components is not None and components > self.network.rich_dimension:
            raise UserError(
                f"scheme.components: g has {self.network.rich_dimension} entries, so there are no {components} "
                "principal components; ask for fewer, or raise backbone.width"
            )
        self.classes, self.training = classes, config.training
        self.reconstruction, self.few, self.updates = reconstruction, few, updates
        self.pretraining, self.stages, self.iterations = pretraining, stages, iterations
        self.stage_factor = stage_learning_rate / config.optimizer.learning_rate
        self.yaw_limit, self.mirror = yaw_limit, mirror
        self.components, self.energy = components, energy
        self.patience = patience if stages == "alternate" else None
        self.stage = Stage.PRETRAINING
        self.statistics: Statistics | None = None
        self.renewed_at = -1
        self.turns = Turns()
        self.most_turns = 0
        self._held_out: Images | None = None
        self._watched: Order = np.empty(0, np.intp)

    def batches(
        self, images: Images, batch_size: int, seed: int, epoch: int, start: int
    ) -> Iterator[tuple[Tensor, ...]]:
        """Yield what `step` takes, ceil(len(images) / batch_size) times an epoch, from batch `start` on.

        In stage 1 that is images and labels of hard samples, then images and labels of under-represented ones; else it
        is images and labels. The stage of what is yielded is `self.stage`, so that each batch is to be trained on
        before the next is asked for.

        Raises:
            UserError: no class is under-represented, or none is regular; or there is a patience, and no image of an
                under-represented class is held out, or no room for one turn of the stages.

        """
        if self.stages == "alternate":
            self._require_both_kinds(images)
        count = -(-len(images) // batch_size)
        total = self.training.length(count)
        begin = round(self.pretraining * total)
        if self.patience is not None:
            self.most_turns = (total - begin) // (2 * self.iterations)
            self._find_watched(images)
        place = start
        while place < count and not self.ended:
            past = epoch * count + place - begin
            if past == 0 and self.patience is not None and not self.turns.accuracies:
                self.turns.accuracies.append(self._held_out_accuracy())
            self.stage = self._stage(past)
            left = min(count - place, -past if past < 0 else self.iterations - past % self.iterations)
            if self.stage is Stage.BOUNDARY_RESHAPE:
                renewed_at = begin + past - past % self.iterations
                if self.renewed_at != renewed_at:
                    print(f"statistics of {len(images)} images", file=sys.stderr, flush=True)  # noqa: T201 - the log
                    self.statistics, self.renewed_at = self.statistics_of(images), renewed_at
                yield from self._boundary_batches(images, batch_size, seed, epoch, range(place, place + left))
            else:
                self.statistics = None
                with closing(cast("Any", super().batches(images, batch_size, seed, epoch, place))) as usual:
                    yield from islice(usual, left)
            place += left

    def step(self, *batch: Tensor) -> dict[str, Tensor]:
        """Update what the stage trains; return the loss and its terms before the update, detached.

        In stage 1 they are means over its three batches; the loss of each is given too, under its own name.
        """
        reshaping = self.stage is Stage.BOUNDARY_RESHAPE
        terms = self._reshape_boundary(*batch) if reshaping else self._learn_features(*batch)
        if self.patience is not None and self.stage is not Stage.PRETRAINING:
            self.turns.iterations += 1
            if self.turns.iterations % (2 * self.iterations) == 0:
                self._end_turn(self.patience)
        return terms

    @property
    def ended(self) -> bool:
        """Whether training is over before its last step, as the stages have converged."""
        return self.turns.ended

    def watch(self, held_out: Images) -> None:
        """Take held-out images, those of under-represented classes among which say when the stages end."""
        self._held_out = held_out

    @torch.inference_mode()
    def embed_rich(self, batches: Iterable[Tensor]) -> Tensor:
        """Return the rich features g `[N, d]` (float32) of batches of images."""
        self.backbone.eval()
        with self._autocast:
            return torch.cat([self.network.rich(images).float() for images in batches])

    @torch.inference_mode()
    def decode(self, rich: Tensor) -> Tensor:
        """Return the images `[N, 1, S, S]`, in -1..1, that Dec makes of rich features `[N, d]`."""
        self.backbone.eval()
        with self._autocast:
            return torch.cat([self.network.decoder(part).float() for part in torch.split(rich, EVALUATION_BATCH)])

    def statistics_of(self, images: Images) -> Statistics:
        """Return centers, basis and hard samples of images, in the present state of Enc: UpdateStats of algorithm 1.

        Raises:
            UserError: no class is regular.

        """
        by_class = ByClass(images.labels.cpu().numpy(), self.classes)
        return update_statistics(
            samples_at(self.embed_rich, images, by_class.members, mirror=self.mirror),
            classes=self.classes,
            regular=torch.from_numpy(by_class.sizes > self.few),
            limit=self.yaw_limit,
            components=self.components,
            energy=self.energy,
        )

    def state(self) -> dict[str, Any]:
        """Return all that decides how training goes on, but random generators and position."""
        held = self.statistics
        statistics = None if held is None else {name: getattr(held, name) for name in Statistics.__dataclass_fields__}
        return super().state() | {
            "statistics": statistics,
            "renewed_at": self.renewed_at,
            "turns": asdict(self.turns),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the state that `state` gave."""
        super().restore(state)
        held = state["statistics"]
        device = next(self.network.parameters()).device
        self.statistics = None if held is None else Statistics(**{name: held[name].to(device) for name in held})
        self.renewed_at = state["renewed_at"]
        self.turns = Turns(**state["turns"])

    def _require_both_kinds(self, images: Images) -> None:
        """Raise UserError unless some classes are regular and some under-represented."""
        sizes = images.labels.bincount(minlength=self.classes)
        if not bool((sizes > self.few).any()):
            raise UserError(
                f"no class has more than {self.few} images, so none is regular and there is no spread to transfer: "
                "lower scheme.few"
            )
        if not bool(((sizes > 0) & (sizes <= self.few)).any()):
            raise UserError(
                f"every class has more than {self.few} images, so none is under-represented: raise scheme.few, or set "
                "scheme.stages to none"
            )

    def _find_watched(self, images: Images) -> None:
        """Find the held-out images of classes that are under-represented among the training images."""
        if not self.most_turns:
            raise UserError(
                f"training.steps leaves no room for one turn of the stages, 2 x {self.iterations} iterations after "
                "pre-training; raise it, or lower scheme.iterations or scheme.pretraining"
            )
        sizes = images.labels.bincount(minlength=self.classes)
        rare = (sizes > 0) & (sizes <= self.few)
        if self._held_out is not None:
            self._watched = np.flatnonzero(rare[self._held_out.labels].cpu().numpy())
        if not len(self._watched):
            raise UserError(
                "scheme.patience waits for held-out images of under-represented classes, of which there are none: set "
                "data.sampling.under_represented.held_out_images or data.sampling.held_out, or leave scheme.patience "
                "out"
            )

    def _held_out_accuracy(self) -> float:
        """Return how many percent of the held-out images of under-represented classes FC gives to their class."""
        if self._held_out is None:
            raise RuntimeError("held-out images are found when the first batches are asked for")
        images = self._held_out
        embeddings = self.embed(batch for batch, _ in images.in_order(EVALUATION_BATCH, self._watched))
        labels = images.labels[torch.from_numpy(self._watched).to(images.labels.device)]
        return 100 * float((self.predict(embeddings) == labels).double().mean())

    def _end_turn(self, patience: int) -> None:
        """Measure what a turn of both stages has reached, keep its weights if none was better, and see if it ends."""
        turns = self.turns
        turns.accuracies.append(self._held_out_accuracy())
        if turns.best_turn == turns.made:
            parts = {"backbone": self.backbone.state_dict(), "loss": self.loss.state_dict()}
            turns.best = copy.deepcopy(parts)
        turns.ended = turns.made - turns.best_turn >= patience or turns.made >= self.most_turns
        if turns.ended:
            self.backbone.load_state_dict(turns.best["backbone"])
            self.loss.load_state_dict(turns.best["loss"])
            turns.best = {}

    def _stage(self, past: int) -> Stage:
        """Return the stage of the iteration that comes so many after pre-training; before it, less than 0."""
        if past < 0:
            return Stage.PRETRAINING
        if self.stages == "none":
            return Stage.CONTINUED
        return Stage.COMPACT_FEATURES if past // self.iterations % 2 else Stage.BOUNDARY_RESHAPE

    @property
    def _rate(self) -> float:
        """The factor on the optimizer's learning rate in the present stage."""
        return self._factor * (1.0 if self.stage is Stage.PRETRAINING else self.stage_factor)

    def _train_only(self, *moving: nn.Module) -> None:
        """Let these of the four modules learn, and fix the others."""
        for part in (self.network.encoder, self.network.decoder, self.network.filter, self.loss):
            part.requires_grad_(part in moving).train(part in moving)
        self.optimizer.zero_grad()

    def _learn_features(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Update by eq. 4: all modules or, in stage 2, all but FC."""
        network = self.network
        fixed = self.stage is Stage.COMPACT_FEATURES
        self._train_only(network.encoder, network.decoder, network.filter, *([] if fixed else [self.loss]))
        with self._autocast:
            framed = network.framed(images)
            rich = network.rich(framed)
            terms = self._identity_terms(rich, labels)
            reconstruction = functional.mse_loss(network.decoder(rich).float(), framed.float())
        loss = terms["loss"] + self.reconstruction * reconstruction
        torch.autograd.backward(loss)
        self.optimizer.step(self._rate)
        terms |= {"loss": loss, "reconstruction": reconstruction}
        return {name: term.detach() for name, term in terms.items()}

    def _reshape_boundary(
        self, images: Tensor, labels: Tensor, few_images: Tensor, few_labels: Tensor
    ) -> dict[str, Tensor]:
        """Update R and FC on hard regular samples, under-represented ones and transferred ones."""
        if self.statistics is None:
            raise RuntimeError("the statistics are renewed when the batches of stage 1 are asked for")
        self._train_only(self.network.filter, self.loss)
        with torch.no_grad(), self._autocast:
            both = self.network.rich(torch.cat([images, few_images])).float()
        rich, few_rich = torch.split(both, [len(labels), len(few_labels)])
        centers = self.statistics.centers
        moved = transferred(rich, centers[labels], centers[few_labels], self.statistics.basis)
        batches = {
            "hard_regular": (rich, labels),
            "under_represented": (few_rich, few_labels),
            "transferred": (moved, few_labels),
        }
        found = []
        for features, classes in batches.values():
            with self._autocast:
                terms = self._identity_terms(features, classes)
            found.append(terms)
            if self.updates == "separate":
                torch.autograd.backward(terms["loss"])
                self.optimizer.step(self._rate)
                self.optimizer.zero_grad()
        means = {name: torch.stack([terms[name] for terms in found]).mean() for name in found[0]}
        if self.updates == "joint":
            torch.autograd.backward(means["loss"])
            self.optimizer.step(self._rate)
        means |= {name: terms["loss"] for name, terms in zip(batches, found, strict=True)}
        return {name: term.detach() for name, term in means.items()}

    def _identity_terms(self, rich: Tensor, labels: Tensor) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = self.loss(self.network.filter(rich), labels)
        return terms

    def _boundary_batches(
        self, images: Images, batch_size: int, seed: int, epoch: int, places: range
    ) -> Iterator[tuple[Tensor, ...]]:
        """Yield the batches of stage 1 at some places of an epoch, which decide with the seed what is drawn."""
        by_class = ByClass(images.labels.cpu().numpy(), self.classes)
        rare = np.flatnonzero((by_class.sizes > 0) & (by_class.sizes <= self.few))
        hard = self.statistics.hard.cpu().numpy() if self.statistics is not None else np.empty(0, np.intp)
        if not len(hard):
            raise UserError("no regular sample is further from its center than the others: give more images a class")
        drawn, mirrored = [], []
        for place in places:
            stream = np.random.default_rng(
                np.random.SeedSequence([seed, epoch, place], spawn_key=tuple(b"boundary reshape"))
            )
            chosen = hard[stream.integers(len(hard), size=batch_size)]
            # The class first, each as likely, then one of its images.
            classes = rare[stream.integers(len(rare), size=batch_size)]
            drawn += [chosen, by_class.at(classes, stream.integers(by_class.sizes[classes]))]
            mirrored.append(stream.random(2 * batch_size) < (0.5 if images.flip else 0))
        # All at once, so that images are read ahead.
        with closing(cast("Any", images.in_order(2 * batch_size, np.concatenate(drawn)))) as batches:
            for flags, (both, labels) in zip(mirrored, batches, strict=True):
                shown = mirror(both, flags)
                yield shown[:batch_size], labels[:batch_size], shown[batch_size:], labels[batch_size:]
