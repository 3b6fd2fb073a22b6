"""How a loss is held to each rule of the contract (`shared.losses.contract`)."""

from __future__ import annotations

import copy
import io
import math
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from shared.errors import UserError
from shared.runs.own_calls import said

Make = Callable[[int, int], nn.Module]
"""Builds a loss for so many classes and embeddings of such a length: `make(classes, dimension)`."""
Called = Callable[[int, int], str]
"""Says how one builds such a loss oneself."""

SAMPLES, LARGE = 12, 240
"""The size of a usual batch, and of one as large as those of many a training."""
HUGE, TINY = 1e8, 1e-30
CLOSE, NARROW = 1e-4, 0.05
"""By which share of itself, or of 1 where it is less, a loss may change in float32, and under autocast to bfloat16."""
STEP, SLOPE = 1e-6, 1e-5
"""Of a difference quotient in float64, and by which share, or by how much, a derivative may differ from it."""
ITERATIONS, RATE = (40, 200), 0.2
"""Of the training of free embeddings, by Adam; the second where the first do not do."""
EQUAL = 0.01
"""By which share two ends of such a training may differ and still be as low as each other."""
ELSEWHERE = "at least two devices", "two different devices", "convert all Tensors to FakeTensors"
"""What torch says, in one version or another, of a tensor that is not with the others."""
LEAST_ACCURACY, MOST_OF_NOTHING = 0.99, 0.5
"""What a loss reaches at its optimum, as `shared.evaluation.optimum` has it."""


class Batch(NamedTuple):
    """Embeddings (B, d) with labels (B,), and how one gives them to a loss."""

    embedding: Tensor
    labels: Tensor
    how: str


class Held:
    """A loss that is held to the rules: a method for each, which yields sentences."""

    def __init__(self, make: Make, classes: int, dimension: int, called: Called) -> None:
        self.make, self.classes, self.dimension, self.called = make, classes, dimension, called
        self.loss: Any = self._made(classes)

    def interface(self) -> Iterator[str]:
        """See what forward, scores and class_vectors return."""
        embedding, labels, how = self._usual()
        given, told = embedding.clone().requires_grad_(), labels.clone()
        called = self.called(self.classes, self.dimension)
        if not isinstance(self.loss, nn.Module):
            yield f"{called} is no torch.nn.Module; derive its class from that"
            return
        try:
            loss = self._copy()
        except Exception as error:
            yield f"copy.deepcopy of {called} raises {said(error)}; keep tensors in parameters and buffers"
            return
        try:
            terms = loss(given, told)
            scores, vectors = self._copy().scores(embedding), self._copy().class_vectors()
        except Exception as error:
            yield f"it raises {said(error)}; see {how}, loss.scores(...) and loss.class_vectors()"
            return
        if not isinstance(terms, dict) or not isinstance(terms.get("loss"), Tensor):
            yield f'it returns no dictionary with a tensor under "loss"; see {how}'
            return
        if not isinstance(scores, Tensor) or not isinstance(vectors, Tensor):
            yield "scores or class vectors are no tensors; see loss.scores(...) and loss.class_vectors()"
            return
        for name, term in terms.items():
            if not isinstance(term, Tensor) or term.shape != ():
                yield f'"{name}" is no scalar tensor; see {how}'
        if not terms["loss"].requires_grad:
            yield f'"loss" has no gradient, so that nothing would be learned; see {how}'
        if not torch.equal(given, embedding) or not torch.equal(told, labels):
            yield f"embeddings or labels are changed in place; see them after {how}"
        if scores.shape != (SAMPLES, self.classes):
            yield f"scores are {tuple(scores.shape)}, not {(SAMPLES, self.classes)}; see loss.scores"
        if vectors.ndim != 3 or (len(vectors), vectors.shape[-1]) != (self.classes, self.dimension):
            wanted = f"({self.classes}, m, {self.dimension})"
            yield f"class vectors are {tuple(vectors.shape)}, not {wanted}; see loss.class_vectors()"
        if vectors.requires_grad:
            yield "class vectors have a gradient; detach them in loss.class_vectors()"

    def precision(self) -> Iterator[str]:
        """Compare float32, float64, and bfloat16 under autocast."""
        values: dict[torch.dtype, Tensor] = {}
        for dtype in (torch.float32, torch.float64):
            embedding, labels, how = self._usual(dtype=dtype)
            value, error = _value(self._copy().to(dtype), embedding, labels)
            if value is None:
                yield f"in {dtype} {error}; see loss.to({dtype}) and {how}"
                return
            if value.dtype != dtype:
                yield f"the loss of {dtype} embeddings is {value.dtype}; see loss.to({dtype}) and {how}"
            values[dtype] = value
        narrow, exact = values.values()
        if not _close(narrow, exact, CLOSE):
            yield f"it is {float(narrow):.9g} in float32 and {float(exact):.9g} in float64; see {how}"
        yield from self._autocast()

    def _autocast(self) -> Iterator[str]:
        narrow, labels, how = self._usual(dtype=torch.bfloat16)
        exact, _ = _value(self._copy(), narrow.float(), labels)
        narrow.requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            value, error = _value(self._copy(), narrow, labels)
        see = f"see embeddings.bfloat16() under torch.autocast in {how}"
        if value is None:
            yield f"under autocast {error}; {see}"
            return
        if value.dtype not in (torch.float32, torch.float64):
            yield f"under autocast it is {value.dtype}, in which the last digits of a sum are lost; {see}"
        if exact is not None and not _close(value, exact, NARROW):
            yield f"under autocast it is {float(value):.6g}, without {float(exact):.6g}; {see}"
        (gradient,) = torch.autograd.grad(value, narrow, materialize_grads=True)
        if not gradient.isfinite().all():
            yield f"under autocast the gradient is not finite; {see}"

    def device(self) -> Iterator[str]:
        """Ask a GPU; where there is none, tensors that only say that they are on one, as far as they can tell."""
        embedding, labels, how = self._usual()
        see = f"see loss.cuda() and {how} of tensors on a GPU"
        if torch.cuda.is_available():
            value, _ = _value(self._copy(), embedding, labels)
            moved, error = _value(self._copy().cuda(), embedding.cuda(), labels.cuda())
            if moved is None:
                yield f"on a GPU {error}; {see}"
            elif value is not None and not (moved.is_cuda and _close(moved, value, 10 * CLOSE)):
                yield f"on a GPU it is {float(moved):.6g} on {moved.device}, on the processor {float(value):.6g}; {see}"
            return
        from torch._subclasses import fake_tensor  # noqa: PLC0415 - its import takes seconds

        copied = self._copy()  # here, as what is copied in the mode is fake, and what it keeps is to be lost with it
        try:
            with fake_tensor.FakeTensorMode():
                state = {
                    name: torch.empty(
                        tensor.shape, dtype=tensor.dtype, device="cuda", requires_grad=tensor.requires_grad
                    )
                    for name, tensor in (*self.loss.named_parameters(), *self.loss.named_buffers())
                }
                given = (
                    torch.empty(embedding.shape, device="cuda"),
                    torch.empty(labels.shape, dtype=labels.dtype, device="cuda"),
                )
                value = functional_call(copied, state, given)["loss"]
                if value.device.type != "cuda":
                    yield f"the loss of embeddings on a GPU is on {value.device}; {see}"
        except Exception as error:
            if any(words in str(error) for words in ELSEWHERE):
                yield (
                    "a tensor is not on the GPU that the embeddings are on; register it as a buffer, or make it on "
                    f"their device; {see}"
                )

    def gradient(self) -> Iterator[str]:
        """Compare with difference quotients in float64, of embeddings and parameters along random directions."""
        embedding, labels, how = self._usual(dtype=torch.float64)
        for mode in ("training", "evaluation"):
            loss = self._copy().double().train(mode == "training")
            variables = {"embedding": embedding, **{name: p.detach() for name, p in loss.named_parameters()}}

            def value(given: dict[str, Tensor], loss: nn.Module = loss) -> Tensor:
                torch.default_generator.manual_seed(0)
                parameters = {name: tensor for name, tensor in given.items() if name != "embedding"}
                total: Tensor = functional_call(copy.deepcopy(loss), parameters, (given["embedding"], labels))["loss"]
                return total

            leaves = {name: tensor.clone().requires_grad_() for name, tensor in variables.items()}
            slopes = torch.autograd.grad(value(leaves), list(leaves.values()), materialize_grads=True)
            off = {
                name: max(_disagreement(value, variables, name, slope, seed) for seed in range(2))
                for name, slope in zip(variables, slopes, strict=True)
            }
            wrong = [name for name, share in off.items() if not share <= SLOPE]
            if wrong:
                yield (
                    f"in {mode} the derivative by {' and '.join(wrong)} differs from the difference quotient by up to "
                    f"{max(off.values()):.2g} of itself, or of 1; see torch.autograd.gradcheck in float64 on {how}"
                )
                return

    def usual(self) -> Iterator[str]:
        """Give it a usual batch: where that is not finite, all else that one could say of it would be of no use."""
        yield from _grouped([(self.loss, self._usual())])

    def finite(self) -> Iterator[str]:
        """Give it the extremes, also once it is told of uneven classes, and one class in all."""
        yield from _grouped((self.loss, batch) for batch in self._extremes(self.loss))
        if hasattr(self.loss, "inform"):
            informed, counts = self._copy(), torch.tensor([0, 1] + [1000] * (self.classes - 2))
            informed.inform(counts, 1.0)
            told = f"loss.inform(torch.tensor({counts.tolist()}), 1.0) and then "
            extremes = (batch._replace(how=told + batch.how) for batch in self._extremes(informed))
            yield from _grouped((informed, batch) for batch in extremes)
            if not informed.scores(self._usual().embedding).isfinite().all():
                yield f"scores are not finite; see {told}loss.scores(...)"
        try:
            single = self._made(1)
        except UserError:
            return
        except Exception as error:
            yield f"for one class it raises {said(error)}; see {self.called(1, self.dimension)}"
            return
        labels = torch.zeros(SAMPLES, dtype=torch.int64)
        how = (
            f"{self.called(1, self.dimension)}(torch.randn({SAMPLES}, {self.dimension}), torch.zeros({SAMPLES}).long())"
        )
        yield from _grouped([(single, Batch(self._usual().embedding, labels, how))])

    def _extremes(self, loss: Any) -> Iterator[Batch]:
        usual = self._usual()
        embedding, labels, _ = usual
        shape, turns = f"{SAMPLES}, {self.dimension}", f"torch.arange({SAMPLES}) % {self.classes}"
        # Of several lengths, as a cosine of 1 may be rounded away from it.
        own = loss.class_vectors()[:, 0].float()[labels] * torch.linspace(1, 2, SAMPLES).unsqueeze(1)
        drawn = f"loss.class_vectors()[labels, 0] * torch.linspace(1, 2, {SAMPLES})[:, None], labels := {turns}"
        few = f"torch.randn({self.classes}, {self.dimension}), torch.arange({self.classes})"
        yield usual
        yield Batch(torch.zeros_like(embedding), labels, f"loss(torch.zeros({shape}), {turns})")
        yield Batch(TINY * embedding, labels, f"loss({TINY:g} * torch.randn({shape}), {turns})")
        yield Batch(HUGE * embedding, labels, f"loss({HUGE:g} * torch.randn({shape}), {turns})")
        yield Batch(torch.ones_like(embedding), labels, f"loss(torch.ones({shape}), {turns})")
        yield Batch(own, labels, f"loss({drawn})")
        yield Batch(-own, labels, f"loss(-{drawn})")
        yield Batch(1000 * own, labels, f"loss(1000 * {drawn})")
        yield Batch(-1000 * own, labels, f"loss(-1000 * {drawn})")
        yield Batch(embedding[:1], labels[:1], f"loss(torch.randn(1, {self.dimension}), torch.tensor([0]))")
        yield Batch(embedding, torch.zeros_like(labels), f"loss(torch.randn({shape}), torch.zeros({SAMPLES}).long())")
        yield Batch(embedding[: self.classes], labels[: self.classes], f"loss({few})")

    def order(self) -> Iterator[str]:
        """Permute a batch, usual or large, and look at its loss, its gradient and the loss of the next batch."""
        for samples in (SAMPLES, LARGE):
            if found := list(self._order_of(samples)):
                yield from found
                return

    def _order_of(self, samples: int) -> Iterator[str]:
        embedding, labels, how = self._usual(dtype=torch.float64, samples=samples)
        permuted = torch.randperm(samples, generator=torch.Generator().manual_seed(2))
        found = []
        for order in (torch.arange(samples), permuted):
            loss, given = self._copy().double().train(), embedding[order].requires_grad_()
            torch.default_generator.manual_seed(0)
            value = loss(given, labels[order])["loss"]
            (gradient,) = torch.autograd.grad(value, given, materialize_grads=True)
            after = loss(*self._usual(seed=3, dtype=torch.float64, samples=samples)[:2])["loss"]
            found.append((value.detach(), gradient[order.argsort()], after.detach()))
        for name, as_given, otherwise in zip(("loss", "gradient", "loss of the next batch"), *found, strict=True):
            if not torch.allclose(as_given, otherwise, rtol=1e-7, atol=1e-9):
                by = float((as_given - otherwise).abs().max())
                yield f"in another order, after the same seed, the {name} differs by {by:.2g}; see {how}, rows permuted"

    def repeatable(self) -> Iterator[str]:
        """Seed torch alike twice."""
        embedding, labels, how = self._usual()
        first, second = (_value(self._copy(), embedding, labels)[0] for _ in range(2))
        if first is not None and second is not None and not torch.equal(first, second):
            yield (
                f"after the same torch.manual_seed it is {float(first):.9g} and {float(second):.9g}; draw by torch, "
                f"whose generator is kept in checkpoints, and see {how} twice"
            )

    def state(self) -> Iterator[str]:
        """Let another loss take up the state dict after some training."""
        trained, fresh = self._copy().train(), self._made(self.classes, seed=7).train()
        if hasattr(trained, "inform"):
            trained.inform(torch.arange(1, self.classes + 1), 1.0)
        for seed in range(2):
            trained(*self._usual(seed)[:2])
        see = f"see {self.called(self.classes, self.dimension)}.load_state_dict(loss.state_dict())"
        file = io.BytesIO()
        try:
            torch.save(trained.state_dict(), file)
            file.seek(0)
            fresh.load_state_dict(torch.load(file, weights_only=True))
        except pickle.UnpicklingError as error:
            yield f"its state dict holds what a checkpoint cannot ({said(error)[:100]}); keep tensors and plain numbers"
            return
        except RuntimeError as error:
            yield f"another loss does not take up its state dict ({said(error)[:100]}); {see}"
            return
        embedding, labels, how = self._usual(seed=3)
        told = {
            "loss": [_value(loss, embedding, labels)[0] for loss in (trained, fresh)],
            "scores": [loss.eval().scores(embedding) for loss in (trained, fresh)],
            "class vectors": [loss.class_vectors() for loss in (trained, fresh)],
        }
        for name, (one, other) in told.items():
            if one is not None and other is not None and not torch.equal(one, other):
                yield (
                    f"after some training, another loss with its state dict has other {name}; keep in a buffer what "
                    f"decides them, and {see}, then {how}"
                )

    def scores(self) -> Iterator[str]:
        """Give single embeddings, near class vectors and far from them, each label in turn."""
        loss = self._copy().double().eval()
        embedding = self._usual(dtype=torch.float64).embedding
        places = torch.cat([loss.class_vectors()[:, 0] + embedding[0] / 10, embedding[:8]])
        for place, chosen in zip(places, loss.scores(places).argmax(1).tolist(), strict=True):
            losses = []
            for label in range(self.classes):
                torch.default_generator.manual_seed(0)
                losses.append(float(loss(place.unsqueeze(0), torch.tensor([label]))["loss"]))
            least = min(losses)
            if all(map(math.isfinite, losses)) and not losses[chosen] - least <= 1e-6 * max(1.0, abs(least)):
                numbers = ", ".join(f"{number:.4g}" for number in place.tolist())
                yield (
                    f"class {chosen} has the greatest score, but label {losses.index(least)} the least loss; see "
                    f"loss.scores(x) and loss(x, label) with x = torch.tensor([[{numbers}]])"
                )
                return

    def optimum(self) -> Iterator[str]:
        """Train free embeddings: by Adam, quicker than a search for the optimum; and state moves by its own rule."""
        found: list[str] = []
        for iterations in ITERATIONS:
            found = list(self._reached(iterations))
            if not found:
                return
        yield from found

    def _reached(self, iterations: int) -> Iterator[str]:
        """Train from near the class vectors and from far away; of ends that are equally low, the worse one counts."""
        labels = torch.arange(self.classes).repeat(2)
        torch.default_generator.manual_seed(0)
        noise = torch.randn(len(labels), self.dimension)
        own = self.loss.class_vectors()[labels, 0].float()
        ends = [_trained(self.loss, start + noise / 10, labels, iterations) for start in (own, -own)]
        nothing = _trained(self.loss, noise[:1], labels, iterations).reached
        least = min(end.reached for end in ends)
        equals = [end for end in ends if end.reached <= least + EQUAL * max(least, 0.1)]
        loss, embedding, reached, accuracy = min(equals, key=lambda end: end.accuracy)
        see = f"see {iterations} steps of Adam at {RATE} on x and loss(x, torch.arange({self.classes}).repeat(2))"
        if not accuracy >= LEAST_ACCURACY:
            yield f"free embeddings end at its least, {reached:.4g}, with {100 * accuracy:.0f} % of classes told; {see}"
        if not reached <= MOST_OF_NOTHING * nothing:
            both = f"free embeddings bring it to {reached:.4g}, one embedding for all to {nothing:.4g}"
            yield f"{both}, hardly more; {see}"
        vectors = loss.class_vectors().float().flatten(0, 1)
        cosines = functional.normalize(embedding, dim=1) @ functional.normalize(vectors, dim=1).T
        nearness = (cosines, -torch.cdist(embedding, vectors))
        nearest = [near.view(len(labels), self.classes, -1).amax(2).argmax(1) for near in nearness]
        if not max(_share(found, labels) for found in nearest) >= LEAST_ACCURACY:
            yield f"free embeddings are not nearest to the vectors of their class, by angle or distance; {see}"

    def _made(self, classes: int, seed: int = 0) -> Any:
        torch.default_generator.manual_seed(seed)
        return self.make(classes, self.dimension)

    def _copy(self) -> Any:
        return copy.deepcopy(self.loss)

    def _usual(self, seed: int = 1, dtype: torch.dtype = torch.float32, samples: int = SAMPLES) -> Batch:
        """Return random embeddings of all classes in turn."""
        generator = torch.Generator().manual_seed(seed)
        embedding = torch.randn(samples, self.dimension, generator=generator, dtype=torch.float64).to(dtype)
        how = f"loss(torch.randn({samples}, {self.dimension}), torch.arange({samples}) % {self.classes})"
        return Batch(embedding, torch.arange(samples) % self.classes, how)


def _value(loss: Any, embedding: Tensor, labels: Tensor) -> tuple[Tensor | None, str]:
    """Return the loss of a batch after `torch.manual_seed(0)`, or None and what it raises."""
    torch.default_generator.manual_seed(0)
    try:
        value: Tensor = loss(embedding, labels)["loss"]
    except Exception as error:
        return None, f"it raises {said(error)}"
    return value, ""


def _grouped(given: Iterable[tuple[Any, Batch]]) -> Iterator[str]:
    """Yield what is not finite of losses of batches, each thing once, with the first batch that shows it."""
    shown: dict[str, list[str]] = {}
    for loss, batch in given:
        if problem := _infinite(loss, batch):
            shown.setdefault(problem, []).append(batch.how)
    for problem, hows in shown.items():
        more = f", the first of {len(hows)} such batches" if len(hows) > 1 else ""
        yield f"{problem}; see {hows[0]}{more}"


def _infinite(loss: Any, batch: Batch) -> str:
    """Return what of a batch is not finite, or of what it leaves behind in training; "" where all is."""
    used = copy.deepcopy(loss).train()
    embedding = batch.embedding.clone().requires_grad_()
    value, error = _value(used, embedding, batch.labels)
    if value is None:
        return error
    if not value.isfinite():
        return f"the loss is {float(value)}"
    named = {"embedding": embedding, **dict(used.named_parameters())}
    gradients = torch.autograd.grad(value, list(named.values()), materialize_grads=True)
    wrong = [name for name, gradient in zip(named, gradients, strict=True) if not gradient.isfinite().all()]
    if wrong:
        return f"the gradient of {' and '.join(wrong)} is not finite"
    buffers = [name for name, buffer in used.named_buffers() if not buffer.isfinite().all()]
    return f"the buffer {' and '.join(buffers)} is not finite from then on" if buffers else ""


def _close(one: Tensor, other: Tensor, share: float) -> bool:
    return abs(float(one) - float(other)) <= share * max(1.0, abs(float(other)))


def _share(found: Tensor, labels: Tensor) -> float:
    return float((found == labels).double().mean())


def _disagreement(
    value: Callable[[dict[str, Tensor]], Tensor], variables: dict[str, Tensor], name: str, slope: Tensor, seed: int
) -> float:
    """Return by how much a gradient and the difference quotient along a random direction differ, as a share."""
    at = variables[name]
    direction = torch.randn(at.shape, dtype=at.dtype, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        above, below = (float(value({**variables, name: at + side * STEP * direction})) for side in (1, -1))
    quotient, derivative = (above - below) / (2 * STEP), float((slope * direction).sum())
    return abs(quotient - derivative) / max(1.0, abs(derivative))


class End(NamedTuple):
    """A loss and free embeddings trained by it, what it comes to, and the share that its scores give to their class."""

    loss: Any
    embedding: Tensor
    reached: float
    accuracy: float


def _trained(start: nn.Module, embedding: Tensor, labels: Tensor, iterations: int) -> End:
    """Train free embeddings, of which one stands for all where there is only one."""
    loss: Any = copy.deepcopy(start).train()
    free = embedding.clone().requires_grad_()
    variables = [free, *loss.parameters()]
    means, squares = ([torch.zeros_like(variable) for variable in variables] for _ in range(2))
    for step in range(1, iterations + 1):
        value = loss(free.expand(len(labels), -1), labels)["loss"]
        gradients = torch.autograd.grad(value, variables, materialize_grads=True)
        with torch.no_grad():
            for variable, gradient, mean, square in zip(variables, gradients, means, squares, strict=True):
                mean.lerp_(gradient, 0.1)
                square.lerp_(gradient.square(), 0.001)
                spread = (square / (1 - 0.999**step)).sqrt_().add_(1e-8)
                variable.addcdiv_(mean, spread, value=-RATE / (1 - 0.9**step))
    with torch.no_grad():
        free = free.expand(len(labels), -1)
        reached = float(loss.eval()(free, labels)["loss"])
        accuracy = _share(loss.scores(free).argmax(1), labels)
    return End(loss, free, reached if math.isfinite(reached) else math.inf, accuracy)
