"""Whether a training got anywhere, judged from a few numbers of it.

Four words say that it did not, and nothing can be read from what was measured of it. One more, saturated, warns, but
leaves a result that can be read: whoever has learned all images trained on is judged by others, and there it may do
well or badly.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from shared.evaluation.spread import mean

Ill = Literal["at chance", "collapsed", "not finite", "cut while falling", "saturated"]

MEANINGS: dict[Ill, str] = {
    "at chance": "No more of the images trained on are told than by one who knows only how frequent classes are.",
    "collapsed": "Every image gets the same answer, or has the same embedding.",
    "not finite": "The loss, or the embeddings of the images trained on, are no numbers.",
    "cut while falling": "The loss was still falling fast when the rate was first cut, or when a run without a cut "
    "ended, and of the images trained on there are some still to be learned.",
    "saturated": "All is right and the loss gone long before the end, so that it says nothing of what the later "
    "updates did.",
}
FELL: Ill = "cut while falling"
VOID = frozenset[Ill]({"at chance", "collapsed", "not finite", "cut while falling"})
"""What leaves nothing to be read from a run."""
ERROR_AT_CHANCE = 0.9
"""Of the error of chance. So many images are trained on that no luck reaches down to it, and what has learned anything
of ten classes is soon at a half."""
LOSS_AT_CHANCE = 0.99
"""Of the loss of knowing nothing. Noise of the batches and weight decay move it by less than the hundredth."""
TOLD_APART = 0.5
"""Of the error of chance: with less, classes are told apart, however much a margin makes of the loss."""
ALIKE = 1e-6
"""Of the mean squared length of embeddings: where their variance is less, they differ by a thousandth of their length,
of which little is left in bfloat16."""
FALLING = 0.1
"""In the last epoch, or in the last tenth of twenty or more: at that pace ten such steps would leave a third."""
LEARNED = 0.01
"""Of the error of chance: with less on the images trained on, what still fell was the loss of right answers."""
GONE = 1e-3
"""Of the loss of knowing nothing. Of what is left the wrong answers, each of which costs some nats, are fewer than one
in a hundred, and its fall is that of answers that are right already."""
EARLY = 0.5
"""Of the epochs: before that is well before the end."""


@dataclass(frozen=True)
class Numbers:
    """What is known of a training; None where it is not.

    `losses`, the mean of the loss over each epoch, and `judged`, that of the term by which one sees whether it tells
    classes apart. `nothing`: that term for one who knows only how frequent the classes are, `alike`: where all classes
    look alike to it. `cut`: the epochs, of all with the same rate, before the rate was first cut, None where it never
    was. `optimum`: the judged term at the least loss that free embeddings have. The others are those of
    `shared.evaluation.health`, errors in percent.
    """

    losses: Sequence[float]
    judged: Sequence[float] | None = None
    nothing: float | None = None
    alike: float | None = None
    cut: int | None = None
    error: float | None = None
    chance: float | None = None
    classes: int | None = None
    predicted: int | None = None
    spread: float | None = None
    optimum: float | None = None


@dataclass(frozen=True)
class Health:
    """What ails a training, each with the reason in a few words; nothing where it is healthy. `told`: its numbers."""

    ills: Mapping[Ill, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def trained(self) -> bool:
        """Whether what was measured of it can be read."""
        return VOID.isdisjoint(self.ills)

    @property
    def reason(self) -> str:
        """Return why it cannot be read, "" where it can."""
        return "; ".join(f"{ill}: {why}" for ill, why in self.ills.items() if ill in VOID)

    @property
    def word(self) -> str:
        """Return `healthy`, or all that ails it."""
        return ", ".join(self.ills) or "healthy"


def tally(ills: Iterable[Iterable[str]]) -> dict[str, int]:
    """Return how many of some trainings, or runs, have each of what ails them, the gravest first."""
    found = Counter(ill for each in ills for ill in each)
    return {ill: found[ill] for ill in MEANINGS if found[ill]}


def judge_health(numbers: Numbers) -> Health:
    """Return what ails a training, as far as its numbers tell."""
    if not all(map(math.isfinite, [*numbers.losses, *(numbers.judged or ()), numbers.spread or 0.0])):
        return Health({"not finite": "its loss or its embeddings are no numbers"}, _told(numbers))
    found: dict[Ill, str | None] = {
        "at chance": _at_chance(numbers),
        "collapsed": _collapsed(numbers),
        "cut while falling": _cut_while_falling(numbers),
        "saturated": _saturated(numbers),
    }
    return Health({ill: why for ill, why in found.items() if why}, _told(numbers))


def of_runs(found: Mapping[tuple[str, int], Health]) -> dict[tuple[str, int], Health]:
    """Return the health of trainings, by run and seed, each cut while falling where most seeds of its run are.

    A schedule is the run's. Were the seeds set aside of which the loss happened to fall a little faster, what is left
    would be chosen by its outcome.
    """
    seeds: dict[str, list[Health]] = {}
    for (run, _), health in found.items():
        seeds.setdefault(run, []).append(health)
    falling = {run: sum(FELL in health.ills for health in each) > len(each) / 2 for run, each in seeds.items()}
    return {(run, seed): _as_its_run(health, falling[run]) for (run, seed), health in found.items()}


def _as_its_run(health: Health, falling: bool) -> Health:
    ills = {ill: why for ill, why in health.ills.items() if ill != FELL}
    if falling:
        ills[FELL] = health.ills.get(FELL, "as most seeds of this run")
    return replace(health, ills=ills)


def fall(losses: Sequence[float]) -> float | None:
    """Return by which share of itself a loss fell in its last epoch; of twenty epochs or more, in their last tenth.

    That is from the least of the three epochs, or tenths, before, since a loss that jumped up and came back has not
    fallen. None where there is none before, or no loss is left. Negative: it rose.
    """
    epochs = max(1, len(losses) // 10)
    ends = range(len(losses), epochs - 1, -epochs)
    last, *before = [mean(losses[end - epochs : end]) for end in ends][:4] or [0.0]
    least = min(before, default=0.0)
    return (least - last) / least if least > 0 else None


def _at_chance(numbers: Numbers) -> str | None:
    if numbers.error is not None and numbers.chance and numbers.error >= ERROR_AT_CHANCE * numbers.chance:
        return f"{numbers.error:.1f} % error on the images trained on, where chance has {numbers.chance:.1f}"
    ended = _ended(numbers)
    if ended is not None and numbers.nothing and ended >= LOSS_AT_CHANCE * numbers.nothing:
        return f"its loss ended at {ended:.4g}, where knowing nothing costs {numbers.nothing:.4g}"
    return None


def _collapsed(numbers: Numbers) -> str | None:
    if numbers.predicted == 1 and (numbers.classes or 0) > 1:
        return "all images trained on are taken for one class"
    if numbers.spread is not None and numbers.spread < ALIKE:
        return "all embeddings are alike"
    ended = _ended(numbers)
    for answer in (numbers.nothing, numbers.alike):
        if ended is not None and answer and abs(ended / answer - 1) <= 1 - LOSS_AT_CHANCE:
            return f"its loss ended at {ended:.4g}, that of one answer to every image"
    return None


def _ended(numbers: Numbers) -> float | None:
    """Return the loss of the last epoch, or None where it tells nothing, as the images are told apart all the same."""
    if not numbers.judged:
        return None
    told_apart = numbers.error is not None and numbers.error < TOLD_APART * (numbers.chance or 0)
    return None if told_apart else numbers.judged[-1]


def _cut_while_falling(numbers: Numbers) -> str | None:
    fell = fall(numbers.losses[: numbers.cut])
    if fell is None or fell <= FALLING or _is_learned(numbers):
        return None
    if _is_gone(numbers, len(numbers.losses[: numbers.cut]) - 1):
        return None
    ended = numbers.cut is None or numbers.cut >= len(numbers.losses)
    return f"the loss fell by {100 * fell:.0f} % just before {'the end' if ended else 'the rate was first cut'}"


def _is_learned(numbers: Numbers) -> bool:
    return numbers.error is not None and numbers.error < LEARNED * (numbers.chance or 0)


def _saturated(numbers: Numbers) -> str | None:
    early = math.floor(EARLY * len(numbers.losses)) - 1
    if numbers.error or early < 0 or not (_is_gone(numbers, early) and _is_gone(numbers, -1)):
        return None
    return f"less than {100 * GONE:g} % of the loss of knowing nothing was left by epoch {early + 1}"


def _is_gone(numbers: Numbers, epoch: int) -> bool:
    """Whether after an epoch, counted from 0, there is as good as nothing left of the loss."""
    if not numbers.judged or not numbers.nothing:
        return False
    return numbers.judged[epoch] < GONE * numbers.nothing


def _told(numbers: Numbers) -> dict[str, str]:
    """Return the numbers in words, by what they are."""
    told = {}
    if numbers.error is not None:
        told["error on images trained on"] = f"{numbers.error:.2f} %, by chance {numbers.chance or 0:.2f} %"
    if numbers.judged and numbers.nothing:
        optimum = "" if numbers.optimum is None else f", its optimum {numbers.optimum:.4g}"
        told["loss of the last epoch"] = f"{numbers.judged[-1]:.4g}, knowing nothing {numbers.nothing:.4g}{optimum}"
    parts = {"at the end": numbers.losses}
    if numbers.cut is not None:
        parts = {"before the rate was first cut": numbers.losses[: numbers.cut], **parts}
    for name, part in parts.items():
        fell = fall(part)
        if fell is not None:
            told[f"fall of the loss {name}"] = f"{100 * fell:.1f} %"
    return told
